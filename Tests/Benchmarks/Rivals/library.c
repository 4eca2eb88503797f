/* libsharedmem from C: a program that is linked with the shared library, in the segment that the Swift rows use. */
#include <sharedmem.h>
#include <stdlib.h>

#include "CBenchmarkFloors.h"

struct state {
    sharedmem_segment *segment;
    size_t key_count;
    sharedmem_key_handle **keys; /* by number; NULL: by name */
};

static void close_state(void *opened) {
    struct state *state = opened;
    for (size_t i = 0; state->keys && i < state->key_count; i++) sharedmem_key_free(state->keys[i]);
    free(state->keys);
    sharedmem_close(state->segment);
    free(state);
}

static int read_name(struct state *state, const struct benchmark_draw *draw, uint64_t *value) {
    size_t length;
    return !sharedmem_get(state->segment, draw->key, BENCHMARK_KEY_SIZE, value, BENCHMARK_VALUE_SIZE, &length, NULL) &&
           length == BENCHMARK_VALUE_SIZE;
}

static int read_handle(struct state *state, const struct benchmark_draw *draw, uint64_t *value) {
    size_t length;
    return !sharedmem_key_get(state->keys[draw->number], value, BENCHMARK_VALUE_SIZE, &length, NULL) &&
           length == BENCHMARK_VALUE_SIZE;
}

/* Makes a handle of each key, and reads each once, so that all of them know where their key is. */
static int make_handles(struct state *state) {
    state->keys = calloc(state->key_count, sizeof *state->keys);
    if (!state->keys) return 0;
    for (size_t i = 0; i < state->key_count; i++) {
        struct benchmark_draw draw = {.number = i};
        uint64_t value[8];
        benchmark_key(i, draw.key);
        if (sharedmem_key(state->segment, draw.key, BENCHMARK_KEY_SIZE, &state->keys[i])) return 0;
        if (!read_handle(state, &draw, value) || !benchmark_is_value(value, i)) return 0;
    }
    return 1;
}

static void *open_by_name(const struct benchmark_site *site, size_t key_count, const char **reason) {
    struct state *state = calloc(1, sizeof *state);
    *reason = "there is no memory";
    if (!state) return NULL;
    state->key_count = key_count;
    int error = sharedmem_open(site->socket, site->segment, SHAREDMEM_READ_WRITE, &state->segment);
    if (!error) return state;
    *reason = sharedmem_strerror(error);
    close_state(state);
    return NULL;
}

static void *open_by_handle(const struct benchmark_site *site, size_t key_count, const char **reason) {
    struct state *state = open_by_name(site, key_count, reason);
    if (!state || make_handles(state)) return state;
    *reason = "a key of the segment can't be read through a handle";
    close_state(state);
    return NULL;
}

static int64_t get_by_name(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check) {
    BENCHMARK_GET_LOOP(draws, count, check, read_name(state, draw, value));
}

static int64_t set_by_name(void *opened, struct benchmark_draws *draws, size_t count) {
    struct state *state = opened;
    BENCHMARK_SET_LOOP(draws, count, !sharedmem_set(state->segment, draw->key, BENCHMARK_KEY_SIZE, value,
                                                    BENCHMARK_VALUE_SIZE, NULL));
}

static int64_t get_by_handle(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check) {
    BENCHMARK_GET_LOOP(draws, count, check, read_handle(state, draw, value));
}

static int64_t set_by_handle(void *opened, struct benchmark_draws *draws, size_t count) {
    struct state *state = opened;
    BENCHMARK_SET_LOOP(draws, count,
                       !sharedmem_key_set(state->keys[draw->number], value, BENCHMARK_VALUE_SIZE, NULL));
}

const struct benchmark_rival benchmark_rival_by_name = {open_by_name, get_by_name, set_by_name, close_state};
const struct benchmark_rival benchmark_rival_by_handle = {open_by_handle, get_by_handle, set_by_handle, close_state};
