/* sharedmem.h: named shared-memory segments that sharedmemd keeps, and values by key in them.
 *
 * Link with libsharedmem: cc program.c $(pkg-config --cflags --libs sharedmem). It needs the C library alone.
 *
 * RESULTS. A function that returns int returns 0, or a negative errno:
 *   -ENOENT           there is no such key, or no such segment
 *   -EACCES           the permissions of the segment, or of the daemon's socket, don't allow it
 *   -EROFS            written through a read-only handle, or asked who holds its lock
 *   -ENOSPC           the segment, its index, or the daemon is full; the old value stays
 *   -EMSGSIZE         the buffer is too small; ret_length says what is needed
 *   -ESTALE           the key has another version; something that a transaction read has changed
 *   -ETIMEDOUT        the lock word wasn't free in time; from a wait: nothing has changed in time; the daemon is there
 *                     and hasn't answered in 180 s
 *   -ECANCELED        a wait was cancelled
 *   -EUCLEAN          the segment's memory is corrupted
 *   -ENOTCONN         there is no daemon, it has been gone for longer than the grace time, or it ends the connection:
 *                     the user holds as many as the configuration allows
 *   -EIDRM            the segment was removed while it was attached
 *   -EPROTONOSUPPORT  library, daemon or segment are of versions that don't understand each other
 *   -EDQUOT           the daemon keeps as many sessions as it can: 4,096, of which each handle of a segment has one
 *   -EEXIST           there is a segment of that name
 *   -EMEDIUMTYPE      the value has another type; -ERANGE: the sum doesn't fit into 64 bits
 *   -ENAMETOOLONG     the key has more than SHAREDMEM_KEY_LIMIT bytes, or the socket's path more than 107
 *   -EAGAIN           writers changed what was read again and again: many keys through a read-only handle 10,000 times, or
 *                     a key in one get of a transaction 1,000 times
 *   -EINVAL           an argument is NULL that mustn't be, or breaks a rule: a bad segment name, a structure whose size
 *                     isn't set
 * and what a system call can fail with, such as -ENOMEM or -EMFILE. sharedmem_strerror() says each in words.
 * Parameters named ret_... come last; NULL there means that the caller doesn't want to know, except for a handle and a
 * structure. They and structures that are filled in are stored to on success alone, but for two: ret_length with
 * -EMSGSIZE, and ret_version with -ENOENT from a get (the version of the newest deletion that may be the key's: to wait
 * after it misses nothing; in a transaction 0). sharedmem_get_with has both in its structure. To ask for a length alone,
 * pass buffer NULL and capacity 0.
 *
 * KEYS are 0 to SHAREDMEM_KEY_LIMIT bytes, any bytes; values 0 bytes to what the segment has room for. A pointer may be
 * NULL if its length is 0. What is passed in is copied before the function returns, and never kept. Keys come back with
 * their length, and without a zero byte at their end.
 *
 * TIME-OUTS named timeout_ms are milliseconds; 0 only looks, any negative number is for ever. A signal doesn't end a
 * wait, which goes on when the handler has returned; sharedmem_watch_cancel ends those in sharedmem_watch_next.
 *
 * THREADS. A sharedmem_segment, a sharedmem_key_handle and a sharedmem_watch may be used by many threads at once; a
 * sharedmem_transaction, a cursor and a sharedmem_borrowed by one at a time. Closing is for the last user.
 *
 * FORK. In a forked child a segment handle attaches again at its first call, and a key handle with it. Watches,
 * transactions and borrowed values are the parent's: in the child they may only be closed. Descriptors are closed on exec.
 *
 * SIGNALS. sharedmem_watch_cancel and sharedmem_strerror may be called in a signal handler. sharedmem_get and
 * sharedmem_key_get take no lock and allocate nothing as long as the daemon lives and nothing overtakes the read; but a
 * handler can't know that: otherwise they may attach again, and wait for a lock that the interrupted thread holds. No
 * other function may be called there.
 *
 * VERSIONS. The header that a program was compiled with may be older or newer than the library. Structures that begin
 * with size may grow at their end: set size, and in those that are passed in everything that isn't wanted to 0. What one
 * side doesn't know of them is 0 to the other; what is set and this library doesn't know, in a structure or in flags, is
 * -EPROTONOSUPPORT. A program that needs a function that this library doesn't have isn't loaded.
 *
 * COST. A get takes no lock and makes no system call; a set takes the segment's lock word, and makes a system call only if
 * somebody waits for the word or watches the key. What costs more says so. "Asks the daemon" is a round trip over a socket.
 */
