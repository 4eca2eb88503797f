/* The memory format of a sharedmemd segment, version 1.0.
 *
 * A generation of a segment is two memory files. The DATA FILE holds this header, the index and the records; readers
 * map it read-only, writers and the daemon map it writable. The LOCK FILE holds what writers sleep on and all
 * bookkeeping; readers never get a descriptor of it, because FUTEX_WAIT, WAKE and REQUEUE work through a read-only
 * mapping and would let a reader swallow or redirect a writer's wake-up.
 *
 * Everything is little-endian, naturally aligned, and an offset from the start of its file: the files are mapped at
 * different addresses in different processes. Each word below is read and written as one aligned atomic access of its
 * own size. Structs here declare offsets; nobody copies them as a whole.
 *
 * WHO WRITES. The immutable part of both headers is written once, by the daemon, before a descriptor leaves it.
 * Everything else is written by the holder of the lock word, with four exceptions: the lock word itself (any writer,
 * by compare-and-swap), the pin slots (the owning session), the watched flags and the state (the daemon).
 * The notify words and ring_gap are moved by anybody who may write, by atomic additions and maxima.
 *
 * WHO READS, AND WHY IT NEEDS NO LOCK. A record is immutable from the moment its reference is stored in the index
 * until it is reused. Publishing is one 64-bit store of a reference. A replaced record stays in limbo, whole, until
 * the reuse epoch has moved on by two since its retirement, and no byte of a reclaimed block changes before the new
 * epoch is visible. A reader therefore loads the epoch, loads the reference, copies, and then has a whole record if
 * the index entry is still the same (and the record's version has the entry's low half), or if the epoch moved by at
 * most one. Otherwise it begins again. It stores nothing.
 *
 * WHY STALE IS HARMLESS. A tag or a reach that is out of date sends a reader to a slot whose key differs, or past one
 * that was filled after the read began: both are the state at some moment of the read. Only reference 0 means empty.
 *
 * WHO WATCHES, AND WHY NO CHANGE IS MISSED. A watcher asks the daemon first, which sets a flag and fences; then it loads
 * the notify word, then looks at the values, then sleeps while the word is the same. A writer makes its change visible,
 * gives the lock word back (sequentially consistent), and only then looks at the flags: either it sees the flag, moves
 * the notify word and wakes, or the watcher sees the change. A wake-up that dies with its waker is made up for by the
 * daemon. Which keys changed stands in the change ring, as long as the reader keeps up and ring_gap says nothing else.
 *
 * WHAT KILL -9 LEAVES. Before each group of changes to heap or limbo the old words are written to the undo area;
 * before publication the intent says what is being published. Whoever recovers the segment (only the daemon, or a
 * test) finds the old state or the new one from those alone, assigns absolute values, and can itself be killed at any
 * store and run again.
 *
 * HOSTILE BYTES. Any byte of either file may be wrong at any moment: a writer can be hostile. The geometry is
 * validated once, at attach, and kept in private memory; every reference and every length that is loaded later is
 * checked against it before it is used, and every loop has a bound.
 */
