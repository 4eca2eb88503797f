#include "CLinuxIPC.h"

#include <linux/futex.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/un.h>

#include "address.h"

/* Debian 12's headers are older than the kernels this runs on. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#ifndef MADV_COLLAPSE /* Linux 6.1 */
#define MADV_COLLAPSE 25
#endif

/* MARK: Errors */

int linuxipc_errno(void) { return errno; }

const char *linuxipc_error_text(int error) { return strerrordesc_np(error); }

const char *linuxipc_error_name(int error) { return strerrorname_np(error); }

/* MARK: Descriptors and files */

int linuxipc_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

int linuxipc_duplicate(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 0); }

int linuxipc_pipe(int *ret_read_end, int *ret_write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    *ret_read_end = ends[0];
    *ret_write_end = ends[1];
    return 0;
}

int linuxipc_set_nonblocking(int descriptor, int on) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0)
        return -1;
    return fcntl(descriptor, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int linuxipc_access_mode(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags < 0 ? -1 : flags & O_ACCMODE;
}

int linuxipc_open_beneath(int directory, const char *path, int flags, mode_t mode) {
    struct open_how how = {
        .flags = (uint64_t)flags,
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static int32_t kind_of_mode(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG: return LINUXIPC_KIND_REGULAR;
    case S_IFDIR: return LINUXIPC_KIND_DIRECTORY;
    case S_IFLNK: return LINUXIPC_KIND_LINK;
    case S_IFSOCK: return LINUXIPC_KIND_SOCKET;
    default: return LINUXIPC_KIND_OTHER;
    }
}

static void fill_status(const struct stat *status, struct linuxipc_status *ret_status) {
    *ret_status = (struct linuxipc_status){
        .byte_count = (uint64_t)status->st_size,
        .inode = status->st_ino,
        .device = status->st_dev,
        .owner = status->st_uid,
        .group = status->st_gid,
        .mode = status->st_mode & 07777,
        .kind = kind_of_mode(status->st_mode),
    };
}

int linuxipc_status(int descriptor, struct linuxipc_status *ret_status) {
    struct stat status;
    if (fstat(descriptor, &status) < 0)
        return -1;
    fill_status(&status, ret_status);
    return 0;
}

int linuxipc_status_at(int directory, const char *path, struct linuxipc_status *ret_status) {
    struct stat status;
    if (fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    fill_status(&status, ret_status);
    return 0;
}

void *linuxipc_open_entries(int directory) {
    /* A duplicate would share its position with the caller's descriptor. */
    int fresh = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fresh < 0)
        return NULL;
    DIR *entries = fdopendir(fresh);
    if (entries == NULL) {
        int error = errno;
        (void)close(fresh);
        errno = error;
    }
    return entries;
}

int linuxipc_next_entry(void *entries, struct linuxipc_entry *ret_entry) {
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(entries);
        if (entry == NULL)
            return errno == 0 ? 0 : -1;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int32_t kind;
        switch (entry->d_type) {
        case DT_REG: kind = LINUXIPC_KIND_REGULAR; break;
        case DT_DIR: kind = LINUXIPC_KIND_DIRECTORY; break;
        case DT_LNK: kind = LINUXIPC_KIND_LINK; break;
        case DT_SOCK: kind = LINUXIPC_KIND_SOCKET; break;
        case DT_UNKNOWN: {
            struct stat status;
            if (fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
                if (errno == ENOENT)
                    continue;
                return -1;
            }
            kind = kind_of_mode(status.st_mode);
            break;
        }
        default: kind = LINUXIPC_KIND_OTHER; break;
        }
        *ret_entry = (struct linuxipc_entry){
            .name = entry->d_name, .name_length = strlen(entry->d_name), .kind = kind};
        return 1;
    }
}

void linuxipc_close_entries(void *entries) { (void)closedir(entries); }

/* MARK: Memory files and mappings */

int linuxipc_memfd_create(const char *label) {
    int descriptor = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (descriptor < 0 && errno == EINVAL)
        descriptor = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return descriptor;
}

int linuxipc_allocate(int descriptor, off_t offset, off_t byte_count) {
    return fallocate(descriptor, 0, offset, byte_count);
}

int linuxipc_punch(int descriptor, off_t offset, off_t byte_count) {
    return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, byte_count);
}

