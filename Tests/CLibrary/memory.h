/* A segment's memory as this process has it mapped writable, past the library: to spoil it. */
#ifndef MEMORY_H
#define MEMORY_H

#include "facts.h"
#include "../../Sources/CSharedMem/include/sharedmem_layout.h"

/* Where a file of a segment is mapped writable: the one that begins with magic and has the id at this offset. */
static inline unsigned char *mapped(uint64_t magic, uint64_t segment_id, size_t id_offset) {
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned char *found = NULL;
    char line[512];
    while (maps && !found && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char access[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, access) != 3 || strcmp(access, "rw-s") != 0) continue;
        unsigned char *bytes = (unsigned char *)start;
        if (memcmp(bytes, &magic, 8) == 0 && memcmp(bytes + id_offset, &segment_id, 8) == 0) found = bytes;
    }
    if (maps) fclose(maps);
    EXPECT(found != NULL);
    if (!found) exit(1);
    return found;
}

static inline uint64_t id_of(const char *name) {
    sharedmem_info info = {.size = sizeof info};
    GIVES(sharedmem_describe(NULL, name, &info));
    return info.segment_id;
}

/* The start of a segment's data file. */
static inline struct sharedmem_data_header *data_of(const char *name) {
    return (void *)mapped(SHAREDMEM_DATA_MAGIC, id_of(name), offsetof(struct sharedmem_data_header, segment_id));
}

/* The start of a segment's lock file. */
static inline struct sharedmem_lock_header *lock_of(const char *name) {
    return (void *)mapped(SHAREDMEM_LOCK_MAGIC, id_of(name), offsetof(struct sharedmem_lock_header, segment_id));
}

/* Gives the lock word of a segment to a session; 0: to nobody. */
static inline void give_lock(const char *name, uint32_t session) {
    __atomic_store_n(&lock_of(name)->lock_word, session, __ATOMIC_SEQ_CST);
}

#endif
