/* The control frames between a client and sharedmemd, protocol 1.
 *
 * Transport: SOCK_SEQPACKET on a path; one message is one frame; descriptors travel as SCM_RIGHTS, from the daemon to
 * the client only. Every frame begins with the 16-byte header; length counts the header too and equals the message's
 * length. Integers are little-endian; structs are laid out as declared, without implicit padding.
 *
 * A client begins with HELLO, which may carry the first attach. A reply's type is the request's with the high bit set,
 * and its request_id is the request's; ERROR answers any request. If HELLO was accepted and its attach wasn't,
 * HELLO_REPLY comes with segment_id 0 and an ERROR with the same request_id follows it.
 *
 * ATTACH_REPLY (and HELLO_REPLY with an attachment) carries the data file's descriptor, then, for read-write access,
 * the lock file's. A read-only attachment carries a data file opened O_RDONLY and nothing else.
 *
 * The bits of features say what may be sent beside protocol 1's own messages: each side names those it understands, and
 * HELLO_REPLY those that both do. PIN and UNPIN need SHAREDMEM_FEATURE_PINS; an older daemon ends the connection.
 *
 * PIN sets a pin (see sharedmem_layout.h) for a session that can't write one, of a segment that it's attached to: what
 * the session finds there after PIN's reply stays as it is until UNPIN. The daemon counts them: as many UNPINs as PINs
 * take the pin away; so do the last DETACH and the end of the connection. ENOSPC: every pin of the segment is taken.
 *
 * A frame that is truncated, too long, of length 0, of an unknown type, or accompanied by descriptors ends the
 * connection. A daemon that doesn't speak any major version between major_min and major_max answers ERROR with
 * EPROTONOSUPPORT and ends the connection.
 */
#ifndef SHAREDMEM_CONTROL_H
#define SHAREDMEM_CONTROL_H

#include "sharedmem_layout.h"

#define SHAREDMEM_CONTROL_MAGIC 0x434d4853u /* "SHMC" in memory order */
#define SHAREDMEM_CONTROL_MAJOR 1
#define SHAREDMEM_FRAME_MAX 4096u     /* bytes */
#define SHAREDMEM_ERROR_TEXT_MAX 512u /* bytes */
#define SHAREDMEM_PROGRAM_MAX 64u     /* bytes */
#define SHAREDMEM_LIST_MAX 24u        /* descriptions in one LIST_REPLY */
#define SHAREDMEM_UNCHANGED 0xffffffffu /* uid or gid in CREATE: the caller's own */

#define SHAREDMEM_ACCESS_NONE 0u
#define SHAREDMEM_ACCESS_READ 1u
#define SHAREDMEM_ACCESS_READ_WRITE 3u

#define SHAREDMEM_REPLY 0x8000u
#define SHAREDMEM_HELLO 1u
#define SHAREDMEM_ATTACH 2u
#define SHAREDMEM_DETACH 3u
#define SHAREDMEM_CREATE 4u
#define SHAREDMEM_REMOVE 5u
#define SHAREDMEM_LIST 6u
#define SHAREDMEM_SHOW 7u
#define SHAREDMEM_PIN 8u   /* only with SHAREDMEM_FEATURE_PINS */
#define SHAREDMEM_UNPIN 9u /* likewise */
#define SHAREDMEM_ERROR 0xffffu

#define SHAREDMEM_FEATURE_PINS 1u

struct sharedmem_frame_header {
    uint32_t magic;      /* SHAREDMEM_CONTROL_MAGIC */
    uint16_t major;      /* SHAREDMEM_CONTROL_MAJOR */
    uint16_t type;       /* SHAREDMEM_HELLO and so on */
    uint32_t length;     /* bytes, this header included */
    uint32_t request_id; /* chosen by the client, repeated in the reply */
};
SHAREDMEM_SIZE(sharedmem_frame_header, 16);
SHAREDMEM_OFFSET(sharedmem_frame_header, major, 4);
SHAREDMEM_OFFSET(sharedmem_frame_header, type, 6);
SHAREDMEM_OFFSET(sharedmem_frame_header, length, 8);
SHAREDMEM_OFFSET(sharedmem_frame_header, request_id, 12);

/* A segment's name. */
struct sharedmem_name {
    uint32_t byte_count;                /* 1 to SHAREDMEM_NAME_MAX; 0 where a name may be left out */
    uint32_t reserved;                  /* 0 */
    uint8_t bytes[SHAREDMEM_NAME_MAX];  /* [A-Za-z0-9._-], not starting with a dot; 0 behind it */
};
SHAREDMEM_SIZE(sharedmem_name, 72);
SHAREDMEM_OFFSET(sharedmem_name, bytes, 8);

/* HELLO */
struct sharedmem_hello {
    uint16_t major_min;                       /* oldest protocol the client speaks */
    uint16_t major_max;                       /* newest */
    uint32_t access;                          /* SHAREDMEM_ACCESS_*; NONE: no attach */
    uint64_t features;                        /* bits the client understands */
    uint8_t program[SHAREDMEM_PROGRAM_MAX];   /* what the client says it is, 0 behind it */
    struct sharedmem_name segment;            /* what to attach, if access isn't NONE */
};
SHAREDMEM_SIZE(sharedmem_hello, 152);
SHAREDMEM_OFFSET(sharedmem_hello, access, 4);
SHAREDMEM_OFFSET(sharedmem_hello, features, 8);
SHAREDMEM_OFFSET(sharedmem_hello, program, 16);
SHAREDMEM_OFFSET(sharedmem_hello, segment, 80);

