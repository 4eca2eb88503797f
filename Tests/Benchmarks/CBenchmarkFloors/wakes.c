#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "CBenchmarkFloors.h"

#ifndef SYS_futex_waitv /* Linux 5.16 */
#define SYS_futex_waitv 449
#endif

struct benchmark_wakes {
    /* The setter's: what is to be waited for, and the number of the wake-up in the high bits. */
    _Atomic uint64_t command __attribute__((aligned(64)));
    _Atomic uint32_t bell;
    /* The watcher's. */
    _Atomic uint64_t ready __attribute__((aligned(64))); /* the number of the wake-up that it is about to wait for */
    _Atomic uint64_t seen __attribute__((aligned(64)));  /* the number of the last one that it had */
    _Atomic uint32_t seen_bell;
    _Atomic uint64_t time;     /* when it had the value, ns */
    _Atomic uint32_t is_wrong; /* a value wasn't what was set */
    /* The floor: a value, and the word that its watcher sleeps on. */
    _Atomic uint32_t word __attribute__((aligned(64)));
    uint64_t value[8] __attribute__((aligned(64)));
    /* A crowd's. */
    _Atomic uint64_t arrivals __attribute__((aligned(64)));
};

static long futex(_Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *limit) {
    return syscall(SYS_futex, word, operation, value, limit);
}

static const uint64_t second = 1000000000;

/* Nobody sleeps for longer in one go, so that who waits for somebody that died notices. */
static const struct timespec slice = {1, 0};

static int is_over(uint64_t start, uint64_t seconds) { return benchmark_nanoseconds() - start > seconds * second; }

/* ---- The memory ---- */

int benchmark_wakes_file(void) {
    int file = memfd_create("benchmark-wakes", MFD_CLOEXEC);
    if (file >= 0 && ftruncate(file, sizeof(struct benchmark_wakes)) == 0) return file;
    if (file >= 0) close(file);
    return -1;
}