#ifndef SHAREDMEM_H
#define SHAREDMEM_H

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHAREDMEM_KEY_LIMIT 512  /* bytes of the longest key */
#define SHAREDMEM_NAME_LIMIT 64  /* bytes of the longest segment name: [A-Za-z0-9._-], not starting with a dot */

typedef struct sharedmem_segment sharedmem_segment;         /* an attached segment */
typedef struct sharedmem_key_handle sharedmem_key_handle;   /* a key that is used often */
typedef struct sharedmem_transaction sharedmem_transaction; /* changes that happen together */
typedef struct sharedmem_borrowed sharedmem_borrowed;       /* a value that is lent where it is */
typedef struct sharedmem_watch sharedmem_watch;             /* who watches what */

/* ---------------------------------------------------------------------------------------------- Segments */

#define SHAREDMEM_READ_ONLY 1u  /* get; the mapping is read-only by the kernel's word */
#define SHAREDMEM_READ_WRITE 3u /* get, set and delete */

/* What a segment is made with. Set size to sizeof of it and everything else that isn't wanted to 0. */
typedef struct sharedmem_options {
    size_t size;          /* sizeof(sharedmem_options) of the header that the program was compiled with */
    uint64_t byte_count;  /* bytes, 64 KiB to 256 GiB; 0: 16 MiB */
    uint64_t entry_count; /* keys that the index is made for; 0: as many 128-byte records as fit */
    uint32_t mode;        /* permission bits, r and w: 0600 for instance; 0: 0600 */
    uint32_t owner;       /* uid plus 1; 0: the caller's */
    uint32_t group;       /* gid plus 1; 0: the caller's */
    uint32_t snapshots;   /* 0: there are no snapshots yet, anything else is -EINVAL */
} sharedmem_options;

/* What is known of a segment; set size as in sharedmem_options. */
typedef struct sharedmem_info {
    size_t size;          /* sizeof(sharedmem_info) */
    uint64_t segment_id;  /* issued by the daemon, never reused */
    uint64_t generation;  /* counts from 1 */
    uint64_t byte_count;  /* bytes of the data file */
    uint64_t created_at;  /* ns since the epoch */
    uint32_t mode;        /* permission bits */
    uint32_t owner;       /* uid */
    uint32_t group;       /* gid */
    uint32_t sessions;    /* attached now */
    uint32_t access;      /* SHAREDMEM_READ_* that the caller would get; 0: none */
    uint32_t reserved;    /* 0 */
    char name[SHAREDMEM_NAME_LIMIT + 8]; /* ends with a zero byte */
} sharedmem_info;

/* Attaches to a segment. socket_path NULL: the environment's SHAREDMEM_SOCKET, or /run/sharedmemd/control.sock; -EINVAL if
 * it isn't UTF-8. The caller owns *ret_segment. Asks the daemon, maps two files; blocks while the segment's memory is
 * still being made. */
int sharedmem_open(const char *socket_path, const char *segment, uint32_t flags, sharedmem_segment **ret_segment);

/* Makes a segment and attaches to it for reading and writing; options NULL: all defaults. All its memory is reserved
 * before this returns (0.6 s for each GiB were measured). ret_segment NULL: it is made, and not attached to. It stays
 * if attaching fails. */
int sharedmem_create(const char *socket_path, const char *segment, const sharedmem_options *options,
                     sharedmem_segment **ret_segment);

/* Detaches; NULL is allowed. Key handles, watches and borrowed values of it stay valid until they are freed. */
void sharedmem_close(sharedmem_segment *segment);

/* Removes a segment's name: its owner and root may. Who is attached gets -EIDRM. Asks the daemon. */
int sharedmem_remove(const char *socket_path, const char *segment);

/* Describes a segment. Asks the daemon. */
int sharedmem_describe(const char *socket_path, const char *segment, sharedmem_info *ret_info);

/* Describes the first segment whose name comes after `after` in the order of bytes (NULL or "": the first of all) among
 * those that the caller may read; -ENOENT at the end. after may be ret_info->name. Asks the daemon. */
int sharedmem_next_segment(const char *socket_path, const char *after, sharedmem_info *ret_info);

/* How long a write waits for the lock word before it returns -ETIMEDOUT; 5,000 by default. */
void sharedmem_set_lock_timeout(sharedmem_segment *segment, uint64_t milliseconds);

/* How long calls go on in the mapped memory after the daemon is gone, before they return -ENOTCONN; UINT64_MAX: for
 * ever. 5,000 by default. */
void sharedmem_set_grace_time(sharedmem_segment *segment, uint64_t milliseconds);

