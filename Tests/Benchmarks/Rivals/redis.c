/* Redis on a unix socket: one request, one reply. */
#define SERVER_NAME "Redis"
#define SERVER_SOCKET "redis.sock"
#include "socket.h"

static int read_key(int file, const uint64_t *key, uint64_t *value) {
    static const char head[] = "*2\r\n$3\r\nGET\r\n$16\r\n";
    char request[sizeof head - 1 + 18], reply[5 + 64 + 2];
    memcpy(request, head, sizeof head - 1);
    memcpy(request + sizeof head - 1, key, 16);
    memcpy(request + sizeof head - 1 + 16, "\r\n", 2);
    /* A key that isn't there is answered by five bytes. */
    if (!exchange(file, request, sizeof request, reply, sizeof reply) || memcmp(reply, "$64\r\n", 5)) return 0;
    memcpy(value, reply + 5, 64);
    return 1;
}

static int write_key(int file, const uint64_t *key, const uint64_t *value) {
    static const char head[] = "*3\r\n$3\r\nSET\r\n$16\r\n", middle[] = "\r\n$64\r\n";
    char request[sizeof head - 1 + 16 + sizeof middle - 1 + 64 + 2], reply[5], *end = request;
    memcpy(end, head, sizeof head - 1), end += sizeof head - 1;
    memcpy(end, key, 16), end += 16;
    memcpy(end, middle, sizeof middle - 1), end += sizeof middle - 1;
    memcpy(end, value, 64), end += 64;
    memcpy(end, "\r\n", 2);
    return exchange(file, request, sizeof request, reply, sizeof reply) && memcmp(reply, "+OK\r\n", 5) == 0;
}