struct benchmark_wakes *benchmark_wakes_map(const char *path) {
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return NULL;
    void *memory = mmap(NULL, sizeof(struct benchmark_wakes), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return memory == MAP_FAILED ? NULL : memory;
}

void benchmark_wakes_unmap(struct benchmark_wakes *wakes) { munmap(wakes, sizeof *wakes); }

int benchmark_end_with_parent(int parent) {
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

/* ---- The setter ---- */

static const int kind_bits = 8;

void benchmark_wakes_tell(struct benchmark_wakes *wakes, enum benchmark_wake kind, uint64_t number) {
    atomic_store_explicit(&wakes->command, number << kind_bits | (uint64_t)kind, memory_order_release);
    atomic_fetch_add_explicit(&wakes->bell, 1, memory_order_release);
    futex(&wakes->bell, FUTEX_WAKE, INT_MAX, NULL);
}

/* Whether the process sleeps in one of the calls that values are waited for in. */
static int sleeps(int syscall_file) {
    char text[64];
    ssize_t count = pread(syscall_file, text, sizeof text - 1, 0);
    if (count <= 0) return 0;
    text[count] = 0;
    /* "running", or the number of the call. */
    char *end;
    long number = strtol(text, &end, 10);
    return end != text && (number == SYS_futex || number == SYS_futex_waitv || number == SYS_read);
}

int benchmark_wakes_expect_sleep(struct benchmark_wakes *wakes, int syscall_file, uint64_t number) {
    uint64_t start = benchmark_nanoseconds();
    while (atomic_load_explicit(&wakes->ready, memory_order_acquire) != number || !sleeps(syscall_file)) {
        if (is_over(start, 60)) return 0;
        /* The watcher may need this very core. */
        sched_yield();
    }
    /* It's on its way to sleep: the other core shall be idle, whatever is waited for. */
    uint64_t asleep = benchmark_nanoseconds();
    while (benchmark_nanoseconds() - asleep < 50000) continue;
    return 1;
}

int64_t benchmark_wakes_expect_seen(struct benchmark_wakes *wakes, uint64_t number, int spins) {
    uint64_t start = benchmark_nanoseconds();
    for (;;) {
        uint32_t bell = atomic_load_explicit(&wakes->seen_bell, memory_order_acquire);
        if (atomic_load_explicit(&wakes->seen, memory_order_acquire) == number) break;
        if (is_over(start, 60)) return -1;
        if (!spins) futex(&wakes->seen_bell, FUTEX_WAIT, bell, &slice);
    }
    if (atomic_load_explicit(&wakes->is_wrong, memory_order_relaxed)) return -1;
    return (int64_t)atomic_load_explicit(&wakes->time, memory_order_relaxed);
}

void floor_futex_set(struct benchmark_wakes *wakes, uint64_t number, const void *value) {
    memcpy(wakes->value, value, sizeof wakes->value);
    atomic_store_explicit(&wakes->word, (uint32_t)number, memory_order_release);
    futex(&wakes->word, FUTEX_WAKE, INT_MAX, NULL);
}

/* ---- The watcher ---- */

enum benchmark_wake benchmark_wakes_next(struct benchmark_wakes *wakes, uint64_t *number) {
    for (;;) {
        uint32_t bell = atomic_load_explicit(&wakes->bell, memory_order_acquire);
        uint64_t command = atomic_load_explicit(&wakes->command, memory_order_acquire);
        if (command >> kind_bits != atomic_load_explicit(&wakes->ready, memory_order_relaxed)) {
            *number = command >> kind_bits;
            return (enum benchmark_wake)(command & ((1u << kind_bits) - 1));
        }
        futex(&wakes->bell, FUTEX_WAIT, bell, &slice);
    }
}

void benchmark_wakes_ready(struct benchmark_wakes *wakes, uint64_t number) {
    atomic_store_explicit(&wakes->ready, number, memory_order_release);
}

void benchmark_wakes_seen(struct benchmark_wakes *wakes, uint64_t number, const void *value, uint64_t time) {
    if (!benchmark_is_whole_value(value, 0, number, BENCHMARK_CHECK_NEWEST))
        atomic_store_explicit(&wakes->is_wrong, 1, memory_order_relaxed);
    atomic_store_explicit(&wakes->time, time, memory_order_relaxed);
    atomic_store_explicit(&wakes->seen, number, memory_order_release);
    atomic_fetch_add_explicit(&wakes->seen_bell, 1, memory_order_release);
    futex(&wakes->seen_bell, FUTEX_WAKE, INT_MAX, NULL);
}

void floor_futex_wait(struct benchmark_wakes *wakes, uint64_t number, void *value) {
    for (;;) {
        uint32_t word = atomic_load_explicit(&wakes->word, memory_order_acquire);
        if (word == (uint32_t)number) break;
        futex(&wakes->word, FUTEX_WAIT, word, &slice);
    }
    memcpy(value, wakes->value, sizeof wakes->value);
}

/* ---- A crowd ---- */

void benchmark_wakes_arrive(struct benchmark_wakes *wakes) {
    atomic_fetch_add_explicit(&wakes->arrivals, 1, memory_order_acq_rel);
}

uint64_t benchmark_wakes_arrivals(struct benchmark_wakes *wakes) {
    return atomic_load_explicit(&wakes->arrivals, memory_order_acquire);
}

/* The time that all threads of a process have run for; 0: it's dead. */
static uint64_t running_time(int pid) {
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
    return (uint64_t)time.tv_sec * second + (uint64_t)time.tv_nsec;
}

static uint64_t running_times(const int *pids, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += running_time(pids[i]);
    return sum;
}

int benchmark_wakes_expect_crowd(struct benchmark_wakes *wakes, uint64_t arrivals, const int *pids, size_t count) {
    uint64_t start = benchmark_nanoseconds();
    while (benchmark_wakes_arrivals(wakes) < arrivals) {
        if (is_over(start, 60)) return 0;
        usleep(100);
    }
    for (uint64_t time = running_times(pids, count);;) {
        uint64_t begin = benchmark_nanoseconds();
        while (benchmark_nanoseconds() - begin < 200000) continue;
        uint64_t later = running_times(pids, count);
        if (later == time) return 1;
        time = later;
        if (is_over(start, 60)) return 0;
    }
}
