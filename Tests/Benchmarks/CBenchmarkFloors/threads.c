#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CBenchmarkFloors.h"

/* Shared futexes: what sleeps in practice is another process. */
static void futex_wait(_Atomic uint32_t *word, uint32_t value) { syscall(SYS_futex, word, FUTEX_WAIT, value, NULL); }
static void futex_wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, 1); }

/* ---- There and back ---- */

struct floor_wake {
    _Atomic uint32_t there __attribute__((aligned(64)));
    _Atomic uint32_t back __attribute__((aligned(64)));
    pthread_t thread;
    int core;
};

/* What ends the other thread; a count never gets there. */
static const uint32_t end = UINT32_MAX;

static void wait_while(_Atomic uint32_t *word, uint32_t value) {
    while (atomic_load_explicit(word, memory_order_acquire) == value) futex_wait(word, value);
}

static void *answer(void *state) {
    struct floor_wake *wake = state;
    benchmark_pin(wake->core);
    for (uint32_t seen = 0;;) {
        wait_while(&wake->there, seen);
        seen = atomic_load_explicit(&wake->there, memory_order_acquire);
        if (seen == end) return NULL;
        atomic_store_explicit(&wake->back, seen, memory_order_release);
        futex_wake(&wake->back);
    }
}

struct floor_wake *floor_wake_make(int other_core) {
    struct floor_wake *wake = floor_shared_memory(sizeof *wake);
    if (!wake) return NULL;
    wake->core = other_core;
    if (pthread_create(&wake->thread, NULL, answer, wake) == 0) return wake;
    floor_shared_memory_free(wake, sizeof *wake);
    return NULL;
}

void floor_wake_run(struct floor_wake *wake, size_t count) {
    for (size_t n = 0; n < count; n++) {
        uint32_t last = atomic_load_explicit(&wake->back, memory_order_relaxed);
        atomic_store_explicit(&wake->there, last + 1, memory_order_release);
        futex_wake(&wake->there);
        wait_while(&wake->back, last);
    }
}

void floor_wake_free(struct floor_wake *wake) {
    atomic_store_explicit(&wake->there, end, memory_order_release);
    futex_wake(&wake->there);
    pthread_join(wake->thread, NULL);
    floor_shared_memory_free(wake, sizeof *wake);
}

/* ---- The writer beside a reader ---- */

struct benchmark_writer {
    _Atomic uint32_t command __attribute__((aligned(64)));
    _Atomic uint32_t obeyed __attribute__((aligned(64))); /* the command that the writer has taken */
};

struct benchmark_writer *benchmark_writer_make(void) { return floor_shared_memory(sizeof(struct benchmark_writer)); }

void benchmark_writer_free(struct benchmark_writer *writer) { floor_shared_memory_free(writer, sizeof *writer); }

void benchmark_writer_tell(struct benchmark_writer *writer, enum benchmark_command command) {
    atomic_store_explicit(&writer->command, command, memory_order_release);
    futex_wake(&writer->command);
    for (;;) {
        uint32_t obeyed = atomic_load_explicit(&writer->obeyed, memory_order_acquire);
        if (obeyed == command) return;
        futex_wait(&writer->obeyed, obeyed);
    }
}

enum benchmark_command benchmark_writer_next(struct benchmark_writer *writer) {
    for (;;) {
        uint32_t command = atomic_load_explicit(&writer->command, memory_order_acquire);
        if (atomic_load_explicit(&writer->obeyed, memory_order_relaxed) != command) {
            atomic_store_explicit(&writer->obeyed, command, memory_order_release);
            futex_wake(&writer->obeyed);
        }
        if (command != BENCHMARK_PAUSE) return (enum benchmark_command)command;
        futex_wait(&writer->command, BENCHMARK_PAUSE);
    }
}
