#include "CLinuxIPC.h"

#include <sys/sysinfo.h>

/* Debian 12's headers are older than the kernels this runs on. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MADV_COLLAPSE /* Linux 6.1 */
#define MADV_COLLAPSE 25
#endif

int linuxipc_memfd_create(const char *label) {
    int descriptor = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (descriptor < 0 && errno == EINVAL)
        descriptor = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return descriptor;
}

int linuxipc_allocate(int descriptor, off_t offset, off_t byte_count) {
    return fallocate(descriptor, 0, offset, byte_count);
}

int linuxipc_punch(int descriptor, off_t offset, off_t byte_count) {
    return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, byte_count);
}

int linuxipc_memory(uint64_t *ret_total, uint64_t *ret_free) {
    struct sysinfo memory;
    if (sysinfo(&memory) < 0)
        return -1;
    *ret_total = ((uint64_t)memory.totalram + memory.totalswap) * memory.mem_unit;
    *ret_free = ((uint64_t)memory.freeram + memory.freeswap) * memory.mem_unit;
    return 0;
}

int linuxipc_seal_size(int descriptor) {
    return fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

int linuxipc_is_size_sealed(int descriptor) {
    int seals = fcntl(descriptor, F_GET_SEALS);
    if (seals < 0)
        return -1;
    return (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) == (F_SEAL_SHRINK | F_SEAL_GROW);
}

void *linuxipc_map(int descriptor, size_t byte_count, int is_writable, size_t alignment) {
    int protection = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (byte_count > SIZE_MAX / 2 || alignment > SIZE_MAX / 4) {
        errno = ENOMEM;
        return NULL;
    }
    if (alignment <= page) {
        void *start = mmap(NULL, byte_count, protection, MAP_SHARED, descriptor, 0);
        return start == MAP_FAILED ? NULL : start;
    }
    /* Reserve addresses with room to align, map over the aligned part, give the ends back. */
    size_t whole = (byte_count + page - 1) / page * page;
    char *reserved = mmap(NULL, whole + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED)
        return NULL;
    char *start = (char *)(((uintptr_t)reserved + alignment - 1) / alignment * alignment);
    if (mmap(start, byte_count, protection, MAP_SHARED | MAP_FIXED, descriptor, 0) == MAP_FAILED) {
        int error = errno;
        (void)munmap(reserved, whole + alignment);
        errno = error;
        return NULL;
    }
    size_t before = (size_t)(start - reserved);
    if (before > 0)
        (void)munmap(reserved, before);
    (void)munmap(start + whole, alignment - before);
    return start;
}

int linuxipc_keep_from_children_and_dumps(void *start, size_t byte_count) {
    if (madvise(start, byte_count, MADV_DONTFORK) < 0)
        return -1;
    return madvise(start, byte_count, MADV_DONTDUMP);
}

int linuxipc_prefer_huge_pages(void *start, size_t byte_count) { return madvise(start, byte_count, MADV_HUGEPAGE); }

int linuxipc_make_huge_pages(void *start, size_t byte_count) { return madvise(start, byte_count, MADV_COLLAPSE); }
