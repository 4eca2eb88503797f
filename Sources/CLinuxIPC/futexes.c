#include "CLinuxIPC.h"

#include <linux/futex.h>
#include <sys/syscall.h>

int linuxipc_futex_wait(uint32_t *word, uint32_t value, uint64_t nanoseconds) {
    struct timespec limit = {
        .tv_sec = (time_t)(nanoseconds / 1000000000u), .tv_nsec = (long)(nanoseconds % 1000000000u)};
    return (int)syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
}

int linuxipc_futex_wake(uint32_t *word, int count) {
    return (int)syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

int linuxipc_futex_wake_private(uint32_t *word, int count) {
    return (int)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}

_Static_assert(sizeof(struct linuxipc_futex_word) == sizeof(struct futex_waitv), "struct futex_waitv");
_Static_assert(offsetof(struct linuxipc_futex_word, address) == offsetof(struct futex_waitv, uaddr), "uaddr");
_Static_assert(offsetof(struct linuxipc_futex_word, flags) == offsetof(struct futex_waitv, flags), "flags");
_Static_assert(LINUXIPC_FUTEX_WORDS_MAX == FUTEX_WAITV_MAX, "FUTEX_WAITV_MAX");
_Static_assert(LINUXIPC_FUTEX_SHARED == FUTEX_32, "FUTEX_32");
_Static_assert(LINUXIPC_FUTEX_PRIVATE == (FUTEX_32 | FUTEX_PRIVATE_FLAG), "FUTEX_PRIVATE_FLAG");

int linuxipc_futex_wait_any(const struct linuxipc_futex_word *words, unsigned int count, uint64_t deadline) {
    struct timespec moment = {
        .tv_sec = (time_t)(deadline / 1000000000u), .tv_nsec = (long)(deadline % 1000000000u)};
    return (int)syscall(SYS_futex_waitv, words, count, 0, &moment, CLOCK_MONOTONIC);
}
