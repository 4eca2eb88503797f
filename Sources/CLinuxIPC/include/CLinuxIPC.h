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

/* Sets the calling thread's errno. */
void linuxipc_set_errno(int error);

/* The text of an error ("No such file or directory"), untranslated, or NULL for an unknown one. */
const char *linuxipc_error_text(int error);

/* The name of an error ("ENOENT"), or NULL for an unknown one. */
const char *linuxipc_error_name(int error);

/* MARK: Descriptors and files */

/* open(2). */
int linuxipc_open(const char *path, int flags, mode_t mode);

/* fcntl(2), F_DUPFD_CLOEXEC. */
int linuxipc_duplicate(int descriptor);

/* pipe2(2), O_CLOEXEC. */
int linuxipc_pipe(int *ret_read_end, int *ret_write_end);

/* fcntl(2), F_SETFL: sets or clears O_NONBLOCK, keeps the other flags. */
int linuxipc_set_nonblocking(int descriptor, int on);

/* fcntl(2), F_GETFL: the bits of O_ACCMODE. */
int linuxipc_access_mode(int descriptor);

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

/* fallocate(2), FALLOC_FL_PUNCH_HOLE and FALLOC_FL_KEEP_SIZE. */
int linuxipc_punch(int descriptor, off_t offset, off_t byte_count);

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
enum { LINUXIPC_DESCRIPTOR_MAX = 3 };

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
    int socket, const void *bytes, size_t byte_count, const int *descriptors, int descriptor_count);

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

/* The path that a unix socket is bound to; ret_path is terminated, and empty if it has none; getsockname(2). */
int linuxipc_socket_path(int socket, char ret_path[LINUXIPC_SOCKET_PATH_MAX + 1]);

/* setsockopt(2), SO_RCVTIMEO; 0: waits for ever. */
int linuxipc_set_receive_timeout(int socket, int64_t milliseconds);

/* setsockopt(2), SO_SNDTIMEO, which limits connect(2) too; 0: waits for ever. */
int linuxipc_set_send_timeout(int socket, int64_t milliseconds);

/* getsockopt(2), SO_RCVTIMEO: ms, rounded up; 0: waits for ever. */
int64_t linuxipc_receive_timeout(int socket);

/* getsockopt(2), SO_SNDTIMEO: ms, rounded up; 0: waits for ever. */
int64_t linuxipc_send_timeout(int socket);

/* MARK: Deaths */

/* pidfd_open(2). */
int linuxipc_open_process(int32_t process);

/* poll(2) of a process's descriptor: 1 if the process is dead, 0 if it lives. */
int linuxipc_is_dead(int descriptor);

/* fstatfs(2): 1 if a process's descriptor has an inode of its own (Linux 6.9), which no other process ever had. */
int linuxipc_is_pidfs(int descriptor);

/* The bit that the kernel sets in a claimed word when its thread dies. */
enum { LINUXIPC_LIFE_DIED = 0x40000000 };

/* set_robust_list(2): puts the calling thread's id into the word, which the kernel marks when the thread dies. The word
 * must stay mapped until then; one word in a process, and no robust mutexes in this thread. Bit 31 of the word is
 * turned over. */
int linuxipc_claim_life(uint32_t *word);

/* Does to a word that the calling thread has claimed what the kernel would do at its death; it may be unmapped then. */
void linuxipc_end_life(uint32_t *word);

/* MARK: Pages that are missing */

/* Mappings that can be guarded at once. */
enum { LINUXIPC_GUARD_MAX = 8192 };

/* sigaction(2), SIGBUS: from here on a page that is missing in a guarded mapping (its file was cut, or a hole was punched
 * and there is no memory to fill it) becomes a private page of zeros. Other faults do what they did. */
int linuxipc_catch_missing_pages(void);

/* Guards a mapping: its guard, or -1 with ENOSPC. Unguard it before it's unmapped. */
int linuxipc_guard(const void *start, size_t byte_count);

/* Ends a guard. */
void linuxipc_unguard(int guard);

/* How many pages were replaced in a guarded mapping; -1: in all that ever were. */
uint32_t linuxipc_replaced_pages(int guard);

/* MARK: Datagrams with their senders */

/* The most descriptors that the kernel passes with one message: SCM_MAX_FD. */
enum { LINUXIPC_DATAGRAM_DESCRIPTOR_MAX = 253 };

/* socket(2), bind(2): AF_UNIX, SOCK_DGRAM, SOCK_CLOEXEC, SOCK_NONBLOCK, SO_PASSCRED; its file has the mode 0600 from
 * the beginning. Errors as for linuxipc_bind. */
int linuxipc_datagram_socket(const char *path);

/* What came with a datagram. */
struct linuxipc_datagram {
    int32_t process;          /* the sender's, as the kernel has checked it; 0: outside this pid namespace */
    int descriptor_count;     /* how many descriptors there are */
    int is_truncated;         /* MSG_TRUNC: the datagram was longer than the buffer */
    int is_control_truncated; /* MSG_CTRUNC: no room was left for descriptors */
};

/* recvmsg(2) with MSG_CMSG_CLOEXEC: one datagram; the caller owns the descriptors. */
ssize_t linuxipc_receive_datagram(
    int socket, void *buffer, size_t byte_count, int ret_descriptors[LINUXIPC_DATAGRAM_DESCRIPTOR_MAX],
    struct linuxipc_datagram *ret_datagram);