/* ATTACH_REPLY, and part of HELLO_REPLY */
struct sharedmem_attachment {
    uint64_t segment_id;      /* 0: nothing is attached */
    uint64_t generation;      /* of the files that come with it */
    uint64_t data_byte_count; /* bytes */
    uint64_t lock_byte_count; /* bytes; 0 with read-only access */
    uint32_t access;          /* SHAREDMEM_ACCESS_* that was given */
    uint32_t reserved;        /* 0 */
};
SHAREDMEM_SIZE(sharedmem_attachment, 40);
SHAREDMEM_OFFSET(sharedmem_attachment, access, 32);

/* HELLO_REPLY */
struct sharedmem_hello_reply {
    uint64_t features;   /* bits both sides understand */
    uint32_t session_id; /* 1 to SHAREDMEM_LOCK_SESSION - 1; what this process puts into lock words */
    uint16_t major;      /* the protocol from here on */
    uint16_t reserved;   /* 0 */
    struct sharedmem_attachment attachment;
};
SHAREDMEM_SIZE(sharedmem_hello_reply, 56);
SHAREDMEM_OFFSET(sharedmem_hello_reply, session_id, 8);
SHAREDMEM_OFFSET(sharedmem_hello_reply, major, 12);
SHAREDMEM_OFFSET(sharedmem_hello_reply, attachment, 16);

/* ATTACH */
struct sharedmem_attach {
    uint32_t access;               /* READ or READ_WRITE */
    uint32_t reserved;             /* 0 */
    struct sharedmem_name segment;
};
SHAREDMEM_SIZE(sharedmem_attach, 80);
SHAREDMEM_OFFSET(sharedmem_attach, segment, 8);

/* DETACH; its reply is a header alone */
struct sharedmem_detach {
    uint64_t segment_id; /* as in the attachment */
};
SHAREDMEM_SIZE(sharedmem_detach, 8);

/* CREATE */
struct sharedmem_create {
    struct sharedmem_name segment;
    uint64_t byte_count;  /* bytes of the data file, rounded up to whole pages */
    uint64_t entry_count; /* keys the index is made for; 0: as many 128-byte records as fit */
    uint32_t mode;        /* permission bits, r and w only: 0 to 0666 */
    uint32_t owner;       /* uid, or SHAREDMEM_UNCHANGED */
    uint32_t group;       /* gid, or SHAREDMEM_UNCHANGED */
    uint32_t reserved;    /* 0 */
};
SHAREDMEM_SIZE(sharedmem_create, 104);
SHAREDMEM_OFFSET(sharedmem_create, byte_count, 72);
SHAREDMEM_OFFSET(sharedmem_create, entry_count, 80);
SHAREDMEM_OFFSET(sharedmem_create, mode, 88);
SHAREDMEM_OFFSET(sharedmem_create, owner, 92);
SHAREDMEM_OFFSET(sharedmem_create, group, 96);

/* CREATE_REPLY */
struct sharedmem_create_reply {
    uint64_t segment_id; /* of the new segment */
};
SHAREDMEM_SIZE(sharedmem_create_reply, 8);

/* REMOVE (its reply is a header alone) and SHOW */
struct sharedmem_segment_request {
    struct sharedmem_name segment;
};
SHAREDMEM_SIZE(sharedmem_segment_request, 72);

/* PIN and UNPIN; their replies are a header alone */
struct sharedmem_pin_request {
    uint64_t segment_id; /* as in the attachment */
};
SHAREDMEM_SIZE(sharedmem_pin_request, 8);

/* LIST: names in ascending order of their bytes */
struct sharedmem_list {
    struct sharedmem_name after; /* the last name already seen; byte_count 0: from the beginning */
};
SHAREDMEM_SIZE(sharedmem_list, 72);

/* SHOW_REPLY, and one entry of LIST_REPLY */
struct sharedmem_description {
    struct sharedmem_name segment;
    uint64_t segment_id;
    uint64_t generation;
    uint64_t data_byte_count; /* bytes */
    uint64_t lock_byte_count; /* bytes */
    uint64_t created_at;      /* ns since the epoch */
    uint32_t mode;            /* permission bits */
    uint32_t owner;           /* uid */
    uint32_t group;           /* gid */
    uint32_t sessions;        /* attached now */
    uint32_t access;          /* SHAREDMEM_ACCESS_* that the caller would get at most */
    uint32_t configured;      /* 1: the configuration names it */
};
SHAREDMEM_SIZE(sharedmem_description, 136);
SHAREDMEM_OFFSET(sharedmem_description, segment_id, 72);
SHAREDMEM_OFFSET(sharedmem_description, mode, 112);
SHAREDMEM_OFFSET(sharedmem_description, configured, 132);

/* LIST_REPLY; the frame ends behind the last entry */
struct sharedmem_list_reply {
    uint32_t count; /* entries that follow, at most SHAREDMEM_LIST_MAX */
    uint32_t more;  /* 1: ask again, after the last name */
};
SHAREDMEM_SIZE(sharedmem_list_reply, 8);

/* ERROR */
struct sharedmem_error {
    uint32_t error;      /* errno of Linux on x86-64, positive */
    uint32_t byte_count; /* bytes of text, at most SHAREDMEM_ERROR_TEXT_MAX */
    uint64_t needed;     /* what was asked for, in bytes or pieces; 0: doesn't apply */
    uint64_t available;  /* what there is or is allowed; 0: doesn't apply */
    uint8_t text[SHAREDMEM_ERROR_TEXT_MAX]; /* one sentence, UTF-8, without a full stop; the frame is sent whole */
};
SHAREDMEM_SIZE(sharedmem_error, 536);
SHAREDMEM_OFFSET(sharedmem_error, needed, 8);
SHAREDMEM_OFFSET(sharedmem_error, text, 24);

#endif