int linuxipc_memory(uint64_t *ret_total, uint64_t *ret_free) {
    struct sysinfo memory;
    if (sysinfo(&memory) < 0)
        return -1;
    *ret_total = ((uint64_t)memory.totalram + memory.totalswap) * memory.mem_unit;
    *ret_free = ((uint64_t)memory.freeram + memory.freeswap) * memory.mem_unit;
    return 0;
}

int linuxipc_seal_size(int descriptor) {
    return fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

int linuxipc_is_size_sealed(int descriptor) {
    int seals = fcntl(descriptor, F_GET_SEALS);
    if (seals < 0)
        return -1;
    return (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) == (F_SEAL_SHRINK | F_SEAL_GROW);
}

void *linuxipc_map(int descriptor, size_t byte_count, int is_writable, size_t alignment) {
    int protection = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (byte_count > SIZE_MAX / 2 || alignment > SIZE_MAX / 4) {
        errno = ENOMEM;
        return NULL;
    }
    if (alignment <= page) {
        void *start = mmap(NULL, byte_count, protection, MAP_SHARED, descriptor, 0);
        return start == MAP_FAILED ? NULL : start;
    }
    /* Reserve addresses with room to align, map over the aligned part, give the ends back. */
    size_t whole = (byte_count + page - 1) / page * page;
    char *reserved = mmap(NULL, whole + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED)
        return NULL;
    char *start = (char *)(((uintptr_t)reserved + alignment - 1) / alignment * alignment);
    if (mmap(start, byte_count, protection, MAP_SHARED | MAP_FIXED, descriptor, 0) == MAP_FAILED) {
        int error = errno;
        (void)munmap(reserved, whole + alignment);
        errno = error;
        return NULL;
    }
    size_t before = (size_t)(start - reserved);
    if (before > 0)
        (void)munmap(reserved, before);
    (void)munmap(start + whole, alignment - before);
    return start;
}

int linuxipc_keep_from_children_and_dumps(void *start, size_t byte_count) {
    if (madvise(start, byte_count, MADV_DONTFORK) < 0)
        return -1;
    return madvise(start, byte_count, MADV_DONTDUMP);
}

int linuxipc_prefer_huge_pages(void *start, size_t byte_count) { return madvise(start, byte_count, MADV_HUGEPAGE); }

int linuxipc_make_huge_pages(void *start, size_t byte_count) { return madvise(start, byte_count, MADV_COLLAPSE); }

/* MARK: Sockets */

int linuxipc_fill_address(struct sockaddr_un *address, const char *path) {
    size_t length = strlen(path);
    _Static_assert(sizeof address->sun_path == LINUXIPC_SOCKET_PATH_MAX + 1, "the path's limit is the address's");
    if (length == 0) {
        errno = ENOENT;
        return -1;
    }
    if (length > LINUXIPC_SOCKET_PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

int linuxipc_socket(void) { return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0); }

int linuxipc_socket_pair(int *ret_first, int *ret_second) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    *ret_first = pair[0];
    *ret_second = pair[1];
    return 0;
}

int linuxipc_connect(int socket, const char *path) {
    struct sockaddr_un address;
    if (linuxipc_fill_address(&address, path) < 0)
        return -1;
    return connect(socket, (const struct sockaddr *)&address, sizeof address);
}

int linuxipc_bind(int socket, const char *path) {
    struct sockaddr_un address;
    if (linuxipc_fill_address(&address, path) < 0)
        return -1;
    return bind(socket, (const struct sockaddr *)&address, sizeof address);
}

int linuxipc_accept(int socket) { return accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

/* Room for the descriptors of one message. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * LINUXIPC_DESCRIPTOR_MAX)];
};

ssize_t linuxipc_send(
    int socket, const void *bytes, size_t byte_count, const int *descriptors, int descriptor_count) {
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = byte_count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    union control control;
    if (descriptor_count < 0 || descriptor_count > LINUXIPC_DESCRIPTOR_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (descriptor_count > 0) {
        size_t length = sizeof(int) * (size_t)descriptor_count;
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(length);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(length);
        memcpy(CMSG_DATA(header), descriptors, length);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t linuxipc_receive(int socket, void *buffer, size_t byte_count, struct linuxipc_received *ret_received) {
    struct iovec vector = {.iov_base = buffer, .iov_len = byte_count};
    union control control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        /* Without the padding: it would be room for one descriptor more, which the kernel would install. */
        .msg_controllen = CMSG_LEN(sizeof(int) * LINUXIPC_DESCRIPTOR_MAX),
    };
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received < 0)
        return -1;
    struct linuxipc_received result = {
        .is_truncated = (message.msg_flags & MSG_TRUNC) != 0,
        .is_control_truncated = (message.msg_flags & MSG_CTRUNC) != 0,
    };
    for (int i = 0; i < LINUXIPC_DESCRIPTOR_MAX; i++)
        result.descriptors[i] = -1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
            if (result.descriptor_count < LINUXIPC_DESCRIPTOR_MAX) {
                result.descriptors[result.descriptor_count++] = descriptor;
            } else {
                result.is_control_truncated = 1;
                (void)close(descriptor);
            }
        }
    }
    *ret_received = result;
    return received;
}