/* ------------------------------------------------------------------------------------------------ Values */

/* What a value says that it is. The library doesn't check that the bytes suit the type. */
#define SHAREDMEM_VALUE_BYTES 0u /* anything */
#define SHAREDMEM_VALUE_TEXT 1u  /* UTF-8 */
#define SHAREDMEM_VALUE_I64 2u   /* 8 bytes: a signed integer, little-endian */
#define SHAREDMEM_VALUE_F64 3u   /* 8 bytes: IEEE 754 binary64, little-endian */
#define SHAREDMEM_VALUE_JSON 4u  /* one JSON text in UTF-8; 128 to 255 are a program's own */

/* Copies the value of a key into buffer. The buffer's bytes are undefined unless 0 is returned. */
int sharedmem_get(sharedmem_segment *segment, const void *key, size_t key_length, void *buffer, size_t capacity,
                  size_t *ret_length, uint64_t *ret_version);

/* Sets a key. When it has returned, every later get sees this value or a newer one. Its type is SHAREDMEM_VALUE_BYTES,
 * and it doesn't expire, whatever the old value was; the same is true of sharedmem_compare_and_set, sharedmem_key_set
 * and sharedmem_transaction_set. */
int sharedmem_set(sharedmem_segment *segment, const void *key, size_t key_length, const void *value, size_t length,
                  uint64_t *ret_version);

/* Sets a key if it has expected_version; 0: if it doesn't exist. -ESTALE: it has another one. */
int sharedmem_compare_and_set(sharedmem_segment *segment, const void *key, size_t key_length, const void *value,
                              size_t length, uint64_t expected_version, uint64_t *ret_version);

/* Deletes a key; -ENOENT: there is none. *ret_version: of the deletion. */
int sharedmem_delete(sharedmem_segment *segment, const void *key, size_t key_length, uint64_t *ret_version);

/* Deletes a key if it has expected_version. -ESTALE: it has another one, or there is no such key. */
int sharedmem_compare_and_delete(sharedmem_segment *segment, const void *key, size_t key_length,
                                 uint64_t expected_version, uint64_t *ret_version);

/* Adds delta to the integer at a key, 0 if there is none: an I64, or bytes or text that are a whole decimal number;
 * else -EMEDIUMTYPE (an integer's 8 bytes that were set without the type are none). What it stores is an I64, and
 * expires when the old value did. */
int sharedmem_add(sharedmem_segment *segment, const void *key, size_t key_length, int64_t delta, int64_t *ret_value);

/* What a set may be told beside key and value; set size as in sharedmem_options. */
typedef struct sharedmem_set_options {
    size_t size;                /* sizeof(sharedmem_set_options) */
    uint64_t expires_in_ms;     /* how long the value lives, suspended time included; 0: until it's replaced or deleted */
    uint64_t expected_version;  /* counts if has_expected_version is 1; 0: the key must not exist */
    uint32_t has_expected_version; /* 0 or 1 */
    uint32_t type;              /* SHAREDMEM_VALUE_* */
} sharedmem_set_options;

/* Sets a key with a type, an expiry or a condition; options NULL: as sharedmem_set. */
int sharedmem_set_with(sharedmem_segment *segment, const void *key, size_t key_length, const void *value, size_t length,
                       const sharedmem_set_options *options, uint64_t *ret_version);

/* What is known of a value; set size as in sharedmem_options. */
typedef struct sharedmem_value_info {
    size_t size;         /* sizeof(sharedmem_value_info) */
    uint64_t length;     /* bytes */
    uint64_t version;    /* of the set that wrote it */
    uint64_t written_at; /* ns since the epoch, to 4 ms or so */
    uint64_t expires_at; /* ns of CLOCK_BOOTTIME; 0: never */
    uint32_t session;    /* who wrote it, as the daemon numbers sessions */
    uint32_t type;       /* SHAREDMEM_VALUE_* */
} sharedmem_value_info;

/* Says what is known of a key's value without copying it. */
int sharedmem_value_describe(sharedmem_segment *segment, const void *key, size_t key_length,
                             sharedmem_value_info *ret_info);

/* Copies the value of a key as sharedmem_get, and says what is known of this very value. In the place of ret_length and
 * ret_version, ret_info->length is stored to with -EMSGSIZE and ret_info->version with -ENOENT, nothing else of it. */
int sharedmem_get_with(sharedmem_segment *segment, const void *key, size_t key_length, void *buffer, size_t capacity,
                       sharedmem_value_info *ret_info);

