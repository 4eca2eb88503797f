/* LMDB on tmpfs, as fast as it goes: written through the map, never synced, one read transaction renewed. */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "CBenchmarkFloors.h"

struct state {
    MDB_env *environment;
    MDB_dbi database;
    MDB_txn *reader;
    char file[4096];
};

static void close_state(void *opened) {
    struct state *state = opened;
    if (state->reader) mdb_txn_abort(state->reader);
    if (state->environment) mdb_env_close(state->environment);
    /* Its memory is needed for what is measured next. */
    unlink(state->file);
    free(state);
}

static int fill(struct state *state, size_t key_count) {
    MDB_txn *transaction;
    if (mdb_txn_begin(state->environment, NULL, 0, &transaction)) return 0;
    int failed = mdb_dbi_open(transaction, NULL, 0, &state->database);
    for (uint64_t number = 0; !failed && number < key_count; number++) {
        uint64_t key[2], value[8];
        benchmark_key(number, key);
        benchmark_value(number, 0, value);
        MDB_val name = {sizeof key, key}, bytes = {sizeof value, value};
        failed = mdb_put(transaction, state->database, &name, &bytes, MDB_APPEND);
    }
    if (failed) {
        mdb_txn_abort(transaction);
        return 0;
    }
    return !mdb_txn_commit(transaction);
}

static void *open_state(const struct benchmark_site *site, size_t key_count, const char **reason) {
    struct state *state = calloc(1, sizeof *state);
    *reason = "LMDB couldn't make its environment";
    if (!state) return NULL;
    snprintf(state->file, sizeof state->file, "%s/data.mdb", site->folder);
    unsigned int flags = MDB_WRITEMAP | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOTLS;
    if (mdb_env_create(&state->environment) ||
        mdb_env_set_mapsize(state->environment, (64u << 20) + key_count * 512) ||
        mdb_env_open(state->environment, site->folder, flags, 0600) || !fill(state, key_count) ||
        mdb_txn_begin(state->environment, NULL, MDB_RDONLY, &state->reader)) {
        close_state(state);
        return NULL;
    }
    mdb_txn_reset(state->reader);
    return state;
}

static int read_key(struct state *state, const uint64_t *key, uint64_t *value) {
    MDB_val name = {BENCHMARK_KEY_SIZE, (void *)key}, bytes;
    if (mdb_txn_renew(state->reader)) return 0;
    int found = !mdb_get(state->reader, state->database, &name, &bytes) && bytes.mv_size == BENCHMARK_VALUE_SIZE;
    if (found) memcpy(value, bytes.mv_data, BENCHMARK_VALUE_SIZE);
    mdb_txn_reset(state->reader);
    return found;
}

static int write_key(struct state *state, const uint64_t *key, const uint64_t *value) {
    MDB_val name = {BENCHMARK_KEY_SIZE, (void *)key}, bytes = {BENCHMARK_VALUE_SIZE, (void *)value};
    MDB_txn *transaction;
    if (mdb_txn_begin(state->environment, NULL, 0, &transaction)) return 0;
    if (mdb_put(transaction, state->database, &name, &bytes, 0)) {
        mdb_txn_abort(transaction);
        return 0;
    }
    return !mdb_txn_commit(transaction);
}

static int64_t get(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check) {
    BENCHMARK_GET_LOOP(draws, count, check, read_key(state, draw->key, value));
}

static int64_t set(void *state, struct benchmark_draws *draws, size_t count) {
    BENCHMARK_SET_LOOP(draws, count, write_key(state, draw->key, value));
}

const struct benchmark_rival benchmark_rival = {open_state, get, set, close_state};
