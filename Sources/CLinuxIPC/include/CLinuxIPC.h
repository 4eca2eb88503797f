/* What Swift can't import from Linux's headers: macros, variadic functions, GNU extensions and system calls without a
 * wrapper. The C library's own functions are re-exported, so that one import serves the ordinary and the Embedded
 * build. Each function here that can fail returns -1 and sets errno, like the call it stands for. */
#ifndef CLINUXIPC_H
#define CLINUXIPC_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* MARK: Errors */

/* The calling thread's errno; errno itself is a macro. */
int linuxipc_errno(void);

/* The text of an error ("No such file or directory"), untranslated, or NULL for an unknown one. */
const char *linuxipc_error_text(int error);

/* The name of an error ("ENOENT"), or NULL for an unknown one. */
const char *linuxipc_error_name(int error);

/* MARK: Descriptors and files */

/* open(2). */
int linuxipc_open(const char *path, int flags, mode_t mode);

/* fcntl(2), F_DUPFD_CLOEXEC. */
int linuxipc_duplicate(int descriptor);

/* fcntl(2), F_SETFL: sets or clears O_NONBLOCK, keeps the other flags. */
int linuxipc_set_nonblocking(int descriptor, int on);

/* openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS. */
int linuxipc_open_beneath(int directory, const char *path, int flags, mode_t mode);

/* What linuxipc_status and linuxipc_next_entry call a kind of file. */
enum {
    LINUXIPC_KIND_OTHER = 0,
    LINUXIPC_KIND_REGULAR = 1,
    LINUXIPC_KIND_DIRECTORY = 2,
    LINUXIPC_KIND_LINK = 3,
    LINUXIPC_KIND_SOCKET = 4,
};

/* What an inode says of itself. */
struct linuxipc_status {
    uint64_t byte_count; /* st_size */
    uint64_t inode;      /* st_ino */
    uint64_t device;     /* st_dev */
    uint32_t owner;      /* st_uid */
    uint32_t group;      /* st_gid */
    uint32_t mode;       /* the permission bits of st_mode */
    int32_t kind;        /* LINUXIPC_KIND_ */
};

/* fstat(2). */
int linuxipc_status(int descriptor, struct linuxipc_status *ret_status);

/* fstatat(2) with AT_SYMLINK_NOFOLLOW. */
int linuxipc_status_at(int directory, const char *path, struct linuxipc_status *ret_status);

/* An entry of a directory; the name is valid until the next call for the same stream. */
struct linuxipc_entry {
    const char *name;   /* not terminated for the caller's purposes: use name_length */
    size_t name_length; /* bytes */
    int32_t kind;       /* LINUXIPC_KIND_ */
};

/* fdopendir(3), of a fresh descriptor of the same directory; the stream is closed with linuxipc_close_entries. */
void *linuxipc_open_entries(int directory);

/* readdir(3), without "." and "..": 1 and an entry, 0 at the end, -1 on error. */
int linuxipc_next_entry(void *entries, struct linuxipc_entry *ret_entry);

/* closedir(3). */
void linuxipc_close_entries(void *entries);

/* MARK: Memory files and mappings */

/* memfd_create(2) with MFD_CLOEXEC and MFD_ALLOW_SEALING, and MFD_NOEXEC_SEAL where the kernel (6.3) knows it. */
int linuxipc_memfd_create(const char *label);

/* fallocate(2). */
int linuxipc_allocate(int descriptor, off_t offset, off_t byte_count);

/* sysinfo(2): the bytes of memory and of swap that the machine has, and those that hold nothing at all. */
int linuxipc_memory(uint64_t *ret_total, uint64_t *ret_free);

/* fcntl(2), F_ADD_SEALS: F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_SEAL. */
int linuxipc_seal_size(int descriptor);

/* fcntl(2), F_GET_SEALS: 1 if the size can change no more, 0 if it can. */
int linuxipc_is_size_sealed(int descriptor);

/* mmap(2), MAP_SHARED, at an address that is a multiple of alignment (a power of two, at least a page); NULL and
 * errno on failure. */
void *linuxipc_map(int descriptor, size_t byte_count, int is_writable, size_t alignment);

/* madvise(2): MADV_DONTFORK and MADV_DONTDUMP. */
int linuxipc_keep_from_children_and_dumps(void *start, size_t byte_count);

/* madvise(2): MADV_HUGEPAGE; a kernel without huge pages refuses. */
int linuxipc_prefer_huge_pages(void *start, size_t byte_count);

/* madvise(2): MADV_COLLAPSE, at once and whatever the kernel's settings are; refused before Linux 6.1, without room, and
 * by some kernels without CAP_SYS_ADMIN. */
