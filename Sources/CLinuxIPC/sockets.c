#include "CLinuxIPC.h"
#include "address.h"

#include <sys/syscall.h>
#include <sys/time.h>

/* Debian 12's headers are older than the kernels this runs on. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

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

static int64_t timeout(int socket, int option) {
    struct timeval limit;
    socklen_t length = sizeof limit;
    if (getsockopt(socket, SOL_SOCKET, option, &limit, &length) < 0)
        return -1;
    return (int64_t)limit.tv_sec * 1000 + ((int64_t)limit.tv_usec + 999) / 1000;
}

int64_t linuxipc_receive_timeout(int socket) { return timeout(socket, SO_RCVTIMEO); }

int64_t linuxipc_send_timeout(int socket) { return timeout(socket, SO_SNDTIMEO); }
