#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "CBenchmarkFloors.h"

/* ---- Entries and their sequence lock ---- */

struct entry {
    _Atomic uint64_t sequence; /* odd: being written */
    uint64_t key[2];
    _Atomic uint64_t value[8];
    uint64_t used;
} __attribute__((aligned(128)));

/* What lies in shared memory. */
struct shared {
    _Atomic uint32_t lock;
    pthread_mutex_t mutex;
    struct entry entries[] __attribute__((aligned(128)));
};

struct table {
    size_t slot_count;
    size_t byte_count;
    struct shared *shared;
    struct entry **resolved; /* by number */
};

static inline __attribute__((always_inline)) int read_entry(const struct entry *entry, uint64_t *value) {
    uint64_t copy[8];
    for (;;) {
        uint64_t before = atomic_load_explicit(&entry->sequence, memory_order_acquire);
        for (int i = 0; i < 8; i++) copy[i] = atomic_load_explicit(&entry->value[i], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        uint64_t after = atomic_load_explicit(&entry->sequence, memory_order_relaxed);
        if (before == after && !(before & 1)) break;
    }
    memcpy(value, copy, 64);
    return 1;
}

static inline __attribute__((always_inline)) int write_entry(struct shared *shared, struct entry *entry,
                                                             const uint64_t *value) {
    uint32_t expected = 0;
    while (!atomic_compare_exchange_weak_explicit(&shared->lock, &expected, 1, memory_order_acquire,
                                                  memory_order_relaxed))
        expected = 0;
    uint64_t sequence = atomic_load_explicit(&entry->sequence, memory_order_relaxed);
    atomic_store_explicit(&entry->sequence, sequence + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (int i = 0; i < 8; i++) atomic_store_explicit(&entry->value[i], value[i], memory_order_relaxed);
    atomic_store_explicit(&entry->sequence, sequence + 2, memory_order_release);
    atomic_store_explicit(&shared->lock, 0, memory_order_release);
    return 1;
}

/* ---- Look-up ---- */

static inline uint64_t hash(const uint64_t key[2]) {
    __uint128_t product = (__uint128_t)(key[0] ^ 0xa0761d6478bd642fu) * (key[1] ^ 0xe7037ed1a0b428dbu);
    uint64_t mixed = (uint64_t)(product >> 64) ^ (uint64_t)product;
    product = (__uint128_t)mixed * 0x9e3779b97f4a7c15u;
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static inline struct entry *find(const struct table *table, const uint64_t key[2]) {
    for (size_t i = (size_t)((__uint128_t)hash(key) * table->slot_count >> 64);;) {
        struct entry *entry = &table->shared->entries[i];
        if ((entry->key[0] == key[0] && entry->key[1] == key[1]) || !entry->used) return entry;
        i = i + 1 == table->slot_count ? 0 : i + 1;
    }
}

static int make_mutex(pthread_mutex_t *mutex) {
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes)) return 0;
    int made = !pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) &&
               !pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) &&
               !pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return made;
}

static void table_close(void *state) {
    struct table *table = state;
    if (table->shared) floor_shared_memory_free(table->shared, table->byte_count);
    free(table->resolved);
    free(table);
}

static void *table_make(size_t key_count, int huge, const char **reason) {
    *reason = "no memory";
    struct table *table = calloc(1, sizeof *table);
    if (!table) return NULL;
    /* Half full. */
    table->slot_count = key_count * 2;
    table->byte_count = sizeof *table->shared + table->slot_count * sizeof(struct entry);
    table->shared = floor_shared_memory_in_pages(table->byte_count, huge);
    table->resolved = malloc(key_count * sizeof *table->resolved);
    if (!table->shared || !table->resolved || !make_mutex(&table->shared->mutex)) {
        table_close(table);
        return NULL;
    }
    for (size_t number = 0; number < key_count; number++) {
        uint64_t key[2];
        benchmark_key(number, key);
        struct entry *entry = find(table, key);
        memcpy(entry->key, key, 16);
        entry->used = 1;
        for (int i = 0; i < 8; i++)
            atomic_store_explicit(&entry->value[i], benchmark_word(number, 0, i), memory_order_relaxed);
        table->resolved[number] = entry;
    }
    return table;
}

static void *table_open(const struct benchmark_site *site, size_t key_count, const char **reason) {
    (void)site;
    return table_make(key_count, 1, reason);
}

static void *small_page_table_open(const struct benchmark_site *site, size_t key_count, const char **reason) {
    (void)site;
    return table_make(key_count, 0, reason);
}

