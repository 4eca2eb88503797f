#include "CLinuxIPC.h"

#include <pthread.h>
#include <stdatomic.h>

uint32_t linuxipc_fork_counter;

/* Descriptors that a forked child closes at once, as their number plus 1; 0: a free place. Full chunks are followed by
 * another one and never freed, so that a child may walk them whatever its parent's threads were doing. */
enum { CHUNK_LENGTH = 63 };

struct chunk {
    _Atomic int places[CHUNK_LENGTH];
    struct chunk *_Atomic next;
};

static struct chunk first_chunk;

/* Puts desired into a place that holds expected; 1, or 0 if no place does. */
static int replace_place(int expected, int desired) {
    for (struct chunk *chunk = &first_chunk; chunk; chunk = atomic_load(&chunk->next)) {
        for (int i = 0; i < CHUNK_LENGTH; i++) {
            int found = expected;
            if (atomic_compare_exchange_strong(&chunk->places[i], &found, desired))
                return 1;
        }
    }
    return 0;
}

int linuxipc_close_in_children(int descriptor) {
    while (!replace_place(0, descriptor + 1)) {
        struct chunk *chunk = calloc(1, sizeof *chunk);
        if (!chunk)
            return -1;
        struct chunk *found = NULL;
        struct chunk *last = &first_chunk;
        while (!atomic_compare_exchange_strong(&last->next, &found, chunk)) {
            last = found;
            found = NULL;
        }
    }
    return 0;
}

void linuxipc_keep_in_children(int descriptor) { (void)replace_place(descriptor + 1, 0); }

/* Calls what is safe in a signal handler alone: the parent may have had other threads. */
static void begin_child(void) {
    __atomic_fetch_add(&linuxipc_fork_counter, 1, __ATOMIC_RELAXED);
    for (struct chunk *chunk = &first_chunk; chunk; chunk = atomic_load(&chunk->next)) {
        for (int i = 0; i < CHUNK_LENGTH; i++) {
            int place = atomic_exchange(&chunk->places[i], 0);
            if (place > 0)
                close(place - 1);
        }
    }
}

/* Before main, so that no fork of a process that uses the library is missed. pthread_atfork fails only without memory,
 * and then the process has no future. */
__attribute__((constructor)) static void register_fork_handler(void) {
    if (pthread_atfork(NULL, NULL, begin_child) != 0)
        abort();
}
