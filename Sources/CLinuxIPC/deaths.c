#include "CLinuxIPC.h"

#include <linux/futex.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

/* Debian 12's headers are older than the kernels this runs on. */
#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif

/* MARK: Deaths */

int linuxipc_open_process(int32_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int linuxipc_is_dead(int descriptor) {
    struct pollfd look = {.fd = descriptor, .events = POLLIN};
    return poll(&look, 1, 0);
}

int linuxipc_is_pidfs(int descriptor) {
    struct statfs status;
    if (fstatfs(descriptor, &status) < 0)
        return -1;
    return status.f_type == PID_FS_MAGIC;
}

/* MARK: The word that the kernel changes when its thread dies */

_Static_assert(LINUXIPC_LIFE_DIED == FUTEX_OWNER_DIED, "the bit that the kernel sets");

/* In private memory: what the kernel follows when the thread dies must be nobody else's to write. */
static struct robust_list life_node;
static struct robust_list_head life_head;

int linuxipc_claim_life(uint32_t *word) {
    life_node.next = &life_head.list;
    life_head.list.next = &life_node;
    life_head.list_op_pending = NULL;
    life_head.futex_offset = (long)((uintptr_t)word - (uintptr_t)&life_node);
    /* Before the word names this thread: the other way round a kill in between would leave a word that says alive. */
    if (syscall(SYS_set_robust_list, &life_head, sizeof life_head) < 0)
        return -1;
    uint32_t thread = (uint32_t)syscall(SYS_gettid);
    /* The kernel keeps the bit and wakes nobody that doesn't wait; turned over, it tells two lives of one tid apart. */
    uint32_t turned = ~__atomic_load_n(word, __ATOMIC_RELAXED) & FUTEX_WAITERS;
    __atomic_store_n(word, thread | turned, __ATOMIC_SEQ_CST);
    return 0;
}

void linuxipc_end_life(uint32_t *word) {
    uint32_t thread = (uint32_t)syscall(SYS_gettid);
    if ((__atomic_load_n(word, __ATOMIC_RELAXED) & FUTEX_TID_MASK) != thread)
        return;
    /* The kernel must not follow the list to where the word was. */
    life_node.next = NULL;
    life_head.list.next = &life_head.list;
    __atomic_store_n(
        word, (__atomic_load_n(word, __ATOMIC_RELAXED) & FUTEX_WAITERS) | FUTEX_OWNER_DIED, __ATOMIC_SEQ_CST);
}
