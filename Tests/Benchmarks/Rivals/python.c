/* Python: a process of its own does the work and says how long it took. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CBenchmarkFloors.h"

struct state {
    pid_t child;
    FILE *requests;
    FILE *replies;
};

/* Says what to do; the reply is a number of nanoseconds, or -1 for a wrong result. */
static int64_t ask(struct state *state, const char *work, size_t count) {
    long long answer = -1;
    if (fprintf(state->requests, "%s %zu\n", work, count) < 0 || fflush(state->requests)) return -1;
    if (fscanf(state->replies, "%lld", &answer) != 1) return -1;
    return answer;
}

static void close_state(void *opened) {
    struct state *state = opened;
    if (state->requests) fclose(state->requests);
    if (state->replies) fclose(state->replies);
    int status;
    if (state->child > 0) waitpid(state->child, &status, 0);
    free(state);
}

/* Python with the folder's main.py, which reads and writes these pipes; what lies beside that can be imported. */
static pid_t start(const struct benchmark_site *site, size_t key_count, int in, int out) {
    pid_t child = fork();
    if (child) return child;
    char script[4096], count[32];
    snprintf(script, sizeof script, "%s/main.py", site->folder);
    snprintf(count, sizeof count, "%zu", key_count);
    if (dup2(in, 0) == 0 && dup2(out, 1) == 1)
        execl("/usr/bin/python3", "python3", "-E", "-s", script, count, site->socket, (char *)NULL);
    _exit(127);
}

static void *open_state(const struct benchmark_site *site, size_t key_count, const char **reason) {
    *reason = "python3 doesn't run its main.py";
    int to[2], from[2];
    struct state *state = calloc(1, sizeof *state);
    if (!state || pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)) return NULL;
    signal(SIGPIPE, SIG_IGN);
    state->child = start(site, key_count, to[0], from[1]);
    close(to[0]);
    close(from[1]);
    state->requests = fdopen(to[1], "w");
    state->replies = fdopen(from[0], "r");
    if (state->child > 0 && state->requests && state->replies && ask(state, "get", 1) > 0) return state;
    close_state(state);
    return NULL;
}

/* It draws keys and checks values itself. */
static int64_t get(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check) {
    (void)draws, (void)check;
    return ask(state, "get", count);
}

static int64_t set(void *state, struct benchmark_draws *draws, size_t count) {
    (void)draws;
    return ask(state, "set", count);
}

static int64_t get_by_handle(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check) {
    (void)draws, (void)check;
    return ask(state, "get_by_handle", count);
}

static int64_t set_by_handle(void *state, struct benchmark_draws *draws, size_t count) {
    (void)draws;
    return ask(state, "set_by_handle", count);
}

const struct benchmark_rival benchmark_rival = {open_state, get, set, close_state};
/* The ways in which the package's keys are found. */
const struct benchmark_rival benchmark_rival_by_name = {open_state, get, set, close_state};
const struct benchmark_rival benchmark_rival_by_handle = {open_state, get_by_handle, set_by_handle, close_state};