int linuxipc_peer(int socket, struct linuxipc_peer *ret_peer) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
        return -1;
    *ret_peer = (struct linuxipc_peer){
        .process = credentials.pid, .user = credentials.uid, .group = credentials.gid};
    return 0;
}

int linuxipc_peer_groups(int socket, uint32_t *groups, size_t capacity, size_t *ret_count) {
    _Static_assert(sizeof(gid_t) == sizeof(uint32_t), "a group is 32 bits");
    socklen_t length = (socklen_t)(capacity * sizeof *groups);
    int result = getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &length);
    if (result == 0 || errno == ERANGE)
        *ret_count = length / sizeof *groups;
    return result;
}

int linuxipc_peer_process(int socket) {
    int descriptor = -1;
    socklen_t length = sizeof descriptor;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &descriptor, &length) == 0)
        return descriptor;
    if (errno != ENOPROTOOPT)
        return -1;
    struct linuxipc_peer peer;
    if (linuxipc_peer(socket, &peer) < 0)
        return -1;
    return (int)syscall(SYS_pidfd_open, peer.process, 0);
}

int linuxipc_socket_path(int socket, char ret_path[LINUXIPC_SOCKET_PATH_MAX + 1]) {
    /* A path of the full length has no terminating zero. */
    union {
        struct sockaddr_un address;
        char bytes[sizeof(struct sockaddr_un) + 1];
    } name;
    socklen_t length = sizeof name.address;
    memset(&name, 0, sizeof name);
    if (getsockname(socket, (struct sockaddr *)&name.address, &length) < 0)
        return -1;
    memcpy(ret_path, name.address.sun_path, LINUXIPC_SOCKET_PATH_MAX);
    ret_path[LINUXIPC_SOCKET_PATH_MAX] = 0;
    return 0;
}

static int set_timeout(int socket, int option, int64_t milliseconds) {
    struct timeval limit = {
        .tv_sec = (time_t)(milliseconds / 1000), .tv_usec = (suseconds_t)(milliseconds % 1000 * 1000)};
    return setsockopt(socket, SOL_SOCKET, option, &limit, sizeof limit);
}

int linuxipc_set_receive_timeout(int socket, int64_t milliseconds) {
    return set_timeout(socket, SO_RCVTIMEO, milliseconds);
}

int linuxipc_set_send_timeout(int socket, int64_t milliseconds) {
    return set_timeout(socket, SO_SNDTIMEO, milliseconds);
}

/* MARK: Futexes */

int linuxipc_futex_wait(uint32_t *word, uint32_t value, uint64_t nanoseconds) {
    struct timespec limit = {
        .tv_sec = (time_t)(nanoseconds / 1000000000u), .tv_nsec = (long)(nanoseconds % 1000000000u)};
    return (int)syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
}

