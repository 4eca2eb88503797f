#include "CLinuxIPC.h"
#include "address.h"

/* Room for the sender and for all descriptors that one datagram can bring. */
union datagram_control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * LINUXIPC_DATAGRAM_DESCRIPTOR_MAX)];
};

static int bind_with_sender(int socket, const struct sockaddr_un *address) {
    int on = 1;
    if (setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
        return -1;
    /* bind(2) takes the file's mode from the socket, so nobody meets another one. */
    if (fchmod(socket, 0600) < 0)
        return -1;
    return bind(socket, (const struct sockaddr *)address, sizeof *address);
}

int linuxipc_datagram_socket(const char *path) {
    struct sockaddr_un address;
    if (linuxipc_fill_address(&address, path) < 0)
        return -1;
    int created = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (created >= 0 && bind_with_sender(created, &address) < 0) {
        int error = errno;
        (void)close(created);
        errno = error;
        return -1;
    }
    return created;
}

ssize_t linuxipc_receive_datagram(
    int socket, void *buffer, size_t byte_count, int ret_descriptors[LINUXIPC_DATAGRAM_DESCRIPTOR_MAX],
    struct linuxipc_datagram *ret_datagram) {
    struct iovec vector = {.iov_base = buffer, .iov_len = byte_count};
    union datagram_control control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received < 0)
        return -1;
    struct linuxipc_datagram result = {
        .is_truncated = (message.msg_flags & MSG_TRUNC) != 0,
        .is_control_truncated = (message.msg_flags & MSG_CTRUNC) != 0,
    };
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET)
            continue;
        if (header->cmsg_type == SCM_CREDENTIALS) {
            struct ucred sender;
            memcpy(&sender, CMSG_DATA(header), sizeof sender);
            result.process = sender.pid;
        } else if (header->cmsg_type == SCM_RIGHTS) {
            size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t i = 0; i < count; i++) {
                int descriptor;
                memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
                if (result.descriptor_count < LINUXIPC_DATAGRAM_DESCRIPTOR_MAX) {
                    ret_descriptors[result.descriptor_count++] = descriptor;
                } else {
                    result.is_control_truncated = 1;
                    (void)close(descriptor);
                }
            }
        }
    }
    *ret_datagram = result;
    return received;
}
