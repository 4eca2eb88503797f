#define _GNU_SOURCE
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CBenchmarkFloors.h"

/* Shared futexes: what sleeps in practice is another process. */
static void futex_wait(_Atomic uint32_t *word, uint32_t value) { syscall(SYS_futex, word, FUTEX_WAIT, value, NULL); }
static void futex_wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, 1); }

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