int linuxipc_make_huge_pages(void *start, size_t byte_count);

/* MARK: Sockets */

/* The longest path that sockaddr_un holds with its terminating zero, in bytes. */
enum { LINUXIPC_SOCKET_PATH_MAX = 107 };

/* The most descriptors that linuxipc_receive takes from one message. */
enum { LINUXIPC_DESCRIPTOR_MAX = 2 };

/* socket(2): AF_UNIX, SOCK_SEQPACKET, SOCK_CLOEXEC. */
int linuxipc_socket(void);

/* socketpair(2): AF_UNIX, SOCK_SEQPACKET, SOCK_CLOEXEC. */
int linuxipc_socket_pair(int *ret_first, int *ret_second);

/* connect(2) to a path; ENAMETOOLONG if it doesn't fit, ENOENT if it is empty (that would be an abstract address). */
int linuxipc_connect(int socket, const char *path);

/* bind(2) to a path; errors as for linuxipc_connect. */
int linuxipc_bind(int socket, const char *path);

/* accept4(2) with SOCK_CLOEXEC and SOCK_NONBLOCK. */
int linuxipc_accept(int socket);

/* sendmsg(2) with MSG_NOSIGNAL: one message with descriptor_count (at most LINUXIPC_DESCRIPTOR_MAX) descriptors. */
ssize_t linuxipc_send(
    int socket, const void *bytes, size_t byte_count, int first, int second, int descriptor_count);

/* What came with a message. */
struct linuxipc_received {
    int descriptors[LINUXIPC_DESCRIPTOR_MAX]; /* owned by the caller; -1: none */
    int descriptor_count;                     /* how many of them there are */
    int is_truncated;                         /* MSG_TRUNC: the message was longer than the buffer */
    int is_control_truncated;                 /* MSG_CTRUNC: there were more descriptors, or no room for them */
};

/* recvmsg(2) with MSG_CMSG_CLOEXEC: one message; the kernel closes the descriptors beyond LINUXIPC_DESCRIPTOR_MAX. */
ssize_t linuxipc_receive(int socket, void *buffer, size_t byte_count, struct linuxipc_received *ret_received);

/* Who the peer was when it connected or listened. */
struct linuxipc_peer {
    int32_t process; /* 0: outside this pid namespace */
    uint32_t user;
    uint32_t group;
};

/* getsockopt(2), SO_PEERCRED. */
int linuxipc_peer(int socket, struct linuxipc_peer *ret_peer);

/* getsockopt(2), SO_PEERGROUPS: the peer's supplementary groups. ret_count is how many there are, on ERANGE too. */
int linuxipc_peer_groups(int socket, uint32_t *groups, size_t capacity, size_t *ret_count);

/* getsockopt(2), SO_PEERPIDFD, or pidfd_open(2) of SO_PEERCRED's pid where the kernel (6.5) doesn't know it. */
int linuxipc_peer_process(int socket);

/* setsockopt(2), SO_RCVTIMEO; 0: waits for ever. */
int linuxipc_set_receive_timeout(int socket, int64_t milliseconds);

/* setsockopt(2), SO_SNDTIMEO, which limits connect(2) too; 0: waits for ever. */
int linuxipc_set_send_timeout(int socket, int64_t milliseconds);

/* MARK: Futexes */

/* futex(2), FUTEX_WAIT without FUTEX_PRIVATE_FLAG, with a relative time-out on CLOCK_MONOTONIC. */
int linuxipc_futex_wait(uint32_t *word, uint32_t value, uint64_t nanoseconds);

/* futex(2), FUTEX_WAKE without FUTEX_PRIVATE_FLAG: how many were woken. */
int linuxipc_futex_wake(uint32_t *word, int count);

/* MARK: Processes, clocks and the processor; inline because they stand on the read and write path */

/* How often this process was forked from one that had loaded this library; raised by a pthread_atfork(3) handler that
 * a constructor registers. */
static inline uint32_t linuxipc_fork_count(void) {
    extern uint32_t linuxipc_fork_counter;
    return __atomic_load_n(&linuxipc_fork_counter, __ATOMIC_RELAXED);
}

/* secure_getenv(3). */
const char *linuxipc_environment_value(const char *name);

/* clock_gettime(2) in ns; it can't fail for the clocks this project uses. */
static inline uint64_t linuxipc_nanoseconds(clockid_t clock) {
    struct timespec now = {0, 0};
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Tells the processor that this is a spinning loop. */
static inline void linuxipc_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ __volatile__("yield");
#endif
}

#ifdef __cplusplus
}
#endif

#endif