/* Deletes all values that have expired, one lock at a time. Nobody sees them; this gives their memory back. Costs time in
 * proportion to the index. *ret_count: how many there were. */
int sharedmem_sweep_expired(sharedmem_segment *segment, uint64_t *ret_count);

/* One key of sharedmem_get_many. */
typedef struct sharedmem_item {
    const void *key;
    size_t key_length;
    int64_t length;   /* out: bytes of the value; -1: there is no such key */
    uint64_t version; /* out: of the value; 0: there is no such key */
} sharedmem_item;

/* Copies the values of count keys as they were at one moment; the nth begins at buffer + n * stride. -EMSGSIZE: a value
 * has more than stride bytes, *ret_length is its length; it isn't stored otherwise. Half the time a key of single gets
 * in a large segment. */
int sharedmem_get_many(sharedmem_segment *segment, sharedmem_item *items, size_t count, void *buffer, size_t stride,
                       size_t *ret_length);

/* Copies the next key that begins with prefix. *cursor starts at 0; -ENOENT at the end. In no order; a key that stays
 * while the cursor passes comes exactly once, and twice only if the segment moves to new memory meanwhile. -EMSGSIZE
 * leaves the cursor. A whole pass costs time in proportion to the index. */
int sharedmem_next_key(sharedmem_segment *segment, const void *prefix, size_t prefix_length, uint64_t *cursor,
                       void *buffer, size_t capacity, size_t *ret_length);

/* ------------------------------------------------------------------------------------------- Key handles */

/* A handle of a key, which needn't exist, for one that is used often: it finds it without hashing. The caller owns it. */
int sharedmem_key(sharedmem_segment *segment, const void *key, size_t key_length, sharedmem_key_handle **ret_key);
int sharedmem_key_get(sharedmem_key_handle *key, void *buffer, size_t capacity, size_t *ret_length,
                      uint64_t *ret_version);
int sharedmem_key_set(sharedmem_key_handle *key, const void *value, size_t length, uint64_t *ret_version);
void sharedmem_key_free(sharedmem_key_handle *key); /* NULL is allowed */

/* ------------------------------------------------------------------------------------------ Transactions */

/* Begins to collect, in private memory: nothing is locked before the commit. The caller ends it by sharedmem_commit or
 * sharedmem_abort. All that is read in it is of one moment; -ESTALE from a get: that is no longer possible, abort and
 * begin anew. A get of what the transaction has set itself returns that, with version 0. */
int sharedmem_begin(sharedmem_segment *segment, sharedmem_transaction **ret_transaction);
int sharedmem_transaction_get(sharedmem_transaction *transaction, const void *key, size_t key_length, void *buffer,
                              size_t capacity, size_t *ret_length, uint64_t *ret_version);
int sharedmem_transaction_set(sharedmem_transaction *transaction, const void *key, size_t key_length, const void *value,
                              size_t length);

/* Sets a key with a type, an expiry (which counts from this call) or a condition; options NULL: as
 * sharedmem_transaction_set. -ESTALE: the transaction has read the key with another version than is expected; what it
 * hasn't read is checked by the commit. */
int sharedmem_transaction_set_with(sharedmem_transaction *transaction, const void *key, size_t key_length,
                                   const void *value, size_t length, const sharedmem_set_options *options);
int sharedmem_transaction_delete(sharedmem_transaction *transaction, const void *key, size_t key_length);

/* Does all of it at once and frees the transaction, whatever comes of it; if it fails, nothing was written. -ESTALE:
 * something read has changed: begin anew. -EROFS and -ENOSPC come here, not from the calls above. A transaction that
 * changes nothing takes no lock. */
int sharedmem_commit(sharedmem_transaction *transaction, uint64_t *ret_version);
void sharedmem_abort(sharedmem_transaction *transaction); /* frees it; NULL is allowed */

/* ---------------------------------------------------------------------------------------------- Watching */

/* Waits until a key's version is above after_version: a set or a deletion, -ETIMEDOUT if none comes in time. May return
 * early, never late: look at the key. The first wait for a key asks the daemon; the key stays watched until a wait for
 * it times out or the segment is closed, so that a loop asks once. */
int sharedmem_wait(sharedmem_segment *segment, const void *key, size_t key_length, uint64_t after_version, int timeout_ms,
                   uint64_t *ret_version);

#define SHAREDMEM_WATCH_PREFIX 1u  /* all keys that begin with key; with key_length 0 the whole segment */
#define SHAREDMEM_WATCH_INITIAL 2u /* begin with what is there now: a listing; of a single key SET, if it is there */