int linuxipc_futex_wake(uint32_t *word, int count) {
    return (int)syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

int linuxipc_futex_wake_private(uint32_t *word, int count) {
    return (int)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}

_Static_assert(sizeof(struct linuxipc_futex_word) == sizeof(struct futex_waitv), "struct futex_waitv");
_Static_assert(offsetof(struct linuxipc_futex_word, address) == offsetof(struct futex_waitv, uaddr), "uaddr");
_Static_assert(offsetof(struct linuxipc_futex_word, flags) == offsetof(struct futex_waitv, flags), "flags");
_Static_assert(LINUXIPC_FUTEX_WORDS_MAX == FUTEX_WAITV_MAX, "FUTEX_WAITV_MAX");
_Static_assert(LINUXIPC_FUTEX_SHARED == FUTEX_32, "FUTEX_32");
_Static_assert(LINUXIPC_FUTEX_PRIVATE == (FUTEX_32 | FUTEX_PRIVATE_FLAG), "FUTEX_PRIVATE_FLAG");

int linuxipc_futex_wait_any(const struct linuxipc_futex_word *words, unsigned int count, uint64_t deadline) {
    struct timespec moment = {
        .tv_sec = (time_t)(deadline / 1000000000u), .tv_nsec = (long)(deadline % 1000000000u)};
    return (int)syscall(SYS_futex_waitv, words, count, 0, &moment, CLOCK_MONOTONIC);
}

/* MARK: Events and threads */

int linuxipc_event_file(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int linuxipc_signal_event(int file) {
    /* EAGAIN: the counter is full, so the file is readable. */
    return eventfd_write(file, 1) < 0 && errno != EAGAIN ? -1 : 0;
}

int linuxipc_clear_event(int file) {
    eventfd_t count;
    return eventfd_read(file, &count);
}

struct thread_start {
    void (*body)(void *);
    void *context;
};

static void *begin_thread(void *start) {
    struct thread_start own = *(struct thread_start *)start;
    free(start);
    own.body(own.context);
    return NULL;
}

int linuxipc_start_thread(const char *name, void (*body)(void *), void *context) {
    struct thread_start *start = malloc(sizeof *start);
    if (!start)
        return -1;
    *start = (struct thread_start){body, context};
    sigset_t all, before;
    sigfillset(&all);
    /* A thread begins with its maker's mask: the program's signals stay with the program's threads. */
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error == 0) {
        pthread_t thread;
        error = pthread_create(&thread, NULL, begin_thread, start);
        if (error == 0) {
            (void)pthread_setname_np(thread, name);
            (void)pthread_detach(thread);
        }
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (error == 0)
        return 0;
    free(start);
    errno = error;
    return -1;
}

/* MARK: Processes */

uint32_t linuxipc_fork_counter;

/* Descriptors that a forked child closes at once, as their number plus 1; 0: a free place. Full chunks are followed by
 * another one and never freed, so that a child may walk them whatever its parent's threads were doing. */
enum { CHUNK_LENGTH = 63 };

struct chunk {
    _Atomic int places[CHUNK_LENGTH];
    struct chunk *_Atomic next;
};

static struct chunk first_chunk;

/* Puts desired into a place that holds expected; 1, or 0 if no place does. */
static int replace_place(int expected, int desired) {
    for (struct chunk *chunk = &first_chunk; chunk; chunk = atomic_load(&chunk->next)) {
        for (int i = 0; i < CHUNK_LENGTH; i++) {
            int found = expected;
            if (atomic_compare_exchange_strong(&chunk->places[i], &found, desired))
                return 1;
        }
    }
    return 0;
}

int linuxipc_close_in_children(int descriptor) {
    while (!replace_place(0, descriptor + 1)) {
        struct chunk *chunk = calloc(1, sizeof *chunk);
        if (!chunk)
            return -1;
        struct chunk *found = NULL;
        struct chunk *last = &first_chunk;
        while (!atomic_compare_exchange_strong(&last->next, &found, chunk)) {
            last = found;
            found = NULL;
        }
    }
    return 0;
}

void linuxipc_keep_in_children(int descriptor) { (void)replace_place(descriptor + 1, 0); }

/* Calls what is safe in a signal handler alone: the parent may have had other threads. */
static void begin_child(void) {
    __atomic_fetch_add(&linuxipc_fork_counter, 1, __ATOMIC_RELAXED);
    for (struct chunk *chunk = &first_chunk; chunk; chunk = atomic_load(&chunk->next)) {
        for (int i = 0; i < CHUNK_LENGTH; i++) {
            int place = atomic_exchange(&chunk->places[i], 0);
            if (place > 0)
                close(place - 1);
        }
    }
}

/* Before main, so that no fork of a process that uses the library is missed. pthread_atfork fails only without memory,
 * and then the process has no future. */
__attribute__((constructor)) static void register_fork_handler(void) {
    if (pthread_atfork(NULL, NULL, begin_child) != 0)
        abort();
}

const char *linuxipc_program_name(void) { return program_invocation_short_name; }

const char *linuxipc_environment_value(const char *name) { return secure_getenv(name); }