/* MARK: Futexes */

/* futex(2), FUTEX_WAIT without FUTEX_PRIVATE_FLAG, with a relative time-out on CLOCK_MONOTONIC. */
int linuxipc_futex_wait(uint32_t *word, uint32_t value, uint64_t nanoseconds);

/* futex(2), FUTEX_WAKE without FUTEX_PRIVATE_FLAG: how many were woken. */
int linuxipc_futex_wake(uint32_t *word, int count);

/* The same with FUTEX_PRIVATE_FLAG: for a word that no other process has. */
int linuxipc_futex_wake_private(uint32_t *word, int count);

/* The most words on which a thread sleeps at once: FUTEX_WAITV_MAX. */
enum { LINUXIPC_FUTEX_WORDS_MAX = 128 };

/* One of several words on which a thread sleeps: struct futex_waitv. */
struct linuxipc_futex_word {
    uint64_t value;    /* sleeps while the word holds it */
    uint64_t address;  /* of 4 bytes */
    uint32_t flags;    /* LINUXIPC_FUTEX_ */
    uint32_t reserved; /* 0 */
};

/* Of 4 bytes; of this process alone, or mapped by others too. */
enum { LINUXIPC_FUTEX_SHARED = 0x02, LINUXIPC_FUTEX_PRIVATE = 0x82 };

/* futex_waitv(2), until a moment of CLOCK_MONOTONIC in ns: the index of a word that was woken; ENOSYS before Linux
 * 5.16. */
int linuxipc_futex_wait_any(const struct linuxipc_futex_word *words, unsigned int count, uint64_t deadline);

/* MARK: Events and threads */

/* eventfd(2), EFD_CLOEXEC and EFD_NONBLOCK: readable from linuxipc_signal_event to linuxipc_clear_event. */
int linuxipc_event_file(void);

/* write(2): makes an event file readable; one that is readable already stays so. */
int linuxipc_signal_event(int file);

/* read(2): makes an event file unreadable; EAGAIN: it was. */
int linuxipc_clear_event(int file);

/* pthread_create(3): runs body in a thread of its own, in which every signal is blocked and which nobody joins. Returns
 * 0, or -1 and errno. */
int linuxipc_start_thread(const char *name, void (*body)(void *), void *context);

/* MARK: Child processes and signals; one thread of the process has them */

/* What a program is started with. A block is strings one behind the other, each with its terminating zero. */
struct linuxipc_program {
    const char *path;
    const char *arguments; /* a block that begins with argv[0] */
    size_t arguments_byte_count;
    const char *environment; /* a block of "NAME=value" */
    size_t environment_byte_count;
    const char *process_variables; /* a block of names of variables which are set to the process's id */
    size_t process_variables_byte_count;
    const int *descriptors; /* become 3, 4, 5 and so on; all others but 0, 1 and 2 are closed on exec */
    size_t descriptor_count;
};

/* _Fork(3), execve(2): starts a program as a child with no signal blocked or ignored, which gets death_signal when this
 * thread ends (PR_SET_PDEATHSIG). Returns its pid, or -1 and the errno of what failed, in the child too. */
pid_t linuxipc_start_program(const struct linuxipc_program *program, int death_signal);

/* execve(2): turns this process into the program; blocked signals stay blocked. Returns -1 on failure only, and then
 * every descriptor is what it was. */
int linuxipc_become_program(const struct linuxipc_program *program);

/* waitid(2) with WNOWAIT: the pid of a child that has ended and is still there, 0 if there is none. */
pid_t linuxipc_ended_child(void);

/* waitpid(2) of a child that has ended: what it ended with, and the other one -1. */
int linuxipc_reap_child(pid_t child, int *ret_exit_code, int *ret_signal);

/* kill(2). */
int linuxipc_send_signal(pid_t process, int signal);

/* sigprocmask(2), signalfd(2): blocks the signals and returns where they are read; SFD_CLOEXEC, SFD_NONBLOCK. */
int linuxipc_signal_file(const int *signals, size_t count);

/* read(2): the next signal of such a file. */
int linuxipc_next_signal(int file);

/* prctl(2), PR_SET_NO_NEW_PRIVS. */
int linuxipc_forgo_new_privileges(void);

/* prctl(2), PR_SET_NAME: at most 15 bytes. */
int linuxipc_set_program_name(const char *name);

/* MARK: Processes, clocks and the processor; inline because they stand on the read and write path */

/* How often this process was forked from one that had loaded this library; raised by a pthread_atfork(3) handler that
 * a constructor registers. */
static inline uint32_t linuxipc_fork_count(void) {
    extern uint32_t linuxipc_fork_counter;
    return __atomic_load_n(&linuxipc_fork_counter, __ATOMIC_RELAXED);
}

/* Makes each forked child close its copy of a descriptor before fork(2) returns there, or fails without memory. Undone
 * before the descriptor is closed. A child that is forked between the descriptor's opening and this keeps its copy. */
int linuxipc_close_in_children(int descriptor);

/* Undoes linuxipc_close_in_children. */
void linuxipc_keep_in_children(int descriptor);

/* program_invocation_short_name(3). */
const char *linuxipc_program_name(void);

/* secure_getenv(3). */
const char *linuxipc_environment_value(const char *name);

/* Calls `body` when the process exits or unloads the library that holds this; the last one that was given counts. */
void linuxipc_at_exit(void (*body)(void));

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