#define SHAREDMEM_CHANGED_SET 1u         /* the key was set */
#define SHAREDMEM_CHANGED_DELETED 2u     /* the key was deleted, or has expired and was removed */
#define SHAREDMEM_CHANGED_LISTED 3u      /* the key is there: part of a listing */
#define SHAREDMEM_CHANGED_LISTING 4u     /* a listing begins: each key that is there follows as LISTED */
#define SHAREDMEM_CHANGED_LISTING_END 5u /* the listing ends: keys that weren't in it are gone */

/* One change; set size as in sharedmem_options. */
typedef struct sharedmem_change {
    size_t size;         /* sizeof(sharedmem_change) */
    uint64_t version;    /* of the change; 0 for LISTING and LISTING_END */
    uint32_t kind;       /* SHAREDMEM_CHANGED_* */
    uint32_t key_length; /* bytes */
    unsigned char key[SHAREDMEM_KEY_LIMIT]; /* no zero byte at its end */
} sharedmem_change;

/* Watches a key or a prefix from now on. The caller owns *ret_watch. Asks the daemon. */
int sharedmem_watch_open(sharedmem_segment *segment, const void *key, size_t key_length, uint32_t flags,
                         sharedmem_watch **ret_watch);

/* The next change; -ETIMEDOUT as sharedmem_wait, -ECANCELED after sharedmem_watch_cancel. Changes of a key that follow
 * each other quickly become one, the last one always comes. Who was too slow to follow gets a listing; a listing may
 * be cut short by the LISTING of a newer one. What changes during it may come twice, with one version. */
int sharedmem_watch_next(sharedmem_watch *watch, int timeout_ms, sharedmem_change *ret_change);

/* Ends the waits of all threads in sharedmem_watch_next, now and later, with -ECANCELED. */
void sharedmem_watch_cancel(sharedmem_watch *watch);

/* A descriptor that poll(2) finds readable when sharedmem_watch_next(watch, 0, ...) may have something, or a negative
 * errno. It's readable at first, and after sharedmem_watch_cancel; take changes until -ETIMEDOUT, then poll again. It
 * belongs to the watch: don't read it, don't close it. The first one starts a thread, one for each process, that blocks
 * the signals that a program handles. */
int sharedmem_watch_descriptor(sharedmem_watch *watch);

void sharedmem_watch_close(sharedmem_watch *watch); /* NULL is allowed */

/* --------------------------------------------------------------------------------- Borrowing, and the lock */

/* Lends a value where it is: nothing changes its bytes until sharedmem_return, not even sharedmem_close. Meanwhile
 * memory that writers replace isn't used again: keep it short. Through a read-only handle values below 4 MiB are
 * copied, larger ones ask the daemon. */
int sharedmem_borrow(sharedmem_segment *segment, const void *key, size_t key_length, sharedmem_borrowed **ret_borrowed,
                     const void **ret_value, size_t *ret_length, uint64_t *ret_version);
void sharedmem_return(sharedmem_borrowed *borrowed); /* NULL is allowed */

/* Who holds a segment's lock word; set size as in sharedmem_options. */
typedef struct sharedmem_lock_holder {
    size_t size;       /* sizeof(sharedmem_lock_holder) */
    uint64_t taken_at; /* ns since the epoch; 0: not known */
    uint32_t session;  /* as the daemon numbers sessions */
    int32_t pid;       /* in the daemon's pid namespace; 0: not known */
    char program[72];  /* as it claims; ends with a zero byte */
} sharedmem_lock_holder;

/* Asks the daemon who holds the lock word; -ENOENT: nobody. Only through a handle that may write. */
int sharedmem_lock_describe(sharedmem_segment *segment, sharedmem_lock_holder *ret_holder);

/* A sentence for an error, positive or negative; never NULL, never freed. */
const char *sharedmem_strerror(int error);

/* --------------------------------------------------------------------------------- The two classic calls */

/* One text for all programs: the empty key of the segment `default` (the environment's SHAREDMEM_SEGMENT overrides). They
 * attach at the first call and detach at exit; text is kept as UTF-8. errno says what went wrong, and is left alone
 * otherwise. */

/* Sets the text; NULL sets the empty one. EILSEQ: a character that Unicode doesn't have; nothing is set. */
void SetSharedMem(const wchar_t *text);

/* Copies the text into buffer, which has room for capacity characters, cut at a whole character, always with a zero at its
 * end; capacity 0 or buffer NULL: nothing is stored. No daemon or no text: the empty text. */
void GetSharedMem(wchar_t *buffer, uint32_t capacity);

#ifdef __cplusplus
}
#endif

#endif
