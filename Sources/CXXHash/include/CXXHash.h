/* XXH3 of Debian's header-only xxHash (libxxhash-dev), as the one function that the store needs. */
#ifndef CXXHASH_H
#define CXXHASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

/* XXH3 of more than 16 bytes: kept out of the callers, where its many cases would crowd out the short one. */
__attribute__((noinline)) static uint64_t sharedmem_xxh3_long(const void *bytes, size_t byte_count, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, byte_count, seed);
}

/* XXH3, 64 bits, of byte_count bytes at bytes. */
static inline uint64_t sharedmem_xxh3(const void *bytes, size_t byte_count, uint64_t seed) {
    if (byte_count <= 16) return XXH3_64bits_withSeed(bytes, byte_count, seed);
    return sharedmem_xxh3_long(bytes, byte_count, seed);
}

#endif