/* ---- With look-up ---- */

static inline int table_read(const struct table *table, const uint64_t key[2], uint64_t *value) {
    const struct entry *entry = find(table, key);
    return entry->used && read_entry(entry, value);
}

static inline int table_write(struct table *table, const uint64_t key[2], const uint64_t *value) {
    struct entry *entry = find(table, key);
    return entry->used && write_entry(table->shared, entry, value);
}

static int64_t table_get(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check) {
    struct table *table = state;
    BENCHMARK_GET_LOOP(draws, count, check, table_read(table, draw->key, value));
}

static int64_t table_set(void *state, struct benchmark_draws *draws, size_t count) {
    struct table *table = state;
    BENCHMARK_SET_LOOP(draws, count, table_write(table, draw->key, value));
}

const struct benchmark_rival floor_table_rival = {table_open, table_get, table_set, table_close};
const struct benchmark_rival floor_small_page_table_rival = {small_page_table_open, table_get, table_set, table_close};

/* ---- Without look-up ---- */

static int64_t sequence_get(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check) {
    struct table *table = state;
    BENCHMARK_GET_LOOP(draws, count, check, read_entry(table->resolved[draw->number], value));
}

static int64_t sequence_set(void *state, struct benchmark_draws *draws, size_t count) {
    struct table *table = state;
    BENCHMARK_SET_LOOP(draws, count, write_entry(table->shared, table->resolved[draw->number], value));
}

const struct benchmark_rival floor_sequence_rival = {table_open, sequence_get, sequence_set, table_close};

/* ---- Under one robust mutex ---- */

static int lock_mutex(struct table *table) {
    int failure = pthread_mutex_lock(&table->shared->mutex);
    if (failure == EOWNERDEAD) failure = pthread_mutex_consistent(&table->shared->mutex);
    return failure == 0;
}

static int mutex_read(struct table *table, const uint64_t key[2], uint64_t *value) {
    if (!lock_mutex(table)) return 0;
    const struct entry *entry = find(table, key);
    int found = entry->used != 0;
    if (found) memcpy(value, (const void *)entry->value, 64);
    return pthread_mutex_unlock(&table->shared->mutex) == 0 && found;
}

static int mutex_write(struct table *table, const uint64_t key[2], const uint64_t *value) {
    if (!lock_mutex(table)) return 0;
    struct entry *entry = find(table, key);
    int found = entry->used != 0;
    if (found) memcpy((void *)entry->value, value, 64);
    return pthread_mutex_unlock(&table->shared->mutex) == 0 && found;
}

static int64_t mutex_get(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check) {
    BENCHMARK_GET_LOOP(draws, count, check, mutex_read(state, draw->key, value));
}

static int64_t mutex_set(void *state, struct benchmark_draws *draws, size_t count) {
    BENCHMARK_SET_LOOP(draws, count, mutex_write(state, draw->key, value));
}

const struct benchmark_rival floor_mutex_rival = {table_open, mutex_get, mutex_set, table_close};

/* ---- Nothing but the copy ---- */

struct copies {
    size_t byte_count;
    uint64_t *values; /* by number */
};

static void copies_close(void *state) {
    struct copies *copies = state;
    if (copies->values) floor_shared_memory_free(copies->values, copies->byte_count);
    free(copies);
}

static void *copies_open(const struct benchmark_site *site, size_t key_count, const char **reason) {
    (void)site;
    *reason = "no memory";
    struct copies *copies = calloc(1, sizeof *copies);
    if (!copies) return NULL;
    copies->byte_count = key_count * BENCHMARK_VALUE_SIZE;
    copies->values = floor_shared_memory(copies->byte_count);
    if (!copies->values) {
        free(copies);
        return NULL;
    }
    for (size_t i = 0; i < key_count; i++) benchmark_value(i, 0, copies->values + i * 8);
    return copies;
}

static inline int copy(void *target, const void *source) {
    memcpy(target, source, BENCHMARK_VALUE_SIZE);
    __asm__ volatile("" : : "r"(target) : "memory");
    return 1;
}

static int64_t copies_get(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check) {
    struct copies *copies = state;
    BENCHMARK_GET_LOOP(draws, count, check, copy(value, copies->values + draw->number * 8));
}

static int64_t copies_set(void *state, struct benchmark_draws *draws, size_t count) {
    struct copies *copies = state;
    BENCHMARK_SET_LOOP(draws, count, copy(copies->values + draw->number * 8, value));
}

const struct benchmark_rival floor_copy_rival = {copies_open, copies_get, copies_set, copies_close};
