#include "CBenchmarkFloors.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    _Atomic uint64_t sequence; /* odd: being written */
    uint64_t key[2];
    _Atomic uint64_t value[8];
    uint64_t used;
} __attribute__((aligned(128)));

struct floor_table {
    size_t mask;
    _Atomic uint32_t lock;
    struct entry *entries;
};

static inline uint64_t hash(const uint64_t key[2]) {
    __uint128_t product = (__uint128_t)(key[0] ^ 0xa0761d6478bd642fu) * (key[1] ^ 0xe7037ed1a0b428dbu);
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

struct floor_table *floor_table_make(size_t count) {
    struct floor_table *table = calloc(1, sizeof *table);
    if (!table) return NULL;
    size_t size = 16;
    while (size < count * 2) size *= 2;
    table->mask = size - 1;
    table->entries = aligned_alloc(128, size * sizeof *table->entries);
    if (!table->entries) {
        free(table);
        return NULL;
    }
    memset(table->entries, 0, size * sizeof *table->entries);
    return table;
}

void floor_table_free(struct floor_table *table) {
    free(table->entries);
    free(table);
}

static inline struct entry *find(const struct floor_table *table, const void *bytes) {
    uint64_t key[2];
    memcpy(key, bytes, 16);
    for (size_t i = hash(key) & table->mask;; i = (i + 1) & table->mask) {
        struct entry *entry = &table->entries[i];
        if (!entry->used || (entry->key[0] == key[0] && entry->key[1] == key[1])) return entry;
    }
}

void floor_table_add(struct floor_table *table, const void *key) {
    struct entry *entry = find(table, key);
    memcpy(entry->key, key, 16);
    entry->used = 1;
}

int floor_table_get(const struct floor_table *table, const void *key, void *value) {
    struct entry *entry = find(table, key);
    if (!entry->used) return 0;
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

int floor_table_set(struct floor_table *table, const void *key, const void *value) {
    struct entry *entry = find(table, key);
    if (!entry->used) return 0;
    uint32_t expected = 0;
    while (!atomic_compare_exchange_weak_explicit(&table->lock, &expected, 1, memory_order_acquire,
                                                  memory_order_relaxed))
        expected = 0;
    uint64_t sequence = atomic_load_explicit(&entry->sequence, memory_order_relaxed);
    atomic_store_explicit(&entry->sequence, sequence + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    uint64_t copy[8];
    memcpy(copy, value, 64);
    for (int i = 0; i < 8; i++) atomic_store_explicit(&entry->value[i], copy[i], memory_order_relaxed);
    atomic_store_explicit(&entry->sequence, sequence + 2, memory_order_release);
    atomic_store_explicit(&table->lock, 0, memory_order_release);
    return 1;
}

void floor_copy(void *target, const void *source, size_t count) {
    memcpy(target, source, count);
    __asm__ volatile("" : : "r"(target) : "memory");
}
