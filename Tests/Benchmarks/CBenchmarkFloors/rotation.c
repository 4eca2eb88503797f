#include <stdatomic.h>
#include <stdlib.h>

#include "CBenchmarkFloors.h"

struct buffer {
    _Atomic uint64_t words[8];
} __attribute__((aligned(64)));

struct floor_rotation {
    _Atomic uint64_t newest __attribute__((aligned(64))); /* counts; the buffer is its low two bits */
    struct buffer buffers[4];
};

struct floor_rotation *floor_rotation_make(void) {
    struct floor_rotation *rotation = floor_shared_memory(sizeof *rotation);
    if (rotation) floor_rotation_write(rotation, 4);
    return rotation;
}

void floor_rotation_free(struct floor_rotation *rotation) { floor_shared_memory_free(rotation, sizeof *rotation); }

void floor_rotation_write(struct floor_rotation *rotation, size_t count) {
    for (size_t n = 0; n < count; n++) {
        uint64_t next = atomic_load_explicit(&rotation->newest, memory_order_relaxed) + 1;
        struct buffer *buffer = &rotation->buffers[next & 3];
        /* The newest count is visible before a byte of the buffer changes that is the oldest now. */
        atomic_thread_fence(memory_order_release);
        for (int i = 0; i < 8; i++)
            atomic_store_explicit(&buffer->words[i], benchmark_word(0, next, i), memory_order_relaxed);
        atomic_store_explicit(&rotation->newest, next, memory_order_release);
    }
}

void floor_rotation_read(const struct floor_rotation *rotation, void *value) {
    uint64_t copy[8];
    for (;;) {
        uint64_t before = atomic_load_explicit(&rotation->newest, memory_order_acquire);
        const struct buffer *buffer = &rotation->buffers[before & 3];
        for (int i = 0; i < 8; i++) copy[i] = atomic_load_explicit(&buffer->words[i], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        /* The writer fills the buffer behind the newest: three further on it is this one. */
        if (atomic_load_explicit(&rotation->newest, memory_order_relaxed) - before < 3) break;
    }
    memcpy(value, copy, sizeof copy);
}

static uint64_t writes(const struct floor_rotation *rotation) {
    return atomic_load_explicit(&rotation->newest, memory_order_relaxed);
}

int floor_rotation_sample(const struct floor_rotation *rotation, uint64_t *ticks, size_t count, size_t reads) {
    uint64_t value[8] = {0};
    int is_right = 1;
    uint64_t before = writes(rotation);
    for (size_t i = 0; i < count; i++) {
        uint64_t start = benchmark_ticks();
        for (size_t n = 0; n < reads; n++) {
            floor_rotation_read(rotation, value);
            is_right &= benchmark_is_value(value, 0);
        }
        ticks[i] = benchmark_ticks() - start;
        is_right &= benchmark_is_whole_value(value, 0, UINT64_MAX, BENCHMARK_CHECK_WHOLE);
    }
    if (!is_right) return -1;
    return writes(rotation) != before;
}
