#include "CLinuxIPC.h"

#include <signal.h>
#include <stdatomic.h>

/* A mapping whose missing pages are replaced. All fields are atomic: the handler may run on any thread, at any time. */
struct guard {
    atomic_int is_taken;          /* somebody's, by compare-and-swap */
    atomic_uintptr_t start;       /* 0: not in force */
    atomic_size_t byte_count;     /* bytes; stored before start */
    atomic_uint replaced;         /* pages replaced since the mapping was guarded */
};

static struct guard guards[LINUXIPC_GUARD_MAX];
static atomic_int guard_end;       /* no guard from here on was ever taken */
static atomic_uint replaced_pages; /* of all guards */
static size_t page_byte_count;

/* Maps zeros over the page, or over the whole mapping when there are too many mappings for another one. */
static int replace(uintptr_t page, uintptr_t start, size_t byte_count) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    if (mmap((void *)page, page_byte_count, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED)
        return 0;
    return mmap((void *)start, byte_count, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? -1 : 0;
}

static void bus_error(int signal_number, siginfo_t *information, void *context) {
    (void)context;
    int error = errno;
    uintptr_t address = (uintptr_t)information->si_addr;
    int end = information->si_code > 0 ? atomic_load(&guard_end) : 0;
    for (int i = 0; i < end; i++) {
        uintptr_t start = atomic_load(&guards[i].start);
        size_t byte_count = atomic_load(&guards[i].byte_count);
        if (start == 0 || address < start || address - start >= byte_count)
            continue;
        if (replace(address / page_byte_count * page_byte_count, start, byte_count) < 0)
            break;
        atomic_fetch_add(&guards[i].replaced, 1);
        atomic_fetch_add(&replaced_pages, 1);
        errno = error;
        return;
    }
    /* Not ours: the access faults again, or the signal comes again, and does what it does without a handler. */
    (void)signal(signal_number, SIG_DFL);
    if (information->si_code <= 0)
        (void)raise(signal_number);
    errno = error;
}

int linuxipc_catch_missing_pages(void) {
    page_byte_count = (size_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = bus_error, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, NULL);
}

int linuxipc_guard(const void *start, size_t byte_count) {
    for (int i = 0; i < LINUXIPC_GUARD_MAX; i++) {
        int expected = 0;
        if (!atomic_compare_exchange_strong(&guards[i].is_taken, &expected, 1))
            continue;
        int end = atomic_load(&guard_end);
        while (end <= i && !atomic_compare_exchange_weak(&guard_end, &end, i + 1))
            ;
        atomic_store(&guards[i].replaced, 0);
        atomic_store(&guards[i].byte_count, byte_count);
        atomic_store(&guards[i].start, (uintptr_t)start);
        return i;
    }
    errno = ENOSPC;
    return -1;
}

void linuxipc_unguard(int guard) {
    atomic_store(&guards[guard].start, 0);
    atomic_store(&guards[guard].is_taken, 0);
}

uint32_t linuxipc_replaced_pages(int guard) {
    return guard < 0 ? atomic_load(&replaced_pages) : atomic_load(&guards[guard].replaced);
}
