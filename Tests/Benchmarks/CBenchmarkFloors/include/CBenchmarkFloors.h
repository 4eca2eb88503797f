/*
 * What the benchmarks share between Swift, C and C++: which keys are drawn, what their values are, and the floors.
 *
 * A floor is the least that the work can cost in C: what isn't needed for consistency is left out. Floors that are
 * shared between processes in practice live in a shared memory file here, too, with huge pages where the kernel has any.
 */
#ifndef CBENCHMARKFLOORS_H
#define CBENCHMARKFLOORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Keys and values of small work. */
#define BENCHMARK_KEY_SIZE 16
#define BENCHMARK_VALUE_SIZE 64

/* ---- Draws ---- */

/* One key that is drawn, and the number that key and value are made of. */
struct benchmark_draw {
    uint64_t key[2];
    uint64_t number;
};

/*
 * Keys in the order in which they are drawn, each equally often. The keys lie in that order, so that what is measured is
 * the memory of the store and not that of the list of keys. All rows draw from one list, one behind the other, so that
 * none finds what the row before it has fetched.
 */
struct benchmark_draws {
    const struct benchmark_draw *draws;
    size_t count;
    /* The next one. */
    size_t position;
    /* How many different keys there are. */
    size_t key_count;
    /* Counts from 0; every set writes values of the newest generation. */
    uint64_t generation;
    /* The newest values by number, 64 bytes each; NULL: these draws are for reading. */
    uint64_t *values;
};

/* Makes draws of key_count keys, at most limit of them if there are more; NULL without memory. */
struct benchmark_draws *benchmark_draws_make(size_t key_count, size_t limit, int is_writable);
void benchmark_draws_free(struct benchmark_draws *draws);
/* Makes other values. */
void benchmark_next_generation(struct benchmark_draws *draws);
/* Writes the 16 bytes of a key, text that sorts like the numbers. */
void benchmark_key(uint64_t number, void *key);

/* A word of the value of a key; the last one is the same in every generation. */
static inline uint64_t benchmark_word(uint64_t number, uint64_t generation, int index) {
    return (number * 8 + (uint64_t)index) * 0x9e3779b97f4a7c15u + (index < 7 ? generation : 0);
}

/* Fills in the 64 bytes of a value. */
static inline void benchmark_value(uint64_t number, uint64_t generation, void *value) {
    uint64_t words[8];
    for (int i = 0; i < 8; i++) words[i] = benchmark_word(number, generation, i);
    memcpy(value, words, sizeof words);
}

/* How much of a value is looked at. */
enum benchmark_check {
    /* Its last word: cheap enough for measured work. */
    BENCHMARK_CHECK_QUICK,
    /* Every byte: one value of one generation. */
    BENCHMARK_CHECK_WHOLE,
    /* Every byte, and that it is of the newest generation. */
    BENCHMARK_CHECK_NEWEST
};

/* Whether value belongs to number, as far as its last word tells. */
static inline int benchmark_is_value(const void *value, uint64_t number) {
    uint64_t last;
    memcpy(&last, (const char *)value + 56, 8);
    return last == benchmark_word(number, 0, 7);
}

/* Whether all of value belongs to number; generation is the newest one. */
int benchmark_is_whole_value(const void *value, uint64_t number, uint64_t generation, enum benchmark_check check);

/* ---- Rivals ---- */

/* Where a rival may work; all of it is there as long as open is running. */
struct benchmark_site {
    /* The rival's own, on tmpfs. */
    const char *folder;
    /* The daemon's. */
    const char *socket;
    /* Of this daemon, with every key in generation 0: the one that the store's own rows use. */
    const char *segment;
};

/*
 * What a user could pick instead, and the store as other languages have it. Each is a library, built by
 * Tests/Benchmarks/run, with the symbol `benchmark_rival`, or with one for each way that it can be used.
 * get and set do their work count times, for the next draws: negative: a result was wrong; 0: done; positive: done, and
 * so many nanoseconds were needed, which the rival has measured itself.
 */
struct benchmark_rival {
    /* Opens it, with every key set to generation 0; NULL: failed, and reason says why. */
    void *(*open)(const struct benchmark_site *site, size_t key_count, const char **reason);
    int64_t (*get)(void *state, struct benchmark_draws *draws, size_t count, enum benchmark_check check);
    int64_t (*set)(void *state, struct benchmark_draws *draws, size_t count);
    void (*close)(void *state);
};