#ifndef SHAREDMEM_LAYOUT_H
#define SHAREDMEM_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
#define SHAREDMEM_STATIC_ASSERT(condition, text) static_assert(condition, text)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define SHAREDMEM_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#else
#define SHAREDMEM_STATIC_ASSERT(condition, text)
#endif
#define SHAREDMEM_OFFSET(type, field, value) \
    SHAREDMEM_STATIC_ASSERT(offsetof(struct type, field) == (value), #type "." #field)
#define SHAREDMEM_SIZE(type, value) SHAREDMEM_STATIC_ASSERT(sizeof(struct type) == (value), #type)

#define SHAREDMEM_DATA_MAGIC UINT64_C(0x315441444d524853) /* "SHRMDAT1" in memory order */
#define SHAREDMEM_LOCK_MAGIC UINT64_C(0x314b434c4d524853) /* "SHRMLCK1" */
#define SHAREDMEM_LAYOUT_MAJOR 1 /* another major: refuse */
#define SHAREDMEM_LAYOUT_MINOR 0 /* a higher minor: fields were added in reserved space */

#define SHAREDMEM_GRANULE 64u             /* bytes; records begin and end at granules */
#define SHAREDMEM_KEY_MAX 512u            /* bytes */
#define SHAREDMEM_NAME_MAX 64u            /* bytes of a segment's name */
#define SHAREDMEM_BUCKET_SLOTS 7u         /* references in a bucket of the index */
#define SHAREDMEM_REACH_MAX 96u           /* buckets that a key may stand away from its home */
#define SHAREDMEM_STRIPES 64u             /* watch stripes; a key belongs to one */
#define SHAREDMEM_SESSIONS_MAX 4096u      /* sessions that can hold a pin at once */
#define SHAREDMEM_UNDO_ENTRIES 128u       /* words that one undo group can change */
#define SHAREDMEM_RING_ENTRY_BYTES 576u   /* one entry of the change ring */
#define SHAREDMEM_FIRST_LEVELS 29u        /* size classes of the heap: powers of two ... */
#define SHAREDMEM_SECOND_LEVELS 16u       /* ... each cut in as many linear steps */

/* The state of a generation (sharedmem_data_header.state). */
#define SHAREDMEM_STATE_LIVE 1u
#define SHAREDMEM_STATE_RETIRED 2u /* attach again: a newer generation holds the values */
#define SHAREDMEM_STATE_REMOVED 3u /* the segment's name is gone */

/* The lock word (sharedmem_lock_header.lock_word). */
#define SHAREDMEM_LOCK_FREE 0u
#define SHAREDMEM_LOCK_WAITERS 0x80000000u  /* bit 31: somebody sleeps on the word, or may */
#define SHAREDMEM_LOCK_RECOVERY 0x40000000u /* bit 30: the daemon repairs */
#define SHAREDMEM_LOCK_SESSION 0x3fffffffu  /* bits 0-29: the owner's session id, never a pid */
#define SHAREDMEM_LOCK_RETIRED 0x7fffffffu  /* never freed again */

/* A part of a file. */
struct sharedmem_region {
    uint64_t offset;     /* bytes from the start of the file, a multiple of 64 */
    uint64_t byte_count; /* bytes */
};
SHAREDMEM_SIZE(sharedmem_region, 16);

/* One watch stripe, on a cache line of its own: who watches a key sleeps on the notify word of its stripe. */
struct sharedmem_stripe {
    uint32_t notify;        /* futex word; moved by a writer after a commit while its bit of watched_stripes is set */
    uint32_t reserved_word; /* 0 */
    uint64_t last_deletion; /* version; the newest deletion of a key of this stripe; by the lock holder */
    uint64_t reserved[6];   /* 0 */
};
SHAREDMEM_SIZE(sharedmem_stripe, 64);
SHAREDMEM_OFFSET(sharedmem_stripe, last_deletion, 8);

/* What a writer looks at to know whether anybody watches: one line, written by the daemon, but for notify. */
struct sharedmem_watch_line {
    uint32_t notify;          /* futex word of those who watch a prefix or everything; as a stripe's, while watched isn't 0 */
    uint32_t watched;         /* 1: somebody watches a prefix or everything: changes go into the ring; by the daemon */
    uint64_t watched_stripes; /* bit s: somebody watches a key of stripe s; by the daemon */
    uint64_t reserved[6];     /* 0 */
};
SHAREDMEM_SIZE(sharedmem_watch_line, 64);
SHAREDMEM_OFFSET(sharedmem_watch_line, watched, 4);
SHAREDMEM_OFFSET(sharedmem_watch_line, watched_stripes, 8);

/* The start of the data file. */
struct sharedmem_data_header {
    /* Immutable: covered by checksum. */
    uint64_t magic;                /* SHAREDMEM_DATA_MAGIC */
    uint16_t major;                /* SHAREDMEM_LAYOUT_MAJOR */
    uint16_t minor;                /* SHAREDMEM_LAYOUT_MINOR */
    uint32_t header_byte_count;    /* bytes; sizeof this struct */
    uint64_t required_features;    /* bits; an unknown one: refuse */
    uint64_t optional_features;    /* bits; an unknown one: ignore */
    uint64_t segment_id;           /* issued by the daemon, never reused */
    uint64_t generation;           /* counts from 1 */
    uint64_t hash_seed;            /* seed of the index's hash, random */
    uint64_t data_byte_count;      /* bytes of the data file */
    uint64_t lock_byte_count;      /* bytes of the lock file */
    struct sharedmem_region index; /* buckets; the last SHAREDMEM_REACH_MAX of them are nobody's home */
    struct sharedmem_region heap;  /* records and free blocks */
    struct sharedmem_region ring;  /* change ring; its byte count is a multiple of SHAREDMEM_RING_ENTRY_BYTES */
    uint64_t home_bucket_count;    /* buckets that are homes; not a power of two in general */
    uint64_t created_at;           /* ns since the epoch, CLOCK_REALTIME */
    uint64_t reserved_immutable[9]; /* 0 */
    uint64_t checksum;             /* XXH3 (64 bits, seed 0) of the bytes before it */
    uint64_t reserved_line[5];     /* 0 */

    /* The line that every read looks at; it changes when memory is reused, not when a value is set. */
    uint32_t state;            /* SHAREDMEM_STATE_*; by the daemon */
    uint32_t reserved_state;   /* 0 */
    uint64_t reuse_epoch;      /* E: moves before memory from limbo is given out again; by the lock holder */
    uint64_t reserved_epoch[6]; /* 0 */

    /* The line that every set writes. */
    uint64_t commit_number;     /* the version of the newest committed change; by the lock holder */
    uint64_t reserved_commit[7]; /* 0 */

    /* The change ring's ends. */
    uint64_t ring_position;   /* entries ever written; entry n stands at n mod the ring's length; by the lock holder */
    uint64_t ring_gap;        /* version; the newest change that may be missing in the ring; only raised, by any writer and
                                 by the daemon: who knows less than this lists the keys again */
    uint64_t ring_version;    /* version; the newest change in the ring; by the lock holder */
    uint64_t reserved_ring[5]; /* 0 */

    struct sharedmem_watch_line watch;
    uint64_t reserved_header[448];          /* 0 */
    struct sharedmem_stripe stripes[SHAREDMEM_STRIPES];
};
SHAREDMEM_OFFSET(sharedmem_data_header, major, 8);
SHAREDMEM_OFFSET(sharedmem_data_header, minor, 10);
SHAREDMEM_OFFSET(sharedmem_data_header, header_byte_count, 12);
SHAREDMEM_OFFSET(sharedmem_data_header, required_features, 16);
SHAREDMEM_OFFSET(sharedmem_data_header, optional_features, 24);
SHAREDMEM_OFFSET(sharedmem_data_header, segment_id, 32);
SHAREDMEM_OFFSET(sharedmem_data_header, generation, 40);
SHAREDMEM_OFFSET(sharedmem_data_header, hash_seed, 48);
SHAREDMEM_OFFSET(sharedmem_data_header, data_byte_count, 56);
SHAREDMEM_OFFSET(sharedmem_data_header, lock_byte_count, 64);
SHAREDMEM_OFFSET(sharedmem_data_header, index, 72);
SHAREDMEM_OFFSET(sharedmem_data_header, heap, 88);
SHAREDMEM_OFFSET(sharedmem_data_header, ring, 104);
SHAREDMEM_OFFSET(sharedmem_data_header, home_bucket_count, 120);
SHAREDMEM_OFFSET(sharedmem_data_header, created_at, 128);
SHAREDMEM_OFFSET(sharedmem_data_header, reserved_immutable, 136);
SHAREDMEM_OFFSET(sharedmem_data_header, checksum, 208);
SHAREDMEM_OFFSET(sharedmem_data_header, reserved_line, 216);
SHAREDMEM_OFFSET(sharedmem_data_header, state, 256);
SHAREDMEM_OFFSET(sharedmem_data_header, reuse_epoch, 264);
SHAREDMEM_OFFSET(sharedmem_data_header, commit_number, 320);
SHAREDMEM_OFFSET(sharedmem_data_header, ring_position, 384);
SHAREDMEM_OFFSET(sharedmem_data_header, ring_gap, 392);
SHAREDMEM_OFFSET(sharedmem_data_header, ring_version, 400);
SHAREDMEM_OFFSET(sharedmem_data_header, watch, 448);
SHAREDMEM_OFFSET(sharedmem_data_header, reserved_header, 512);
SHAREDMEM_OFFSET(sharedmem_data_header, stripes, 4096);
SHAREDMEM_SIZE(sharedmem_data_header, 8192);

/* A reference: the block's number (its offset in the data file / 64) in the high half, the low half of the record's
 * version in the low half. Block 0 is the header, so that only an empty slot is 0. */
#define SHAREDMEM_REFERENCE_BLOCK_SHIFT 32u

/* THE HASH of a key of n bytes, 64 bits: fold(fold(a ^ p, b ^ state) ^ n, 0x9e3779b97f4a7c15), where fold(x, y) is the
 * exclusive or of the two halves of the 128-bit product, p is hash_seed ^ 0x243f6a8885a308d3, q is hash_seed ^
 * 0x13198a2e03707344 (so that small seeds are no weak ones), and words are little-endian:
 *   n up to 8:   a is the bytes with zeros behind them, b is 0, state is q;
 *   n 9 to 16:   a is the first 8 bytes, b the bytes behind them with zeros up to 16, state is q;
 *   n above 16:  state begins as q and becomes fold(x ^ p, y ^ state) for each 16 bytes {x, y} from the front, as long
 *                as more than 16 are left; a and b are the last 16 bytes.
 * Home is the high half of hash * home_bucket_count (128 bits), the tag is bits 0-7, the stripe bits 8-13. */

/* One bucket of the index: one cache line. Byte i of tags_and_reach is the tag of slot i; byte 7 is the reach, the
 * furthest bucket (counted from this one) that a key whose home this is was ever put at; it is only raised. */
struct sharedmem_bucket {
    uint64_t references[SHAREDMEM_BUCKET_SLOTS]; /* 0: empty; by the lock holder */
    uint64_t tags_and_reach;                     /* by the lock holder, before the reference */
};
SHAREDMEM_OFFSET(sharedmem_bucket, tags_and_reach, 56);
SHAREDMEM_SIZE(sharedmem_bucket, 64);

/* The kind of a value (sharedmem_record.type). 5 to 127 are reserved; 128 to 255 are a program's own. */
#define SHAREDMEM_TYPE_BYTES 0u /* anything */
#define SHAREDMEM_TYPE_UTF8 1u  /* text */
#define SHAREDMEM_TYPE_I64 2u   /* 8 bytes: a signed integer, little-endian */
#define SHAREDMEM_TYPE_F64 3u   /* 8 bytes: IEEE 754 binary64, little-endian */
#define SHAREDMEM_TYPE_JSON 4u  /* one JSON text (RFC 8259) in UTF-8 */

#define SHAREDMEM_RECORD_PENDING 1u   /* flags: part of a transaction; visible from its version's commit on */
#define SHAREDMEM_RECORD_TOMBSTONE 2u /* flags: a pending deletion */

/* One version of one key's value: this header, the key, 0 to 7 bytes of 0 up to a multiple of 8, the value, padding to
 * a granule. Immutable while it can be reached, but for link and retire_epoch. A record's block is exactly as many
 * granules as it needs. */
struct sharedmem_record {
    uint64_t version;      /* the commit number it was published at */
    uint64_t written_at;   /* ns since the epoch, CLOCK_REALTIME_COARSE */
    uint64_t expires_at;   /* ns, CLOCK_BOOTTIME; 0: never */
    uint64_t lengths;      /* bytes: key in bits 0-15, value in bits 16-63 */
    uint32_t session;      /* who wrote it */
    uint32_t link;         /* block; the next one in limbo, or what a pending record replaces */
    uint32_t retire_epoch; /* the low half of E at its retirement */
    uint8_t type;          /* SHAREDMEM_TYPE_* */
    uint8_t flags;         /* SHAREDMEM_RECORD_* */
    uint16_t spare;        /* 0 */
};
SHAREDMEM_OFFSET(sharedmem_record, written_at, 8);
SHAREDMEM_OFFSET(sharedmem_record, expires_at, 16);
SHAREDMEM_OFFSET(sharedmem_record, lengths, 24);
SHAREDMEM_OFFSET(sharedmem_record, session, 32);
SHAREDMEM_OFFSET(sharedmem_record, link, 36);
SHAREDMEM_OFFSET(sharedmem_record, retire_epoch, 40);
SHAREDMEM_OFFSET(sharedmem_record, type, 44);
SHAREDMEM_OFFSET(sharedmem_record, flags, 45);
SHAREDMEM_OFFSET(sharedmem_record, spare, 46);
SHAREDMEM_SIZE(sharedmem_record, 48);

/* The first bytes of a free block; its last word holds granule_count again (one granule: both in one granule). Readers
 * never come here but by a reference that is stale, and then don't believe what they read. */
struct sharedmem_free_block {
    uint64_t granule_count; /* granules */
    uint64_t next;          /* block; the next free one of the size class, 0: none */
    uint64_t previous;      /* block; the one before, 0: this is the first */
    uint64_t unused[4];     /* anything */
    uint64_t last;          /* granule_count, if the block is one granule */
};
SHAREDMEM_OFFSET(sharedmem_free_block, next, 8);
SHAREDMEM_OFFSET(sharedmem_free_block, previous, 16);
SHAREDMEM_OFFSET(sharedmem_free_block, last, 56);
SHAREDMEM_SIZE(sharedmem_free_block, 64);

#define SHAREDMEM_CHANGE_SET 1u
#define SHAREDMEM_CHANGE_DELETED 2u

/* One entry of the change ring. It is written under the lock, after the change's commit number and before ring_position
 * counts it. Who reads entry n has it whole if ring_position, loaded again afterwards, is below n plus the ring's length. */
struct sharedmem_ring_entry {
    uint64_t version;               /* of the change */
    uint32_t kind;                  /* SHAREDMEM_CHANGE_* */
    uint32_t key_byte_count;        /* bytes */
    uint8_t key[SHAREDMEM_KEY_MAX]; /* the key, 0 behind it */
    uint64_t more;                  /* entries of the same change that follow: keys of a transaction */
    uint64_t reserved[5];           /* 0 */
};
SHAREDMEM_OFFSET(sharedmem_ring_entry, kind, 8);
SHAREDMEM_OFFSET(sharedmem_ring_entry, key_byte_count, 12);
SHAREDMEM_OFFSET(sharedmem_ring_entry, key, 16);
SHAREDMEM_OFFSET(sharedmem_ring_entry, more, 528);
SHAREDMEM_SIZE(sharedmem_ring_entry, SHAREDMEM_RING_ENTRY_BYTES);

#define SHAREDMEM_INTENT_NONE 0u       /* nothing is being published */
#define SHAREDMEM_INTENT_PUBLISHING 1u /* the slot holds the old reference or the new one */
#define SHAREDMEM_INTENT_TRANSACTION 2u /* a transaction: not committed until the commit number has its version */
#define SHAREDMEM_INTENT_ABORTING 3u   /* a transaction that was not committed is being undone */

/* What is about to be published, so that a half-done change can be finished or forgotten: one line, written by the lock
 * holder. All values are absolute, so that whoever finishes the change can be killed and another can do it again.
 *
 * The change is published when the slot holds new_reference. Then limbo, the counters and the commit number are
 * assigned from here; before that, nothing has happened that a reader or a later writer would see, but for a taken block
 * (undo_state), which goes back to the heap. A new record that reuses limbo's head stays limbo's head until the change
 * is published: its link, its retire epoch and its size are left alone, so forgetting it takes no store at all. */
struct sharedmem_intent {
    uint64_t undo_state;      /* block taken from the heap and not yet published in the high half (0: none); entries of
                                 the open undo group in the low half (0: none is open) */
    uint64_t version;         /* of the change */
    uint64_t slot;            /* offset of the index entry in the data file */
    uint64_t old_reference;   /* what the slot held, 0: nothing */
    uint64_t new_reference;   /* what it will hold, 0: nothing */
    uint64_t limbo_ends;      /* block that is limbo's head afterwards, but for the old record, in the high half; block
                                 behind which the old record goes in the low half; 0: limbo is empty */
    uint64_t counts;          /* granules in limbo afterwards in the high half, keys in the index in the low half */
    uint32_t state;           /* SHAREDMEM_INTENT_* */
    uint32_t taken_granules;  /* granules of the block that undo_state names */
};
SHAREDMEM_OFFSET(sharedmem_intent, version, 8);
SHAREDMEM_OFFSET(sharedmem_intent, slot, 16);
SHAREDMEM_OFFSET(sharedmem_intent, old_reference, 24);
SHAREDMEM_OFFSET(sharedmem_intent, new_reference, 32);
SHAREDMEM_OFFSET(sharedmem_intent, limbo_ends, 40);
SHAREDMEM_OFFSET(sharedmem_intent, counts, 48);
SHAREDMEM_OFFSET(sharedmem_intent, state, 56);
SHAREDMEM_OFFSET(sharedmem_intent, taken_granules, 60);
SHAREDMEM_SIZE(sharedmem_intent, 64);

/* A transaction on its way: which slots it has changed. Its records carry SHAREDMEM_RECORD_PENDING and link to what they
 * replace; one store of the commit number shows them all. The list is one block of the heap, an entry a key. Once the
 * transaction is committed, or is being aborted, limbo_ends and counts hold what limbo was before any of its records
 * went there, so that whoever finishes it assigns the same chain, once or again. */
struct sharedmem_transaction_state {
    uint64_t list;        /* block in the high half, its granules in the low half */
    uint64_t version;     /* the commit number that commits it, or that is burnt when it is aborted */
    uint64_t count;       /* entries in the list */
    uint64_t limbo_ends;  /* as in the intent, before */
    uint64_t counts;      /* as in the intent, before */
    uint64_t reserved[3]; /* 0 */
};
SHAREDMEM_OFFSET(sharedmem_transaction_state, version, 8);
SHAREDMEM_OFFSET(sharedmem_transaction_state, count, 16);
SHAREDMEM_OFFSET(sharedmem_transaction_state, limbo_ends, 24);
SHAREDMEM_OFFSET(sharedmem_transaction_state, counts, 32);
SHAREDMEM_SIZE(sharedmem_transaction_state, 64);

/* One entry of a transaction's list. */
struct sharedmem_transaction_entry {
    uint64_t slot;          /* offset of the index entry in the data file; bit 0: the new record is a tombstone */
    uint64_t old_reference; /* what the slot held, 0: nothing */
    uint64_t new_reference; /* the pending record */
};
SHAREDMEM_OFFSET(sharedmem_transaction_entry, old_reference, 8);
SHAREDMEM_OFFSET(sharedmem_transaction_entry, new_reference, 16);
SHAREDMEM_SIZE(sharedmem_transaction_entry, 24);

/* One word that an undo group has changed. */
struct sharedmem_undo_entry {
    uint64_t place;     /* offset of the word; bit 63: in the data file, otherwise in the lock file */
    uint64_t old_value; /* what stood there */
};
SHAREDMEM_SIZE(sharedmem_undo_entry, 16);

/* One session's hold on the reuse epoch. */
struct sharedmem_pin {
    uint64_t epoch;    /* the oldest epoch whose records must stay, plus 1; 0: none */
    uint32_t session;  /* whose slot it is; by the daemon */
    uint32_t reserved; /* 0 */
};
SHAREDMEM_OFFSET(sharedmem_pin, session, 8);
SHAREDMEM_SIZE(sharedmem_pin, 16);

/* The start of the lock file. Everything from intent on is written by the lock holder, but for the pin maps. */
struct sharedmem_lock_header {
    /* Immutable: covered by checksum. */
    uint64_t magic;                  /* SHAREDMEM_LOCK_MAGIC */
    uint16_t major;                  /* as in the data header */
    uint16_t minor;                  /* as in the data header */
    uint32_t header_byte_count;      /* bytes; sizeof this struct */
    uint64_t segment_id;             /* as in the data header */
    uint64_t generation;             /* as in the data header */
    uint64_t lock_byte_count;        /* bytes of the lock file */
    struct sharedmem_region pins;    /* pin slots */
    struct sharedmem_region edges;   /* bitmap, one bit a granule of the heap: first or last granule of a free block */
    uint64_t reserved_immutable[5];  /* 0 */
    uint64_t checksum;               /* XXH3 (64 bits, seed 0) of the bytes before it */
    uint64_t reserved_line;          /* 0 */

    /* The line of the lock word. */
    uint32_t lock_word;          /* SHAREDMEM_LOCK_*; futex word of writers */
    uint32_t reserved_lock;      /* 0 */
    uint64_t taken_at;           /* ns since the epoch, CLOCK_REALTIME_COARSE just before the word was taken; by its owner */
    uint64_t current_generation; /* the newest generation that a writer was told of; by the daemon */
    uint64_t retired_at;         /* version; the newest change that the next generation holds; by the daemon, before
                                    anybody gets that one: tells a writer that has lost the word how its change ended */
    uint64_t reserved_current[4]; /* 0 */

    struct sharedmem_intent intent;

    uint64_t reserved_undo[8]; /* 0 */

    /* Limbo and heap. */
    uint64_t limbo_head;      /* block; the record that was retired first, 0: limbo is empty */
    uint64_t limbo_tail;      /* block; the record that was retired last */
    uint64_t limbo_granules;  /* granules of all records in limbo */
    uint64_t free_granules;   /* granules of all free blocks */
    uint64_t first_level_map; /* bit f: some list of first level f holds a block */
    uint64_t record_count;    /* keys in the index */
    uint64_t reserved_heap[2]; /* 0 */

    /* Statistics, by the lock holder; exact but for the last change of a killed writer. */
    uint64_t counters[16];

    struct sharedmem_transaction_state transaction;

    uint64_t pin_group_map;                    /* bit g: pin_map[g] may hold a bit */
    uint64_t reserved_pins[7];                 /* 0 */
    uint64_t pin_map[SHAREDMEM_SESSIONS_MAX / 64]; /* bit s: pin slot s may hold an epoch */

    uint64_t reserved_header[112]; /* 0 */
    struct sharedmem_undo_entry undo[SHAREDMEM_UNDO_ENTRIES];

    uint64_t second_level_maps[32]; /* bit s of word f: list (f, s) holds a block */
    uint64_t lists[SHAREDMEM_FIRST_LEVELS][SHAREDMEM_SECOND_LEVELS]; /* block; the first free one of each size class */
    uint64_t reserved_lists[16];    /* 0 */
};
SHAREDMEM_OFFSET(sharedmem_lock_header, major, 8);
SHAREDMEM_OFFSET(sharedmem_lock_header, header_byte_count, 12);
SHAREDMEM_OFFSET(sharedmem_lock_header, segment_id, 16);
SHAREDMEM_OFFSET(sharedmem_lock_header, generation, 24);
SHAREDMEM_OFFSET(sharedmem_lock_header, lock_byte_count, 32);
SHAREDMEM_OFFSET(sharedmem_lock_header, pins, 40);
SHAREDMEM_OFFSET(sharedmem_lock_header, edges, 56);
SHAREDMEM_OFFSET(sharedmem_lock_header, checksum, 112);
SHAREDMEM_OFFSET(sharedmem_lock_header, lock_word, 128);
SHAREDMEM_OFFSET(sharedmem_lock_header, taken_at, 136);
SHAREDMEM_OFFSET(sharedmem_lock_header, current_generation, 144);
SHAREDMEM_OFFSET(sharedmem_lock_header, retired_at, 152);
SHAREDMEM_OFFSET(sharedmem_lock_header, intent, 192);
SHAREDMEM_OFFSET(sharedmem_lock_header, limbo_head, 320);
SHAREDMEM_OFFSET(sharedmem_lock_header, limbo_tail, 328);
SHAREDMEM_OFFSET(sharedmem_lock_header, limbo_granules, 336);
SHAREDMEM_OFFSET(sharedmem_lock_header, free_granules, 344);
SHAREDMEM_OFFSET(sharedmem_lock_header, first_level_map, 352);
SHAREDMEM_OFFSET(sharedmem_lock_header, record_count, 360);
SHAREDMEM_OFFSET(sharedmem_lock_header, counters, 384);
SHAREDMEM_OFFSET(sharedmem_lock_header, transaction, 512);
SHAREDMEM_OFFSET(sharedmem_lock_header, pin_group_map, 576);
SHAREDMEM_OFFSET(sharedmem_lock_header, pin_map, 640);
SHAREDMEM_OFFSET(sharedmem_lock_header, undo, 2048);
SHAREDMEM_OFFSET(sharedmem_lock_header, second_level_maps, 4096);
SHAREDMEM_OFFSET(sharedmem_lock_header, lists, 4352);
SHAREDMEM_SIZE(sharedmem_lock_header, 8192);

#endif
