/* memcached on a unix socket, in its text protocol: one request, one reply. */
#define SERVER_NAME "memcached"
#define SERVER_SOCKET "memcached.sock"
#include "socket.h"

static int read_key(int file, const uint64_t *key, uint64_t *value) {
    char request[4 + 16 + 2] = "get ", reply[6 + 16 + 7 + 64 + 7];
    memcpy(request + 4, key, 16);
    memcpy(request + 20, "\r\n", 2);
    if (!exchange(file, request, sizeof request, reply, sizeof reply) || memcmp(reply, "VALUE ", 6)) return 0;
    memcpy(value, reply + 6 + 16 + 7, 64);
    return 1;
}

static int write_key(int file, const uint64_t *key, const uint64_t *value) {
    char request[4 + 16 + 9 + 64 + 2] = "set ", reply[8];
    memcpy(request + 4, key, 16);
    memcpy(request + 20, " 0 0 64\r\n", 9);
    memcpy(request + 29, value, 64);
    memcpy(request + 93, "\r\n", 2);
    return exchange(file, request, sizeof request, reply, sizeof reply) && memcmp(reply, "STORED\r\n", 8) == 0;
}
