/* Copies a granule of shared memory, which Swift can't express without a word at a time. */
#ifndef SHAREDMEM_COPY_H
#define SHAREDMEM_COPY_H

#if defined(__x86_64__)
/*
 * Copies 64 bytes, in order, by loads that the compiler neither repeats nor leaves out: who copies memory that others
 * write looks afterwards whether the copy is whole.
 */
static inline void sharedmem_copy_line(void *target, const void *source) {
    __asm__ volatile(
        "movdqu (%1), %%xmm0\n\t"
        "movdqu 16(%1), %%xmm1\n\t"
        "movdqu 32(%1), %%xmm2\n\t"
        "movdqu 48(%1), %%xmm3\n\t"
        "movdqu %%xmm0, (%0)\n\t"
        "movdqu %%xmm1, 16(%0)\n\t"
        "movdqu %%xmm2, 32(%0)\n\t"
        "movdqu %%xmm3, 48(%0)"
        :
        : "r"(target), "r"(source)
        : "xmm0", "xmm1", "xmm2", "xmm3", "memory");
}
#endif

#endif
