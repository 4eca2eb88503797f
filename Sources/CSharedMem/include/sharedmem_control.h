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
 * the lock file's. A read-only attachment carries a data file opened O_RDONLY and nothing else. HELLO_REPLY and
 * RECONNECT_REPLY carry one more descriptor behind those: the life file, opened O_RDONLY, whose first 32-bit word names
 * the daemon's thread as long as that lives; the kernel changes it when the thread dies, and the next daemon when it
 * takes over. A client that sees another word than at its greeting reconnects.
 *
 * A session belongs to a process and outlives its connection. RECONNECT, in the place of HELLO, takes a session up again
 * with the token that HELLO_REPLY gave; only the same process can; a connection that the session still has is ended.
 * What it could write it still can, but what was attached is to be attached again, which also says whether a segment has
 * moved to another generation. Pins end with the connection, unless it was the daemon that ended: those that its
 * predecessor set stay until UNPIN. ENOENT: the daemon doesn't know the session; ESTALE: the token or the process is
 * another one. Then a HELLO on the same connection begins anew.
 *
 * CREATE and REMOVE whose reply was lost may be sent again after RECONNECT with the same request_id: they are done once.
 * A client counts its request ids upwards from 1, over all connections of a session.
 *
 * The bits of features say what may be sent beside protocol 1's own messages: each side names those it understands, and
 * HELLO_REPLY those that both do. PIN and UNPIN need SHAREDMEM_FEATURE_PINS, WATCH and UNWATCH need
 * SHAREDMEM_FEATURE_WATCHES; an older daemon ends the connection.
 *
 * PIN sets a pin (see sharedmem_layout.h) for a session that can't write one, of a segment that it's attached to: what
 * the session finds there after PIN's reply stays as it is until UNPIN. The daemon counts them: as many UNPINs as PINs
 * take the pin away; so do the last DETACH and the end of the connection. ENOSPC: every pin of the segment is taken.
 *
 * WATCH says what a session sleeps on: stripes of a segment that it's attached to (reading is enough), or the segment's
 * own notify word (see sharedmem_layout.h). What it names is added to what the session watches there, once, however often
 * it's named; UNWATCH takes it away. The flags that writers look at are set and fenced before WATCH's reply: whoever looks
 * at the values behind the reply misses nothing. EINVAL: nothing is named, or the segment isn't attached; EIDRM: it was
 * removed; ESTALE: the generation isn't the one that counts, or the segment moves to another one: attach again, and watch
 * that. UNWATCH of what isn't watched, or can't be any more, is no error.
 * Watches go with the last DETACH, with the end of the connection, with a new HELLO and with the generation. They outlive
 * the daemon: the session finds them after RECONNECT. But whether the daemon ended, or only saw the connection end, its
 * client can't know: behind each RECONNECT it attaches, sends WATCH again, which then costs nothing, and looks for itself
 * at what may have changed meanwhile.
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
#define SHAREDMEM_SESSIONS_PAGE 20u   /* entries in one SESSIONS_REPLY */
#define SHAREDMEM_VERSION_TEXT_MAX 32u /* bytes of the daemon's version */
#define SHAREDMEM_STATUS_TEXT_MAX 256u /* bytes of the daemon's status sentence */
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
#define SHAREDMEM_RECONNECT 10u
#define SHAREDMEM_WHO_HOLDS 11u
#define SHAREDMEM_SESSIONS 12u
#define SHAREDMEM_STATISTICS 13u
#define SHAREDMEM_WATCH 14u   /* only with SHAREDMEM_FEATURE_WATCHES */
#define SHAREDMEM_UNWATCH 15u /* likewise */
#define SHAREDMEM_ERROR 0xffffu

#define SHAREDMEM_FEATURE_PINS 1u
#define SHAREDMEM_FEATURE_WATCHES 2u

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

/* What RECONNECT shows: random, known to the session's process alone. */
struct sharedmem_token {
    uint64_t words[2]; /* not both 0 */
};
SHAREDMEM_SIZE(sharedmem_token, 16);