/* The body of a get: FOUND copies the value of draw->key into value and is 1 if it did. */
#define BENCHMARK_GET_LOOP(draws, times, check, FOUND)                                                                 \
    do {                                                                                                               \
        uint64_t value[8] __attribute__((aligned(64))) = {0};                                                          \
        size_t position = (draws)->position;                                                                           \
        int is_right = 1;                                                                                              \
        for (size_t i = 0; i < (times); i++) {                                                                         \
            const struct benchmark_draw *draw = &(draws)->draws[position];                                             \
            position = position + 1 == (draws)->count ? 0 : position + 1;                                              \
            is_right &= (FOUND) && benchmark_is_value(value, draw->number);                                            \
            if ((check) != BENCHMARK_CHECK_QUICK)                                                                      \
                is_right &= benchmark_is_whole_value(value, draw->number, (draws)->generation, (check));               \
        }                                                                                                              \
        (draws)->position = position;                                                                                  \
        return is_right ? 0 : -1;                                                                                      \
    } while (0)

/* The body of a set: DONE sets draw->key to the 64 bytes at value and is 1 if it did. */
#define BENCHMARK_SET_LOOP(draws, times, DONE)                                                                         \
    do {                                                                                                               \
        size_t position = (draws)->position;                                                                           \
        int is_right = 1;                                                                                              \
        for (size_t i = 0; i < (times); i++) {                                                                         \
            const struct benchmark_draw *draw = &(draws)->draws[position];                                             \
            const uint64_t *value = (draws)->values + draw->number * 8;                                                \
            position = position + 1 == (draws)->count ? 0 : position + 1;                                              \
            is_right &= (DONE);                                                                                        \
        }                                                                                                              \
        (draws)->position = position;                                                                                  \
        return is_right ? 0 : -1;                                                                                      \
    } while (0)

/* ---- Floors ---- */

/* memcpy of the newest values by number: the row below every row. */
extern const struct benchmark_rival floor_copy_rival;
/* A sequence lock for each value, found by number: no look-up. */
extern const struct benchmark_rival floor_sequence_rival;
/* The same behind a hash table with open addressing. */
extern const struct benchmark_rival floor_table_rival;
/* The same in small pages, whatever its size. */
extern const struct benchmark_rival floor_small_page_table_rival;
/* The same table under one process-shared robust mutex, values copied with memcpy. */
extern const struct benchmark_rival floor_mutex_rival;

/* A shared mapping of zeros, aligned for huge pages, which the kernel is asked for; NULL without memory. */
void *floor_shared_memory(size_t size);
/* The same, with huge pages only if huge isn't 0. */
void *floor_shared_memory_in_pages(size_t size, int huge);
void floor_shared_memory_free(void *memory, size_t size);

/* memcpy of size bytes that the compiler can't see through. */
void floor_copy(void *target, const void *source, size_t size);

/* Four buffers that a writer fills in turn; a reader copies the newest and begins again if it was overtaken. */
struct floor_rotation;
struct floor_rotation *floor_rotation_make(void);
void floor_rotation_free(struct floor_rotation *rotation);
/* Writes count values of key 0, of generations that count up. */
void floor_rotation_write(struct floor_rotation *rotation, size_t count);
/* Copies the newest 64 bytes. */
void floor_rotation_read(const struct floor_rotation *rotation, void *value);
/* Times count stamps of so many reads each; -1: a value was wrong; 0: the writer wrote nothing meanwhile; 1: it did. */
int floor_rotation_sample(const struct floor_rotation *rotation, uint64_t *ticks, size_t count, size_t reads);

/* ---- One wake-up, from a setter to a watcher in another process ---- */

/* What the watcher waits for. */
enum benchmark_wake { BENCHMARK_WAKE_NONE, BENCHMARK_WAKE_FUTEX, BENCHMARK_WAKE_FIFO, BENCHMARK_WAKE_STORE };

/*
 * What setter and watcher agree on. A wake-up has a number, which counts up from 1 and is the generation of the value of
 * key 0 that is set. The setter tells the watcher what to wait for, sees it asleep, sets, and is told when the value was
 * there; the two processes have one clock.
 */
