#define _GNU_SOURCE
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "CBenchmarkFloors.h"

#ifndef MADV_COLLAPSE /* Linux 6.1 */
#define MADV_COLLAPSE 25
#endif

static const size_t huge_page = 2 << 20;

/* Small memory keeps its size; the rest becomes whole huge pages. */
static size_t rounded(size_t size) { return size < 65536 ? size : (size + huge_page - 1) / huge_page * huge_page; }

void *floor_shared_memory(size_t size) { return floor_shared_memory_in_pages(size, 1); }

void *floor_shared_memory_in_pages(size_t size, int huge) {
    size = rounded(size);
    int file = memfd_create("benchmark-floor", MFD_CLOEXEC);
    if (file < 0) return NULL;
    /* Reserved with room to move the mapping to a whole huge page. */
    char *room = ftruncate(file, (off_t)size) == 0
                     ? mmap(NULL, size + huge_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                     : MAP_FAILED;
    if (room == MAP_FAILED) {
        close(file);
        return NULL;
    }
    char *start = (char *)(((uintptr_t)room + huge_page - 1) & ~(uintptr_t)(huge_page - 1));
    void *memory = mmap(start, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    close(file);
    if (memory == MAP_FAILED) return NULL;
    /*
     * In huge pages a floor's time doesn't depend on which small pages it happened to get. Each step may be refused by
     * a kernel without them; the mapping works all the same.
     */
    if (size >= huge_page && !huge) {
        (void)madvise(memory, size, MADV_NOHUGEPAGE);
        (void)madvise(memory, size, MADV_POPULATE_WRITE);
    } else if (size >= huge_page) {
        (void)madvise(memory, size, MADV_HUGEPAGE);
        (void)madvise(memory, size, MADV_POPULATE_WRITE);
        (void)madvise(memory, size, MADV_COLLAPSE);
    }
    return memory;
}

void floor_shared_memory_free(void *memory, size_t size) { munmap(memory, rounded(size)); }

void floor_copy(void *target, const void *source, size_t size) {
    memcpy(target, source, size);
    __asm__ volatile("" : : "r"(target) : "memory");
}

uint64_t benchmark_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* The cores that the process may use, as they were before any thread was pinned. */
static cpu_set_t allowed;

__attribute__((constructor)) static void note_cores(void) { sched_getaffinity(0, sizeof allowed, &allowed); }

int benchmark_core(int n) {
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &allowed) && n-- == 0) return core;
    return -1;
}

int benchmark_pin(int core) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0;
}
