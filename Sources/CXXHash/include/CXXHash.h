/* XXH3 of Debian's header-only xxHash (libxxhash-dev), as the one function that is needed. */
#ifndef CXXHASH_H
#define CXXHASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

/* XXH3, 64 bits, of byte_count bytes at bytes: checksums, never on the way of a get or set. */
static inline uint64_t sharedmem_xxh3(const void *bytes, size_t byte_count, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, byte_count, seed);
}

#endif