struct benchmark_wakes;
/* Makes the memory's file; -1: there is none. */
int benchmark_wakes_file(void);
/* Maps the file at a path, such as /proc/PID/fd/N; NULL: it can't be. */
struct benchmark_wakes *benchmark_wakes_map(const char *path);
void benchmark_wakes_unmap(struct benchmark_wakes *wakes);
/* Has this process killed when the thread that started it ends; 0: it has ended already. */
int benchmark_end_with_parent(int parent);

/* Setter: tells the watcher what to wait for. */
void benchmark_wakes_tell(struct benchmark_wakes *wakes, enum benchmark_wake kind, uint64_t number);
/*
 * Setter: returns 50 us after the watcher was seen to sleep in futex(2), futex_waitv(2) or read(2); 0: it doesn't within a
 * minute. syscall_file is its /proc/PID/syscall.
 */
int benchmark_wakes_expect_sleep(struct benchmark_wakes *wakes, int syscall_file, uint64_t number);
/* Setter: waits until the watcher has the value and returns when that was; -1: not within a minute, or it was wrong. */
int64_t benchmark_wakes_expect_seen(struct benchmark_wakes *wakes, uint64_t number, int spins);
/* Setter: the least that it can cost: the value and a word in shared memory, and a wake-up of all who sleep on the word. */
void floor_futex_set(struct benchmark_wakes *wakes, uint64_t number, const void *value);

/* Watcher: sleeps until it is told something new. */
enum benchmark_wake benchmark_wakes_next(struct benchmark_wakes *wakes, uint64_t *number);
/* Watcher: it waits for the value now. */
void benchmark_wakes_ready(struct benchmark_wakes *wakes, uint64_t number);
/* Watcher: it has had the value since time. */
void benchmark_wakes_seen(struct benchmark_wakes *wakes, uint64_t number, const void *value, uint64_t time);
/* Watcher: sleeps on the floor's word, then loads the value. */
void floor_futex_wait(struct benchmark_wakes *wakes, uint64_t number, void *value);

/* Crowd: one of its watchers has seen what it waited for and waits again. */
void benchmark_wakes_arrive(struct benchmark_wakes *wakes);
/* How many have. */
uint64_t benchmark_wakes_arrivals(struct benchmark_wakes *wakes);
/*
 * Setter: returns when so many have, and when no thread of the crowd's processes has run for 0.2 ms: all sleep; 0: not
 * within a minute.
 */
int benchmark_wakes_expect_crowd(struct benchmark_wakes *wakes, uint64_t arrivals, const int *pids, size_t count);

/* ---- The writer beside a reader ---- */

/* What the other thread shall do; it sleeps while that is BENCHMARK_PAUSE. */
enum benchmark_command { BENCHMARK_PAUSE, BENCHMARK_WRITE_FLOOR, BENCHMARK_WRITE_STORE, BENCHMARK_END };
struct benchmark_writer;
struct benchmark_writer *benchmark_writer_make(void);
void benchmark_writer_free(struct benchmark_writer *writer);
/* Reader: tells the writer what to do, and returns when it does it. */
void benchmark_writer_tell(struct benchmark_writer *writer, enum benchmark_command command);
/* Writer: returns what to do next; sleeps while that is nothing. */
enum benchmark_command benchmark_writer_next(struct benchmark_writer *writer);

/* ---- Time and place ---- */

/* A time stamp that orders what is before it and behind it. */
static inline uint64_t benchmark_ticks(void) {
#if defined(__x86_64__)
    unsigned int low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
#else
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks) : : "memory");
    return ticks;
#endif
}

/* Ends what is before it before anything behind it begins. */
static inline void benchmark_fence(void) {
#if defined(__x86_64__)
    __asm__ volatile("lfence" : : : "memory");
#else
    __asm__ volatile("dsb sy\n\tisb" : : : "memory");
#endif
}

/* Steps that wait for each other: an exact, short delay. */
static inline void benchmark_delay(uint64_t steps) {
    uint64_t x = steps;
    for (uint64_t i = 0; i < steps; i++) {
        x = x * 3 + 1;
        __asm__ volatile("" : "+r"(x));
    }
    __asm__ volatile("" : : "r"(x));
}

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t benchmark_nanoseconds(void);
/* The number of the nth core that this process may use; -1: there are fewer. */
int benchmark_core(int n);
/* Keeps the calling thread on a core; 0: refused. */
int benchmark_pin(int core);

#ifdef __cplusplus
}
#endif

#endif