/* HELLO_REPLY and RECONNECT_REPLY */
struct sharedmem_hello_reply {
    uint64_t features;   /* bits both sides understand */
    uint32_t session_id; /* 1 to SHAREDMEM_LOCK_SESSION - 1; what this process puts into lock words */
    uint16_t major;      /* the protocol from here on */
    uint16_t reserved;   /* 0 */
    struct sharedmem_token token;
    struct sharedmem_attachment attachment; /* in RECONNECT_REPLY: nothing */
};
SHAREDMEM_SIZE(sharedmem_hello_reply, 72);
SHAREDMEM_OFFSET(sharedmem_hello_reply, session_id, 8);
SHAREDMEM_OFFSET(sharedmem_hello_reply, major, 12);
SHAREDMEM_OFFSET(sharedmem_hello_reply, token, 16);
SHAREDMEM_OFFSET(sharedmem_hello_reply, attachment, 32);

/* RECONNECT */
struct sharedmem_reconnect {
    uint16_t major_min;  /* as in HELLO */
    uint16_t major_max;  /* as in HELLO */
    uint32_t session_id; /* as in HELLO_REPLY */
    uint64_t features;   /* as in HELLO */
    struct sharedmem_token token;
};
SHAREDMEM_SIZE(sharedmem_reconnect, 32);
SHAREDMEM_OFFSET(sharedmem_reconnect, session_id, 4);
SHAREDMEM_OFFSET(sharedmem_reconnect, features, 8);
SHAREDMEM_OFFSET(sharedmem_reconnect, token, 16);

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

/* WATCH and UNWATCH; their replies are a header alone */
struct sharedmem_watch_request {
    uint64_t segment_id; /* as in the attachment */
    uint64_t generation; /* as in the attachment */
    uint64_t stripes;    /* bit s: stripe s */
    uint32_t segment;    /* 1: the segment's own notify word */
    uint32_t reserved;   /* 0 */
};
SHAREDMEM_SIZE(sharedmem_watch_request, 32);
SHAREDMEM_OFFSET(sharedmem_watch_request, generation, 8);
SHAREDMEM_OFFSET(sharedmem_watch_request, stripes, 16);
SHAREDMEM_OFFSET(sharedmem_watch_request, segment, 24);

/* WHO_HOLDS: who has the lock word of a segment that the session is attached to for writing */
struct sharedmem_who_holds {
    uint64_t segment_id; /* as in the attachment */
};
SHAREDMEM_SIZE(sharedmem_who_holds, 8);

#define SHAREDMEM_HOLDER_NONE 0u      /* the word is free, or was freed by the daemon just now */
#define SHAREDMEM_HOLDER_CONNECTED 1u /* a session with a connection */
#define SHAREDMEM_HOLDER_RESTORED 2u  /* a session that hasn't reconnected since the daemon's restart */
#define SHAREDMEM_HOLDER_REPLACED 3u  /* nobody who would free it: the segment moves to a new generation */

/* WHO_HOLDS_REPLY */
struct sharedmem_holder {
    uint32_t session_id; /* 0: the word is free */
    uint32_t state;      /* SHAREDMEM_HOLDER_* */
    int32_t pid;         /* in the daemon's pid namespace; 0: not known */
    uint32_t uid;        /* of the session */
    uint64_t taken_at;   /* ns since the epoch; 0: not known */
    uint8_t program[SHAREDMEM_PROGRAM_MAX]; /* as the session claims, 0 behind it */
};
SHAREDMEM_SIZE(sharedmem_holder, 88);
SHAREDMEM_OFFSET(sharedmem_holder, state, 4);
SHAREDMEM_OFFSET(sharedmem_holder, pid, 8);
SHAREDMEM_OFFSET(sharedmem_holder, uid, 12);
SHAREDMEM_OFFSET(sharedmem_holder, taken_at, 16);
SHAREDMEM_OFFSET(sharedmem_holder, program, 24);

/* SESSIONS: one entry for each session and each segment it's attached to or may still write; root sees all, others
 * those of their own uid. In ascending order of session and segment ids. */
