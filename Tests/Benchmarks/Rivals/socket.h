/* A client of one server on a unix socket: whole requests out, whole replies in. Who includes this says which server it is
 * (SERVER_NAME, SERVER_SOCKET), and how it reads and writes one key. */
#ifndef SOCKET_H
#define SOCKET_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "CBenchmarkFloors.h"

/* Reads the 64 bytes of a key; 0: it isn't there, or the server failed. */
static int read_key(int file, const uint64_t *key, uint64_t *value);

/* Sets a key to 64 bytes; 0: the server refused. */
static int write_key(int file, const uint64_t *key, const uint64_t *value);

/* Connects to name in folder, where the server's socket is; -1: nobody listens. */
static inline int connect_to(const char *folder, const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, name) >= (int)sizeof address.sun_path)
        return -1;
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0 || connect(file, (struct sockaddr *)&address, sizeof address) == 0) return file;
    close(file);
    return -1;
}

/* Sends a request and receives a reply of exactly reply_size bytes; 0: another one came. */
static inline int exchange(int file, const char *request, size_t size, char *reply, size_t reply_size) {
    if (send(file, request, size, MSG_NOSIGNAL) != (ssize_t)size) return 0;
    for (size_t got = 0; got < reply_size;) {
        ssize_t count = recv(file, reply + got, reply_size - got, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return 0;
        got += (size_t)count;
        /* An error or "no such key" is shorter than a value; waiting for the rest of it would never end. */
        if (got < reply_size && (reply[0] == '-' || reply[0] == 'E' || reply[1] == '-')) return 0;
    }
    return 1;
}

/* Sets every key to generation 0. */
static inline int fill(int file, size_t key_count) {
    for (uint64_t number = 0; number < key_count; number++) {
        uint64_t key[2], value[8];
        benchmark_key(number, key);
        benchmark_value(number, 0, value);
        if (!write_key(file, key, value)) return 0;
    }
    return 1;
}

/* The state of a client is its socket. */
static inline void *client(int file) {
    int *state = malloc(sizeof *state);
    if (state) *state = file;
    return state;
}

static inline void close_client(void *state) {
    close(*(int *)state);
    free(state);
}

static void *open_client(const struct benchmark_site *site, size_t key_count, const char **reason) {
    int file = connect_to(site->folder, SERVER_SOCKET);
    *reason = "no " SERVER_NAME " listens at " SERVER_SOCKET ", or it refused a set";
    if (file < 0) return NULL;
    if (fill(file, key_count)) return client(file);
    close(file);
    return NULL;
}

static int64_t get(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check) {
    BENCHMARK_GET_LOOP(draws, count, check, read_key(*(int *)state, draw->key, value));
}

static int64_t set(void *state, struct benchmark_draws *draws, size_t count) {
    BENCHMARK_SET_LOOP(draws, count, write_key(*(int *)state, draw->key, value));
}

const struct benchmark_rival benchmark_rival = {open_client, get, set, close_client};

#endif