struct sharedmem_sessions {
    uint64_t segment_id; /* of the last entry already seen; 0: from the beginning of the session */
    uint32_t session_id; /* of the last entry already seen; 0: from the beginning */
    uint32_t reserved;   /* 0 */
};
SHAREDMEM_SIZE(sharedmem_sessions, 16);
SHAREDMEM_OFFSET(sharedmem_sessions, session_id, 8);

#define SHAREDMEM_SESSION_CONNECTED 1u
#define SHAREDMEM_SESSION_RESTORED 2u  /* hasn't reconnected since the daemon's restart */
#define SHAREDMEM_SESSION_ABANDONED 3u /* its connection has ended, its process lives */

/* One entry of SESSIONS_REPLY */
struct sharedmem_session_description {
    uint32_t session_id;
    uint32_t state;        /* SHAREDMEM_SESSION_* */
    int32_t pid;           /* in the daemon's pid namespace */
    uint32_t uid;          /* at connect */
    uint64_t since;        /* ns since the epoch */
    uint64_t holds_since;  /* ns since the epoch; 0: it doesn't have the lock word */
    uint64_t segment_id;   /* 0: it has no segment */
    uint32_t access;       /* SHAREDMEM_ACCESS_*; READ_WRITE also for a right that was given back; NONE: no segment */
    uint32_t attached;     /* times; 0: it was given back, or not taken up again since a restart */
    struct sharedmem_name segment; /* byte_count 0: no segment, or one that was removed */
    uint8_t program[SHAREDMEM_PROGRAM_MAX]; /* as it claims, 0 behind it */
};
SHAREDMEM_SIZE(sharedmem_session_description, 184);
SHAREDMEM_OFFSET(sharedmem_session_description, since, 16);
SHAREDMEM_OFFSET(sharedmem_session_description, segment_id, 32);
SHAREDMEM_OFFSET(sharedmem_session_description, access, 40);
SHAREDMEM_OFFSET(sharedmem_session_description, segment, 48);
SHAREDMEM_OFFSET(sharedmem_session_description, program, 120);

/* SESSIONS_REPLY; the frame ends behind the last entry */
struct sharedmem_sessions_reply {
    uint32_t count; /* entries that follow, at most SHAREDMEM_SESSIONS_PAGE */
    uint32_t more;  /* 1: ask again, after the last entry */
};
SHAREDMEM_SIZE(sharedmem_sessions_reply, 8);

#define SHAREDMEM_KEPT_BY_NOBODY 0u  /* nothing survives the daemon */
#define SHAREDMEM_KEPT_BY_SYSTEMD 1u
#define SHAREDMEM_KEPT_BY_KEEPER 2u  /* sharedmemd's own parent */

/* STATISTICS (a header alone) asks for this, STATISTICS_REPLY */
struct sharedmem_statistics {
    uint64_t started_at;        /* ns since the epoch: this process */
    uint64_t first_started_at;  /* ns since the epoch: the first of those that took over from each other */
    uint64_t restarts;          /* times that the state was taken over */
    uint64_t byte_count;        /* bytes that all segments take */
    uint64_t byte_limit;        /* bytes that they may take */
    uint64_t repairs;           /* deaths of lock holders that were repaired, by this process */
    uint64_t switches;          /* segments that moved to a new generation, by this process */
    uint32_t segments;
    uint32_t sessions;          /* connected and restored */
    uint32_t abandoned;         /* sessions without a connection whose process lives */
    uint32_t stored;            /* descriptors that the keeper or systemd keeps */
    uint32_t store_limit;       /* descriptors that it keeps at most */
    uint32_t kept_by;           /* SHAREDMEM_KEPT_BY_* */
    int32_t pid;                /* in its own pid namespace */
    uint32_t uid;               /* it runs as */
    uint8_t version[SHAREDMEM_VERSION_TEXT_MAX]; /* 0 behind it */
    uint8_t status[SHAREDMEM_STATUS_TEXT_MAX];   /* what it tells systemd; 0 behind it */
};
SHAREDMEM_SIZE(sharedmem_statistics, 376);
SHAREDMEM_OFFSET(sharedmem_statistics, segments, 56);
SHAREDMEM_OFFSET(sharedmem_statistics, version, 88);
SHAREDMEM_OFFSET(sharedmem_statistics, status, 120);

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
