/* Loads the library, uses it and unloads it, again and again: nothing breaks and nothing grows. */
#include <dirent.h>
#include <dlfcn.h>

#define sharedmem_strerror loaded_strerror
static const char *loaded_strerror(int error);
#include "facts.h"
#undef sharedmem_strerror

#define ROUNDS 1000

/* The functions of one loading. */
static struct {
    void *library;
    __typeof__(&sharedmem_open) open;
    __typeof__(&sharedmem_close) close;
    __typeof__(&sharedmem_set) set;
    __typeof__(&sharedmem_get) get;
    __typeof__(&sharedmem_watch_open) watch_open;
    __typeof__(&sharedmem_watch_next) watch_next;
    __typeof__(&sharedmem_watch_descriptor) watch_descriptor;
    __typeof__(&sharedmem_watch_close) watch_close;
    __typeof__(&SetSharedMem) set_text;
} loaded;

static const char *loaded_strerror(int error) { return strerror(abs(error)); }

static int load(void) {
    loaded.library = dlopen("libsharedmem.so.1", RTLD_NOW);
    if (!EXPECT(loaded.library != NULL)) {
        printf("        %s\n", dlerror());
        return 0;
    }
    loaded.open = (__typeof__(loaded.open))dlsym(loaded.library, "sharedmem_open");
    loaded.close = (__typeof__(loaded.close))dlsym(loaded.library, "sharedmem_close");
    loaded.set = (__typeof__(loaded.set))dlsym(loaded.library, "sharedmem_set");
    loaded.get = (__typeof__(loaded.get))dlsym(loaded.library, "sharedmem_get");
    loaded.watch_open = (__typeof__(loaded.watch_open))dlsym(loaded.library, "sharedmem_watch_open");
    loaded.watch_next = (__typeof__(loaded.watch_next))dlsym(loaded.library, "sharedmem_watch_next");
    loaded.watch_descriptor = (__typeof__(loaded.watch_descriptor))dlsym(loaded.library, "sharedmem_watch_descriptor");
    loaded.watch_close = (__typeof__(loaded.watch_close))dlsym(loaded.library, "sharedmem_watch_close");
    loaded.set_text = (__typeof__(loaded.set_text))dlsym(loaded.library, "SetSharedMem");
    return EXPECT(loaded.set_text != NULL && loaded.watch_descriptor != NULL);
}

static int entries(const char *path) {
    DIR *directory = opendir(path);
    int count = 0;
    while (directory && readdir(directory)) count++;
    if (directory) closedir(directory);
    return count;
}

static int mappings(void) {
    FILE *file = fopen("/proc/self/maps", "r");
    int count = 0;
    for (int byte; file && (byte = getc(file)) != EOF;) count += byte == '\n';
    if (file) fclose(file);
    return count;
}

static long resident_kib(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;
    if (!file || fscanf(file, "%*d %ld", &pages) != 1) pages = -1;
    if (file) fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int use_once(void) {
    sharedmem_segment *segment = NULL;
    char buffer[8];
    size_t length = 0;
    int is_right = GIVES(loaded.open(NULL, "default", SHAREDMEM_READ_WRITE, &segment));
    is_right = is_right && GIVES(loaded.set(segment, "loading", 7, "value", 5, NULL));
    is_right = is_right && GIVES(loaded.get(segment, "loading", 7, buffer, sizeof buffer, &length, NULL));
    loaded.close(segment);
    return is_right && EXPECT(length == 5);
}

static void loading_again_and_again(void) {
    int descriptors = 0, maps = 0;
    long memory = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (!load() || !use_once()) return;
        if (round % 10 == 0) loaded.set_text(L"loaded");
        if (!GIVES(dlclose(loaded.library))) return;
        if (round == ROUNDS / 10) {
            descriptors = entries("/proc/self/fd");
            maps = mappings();
            memory = resident_kib();
        }
    }
    EXPECT(entries("/proc/self/fd") == descriptors);
    EXPECT(mappings() <= maps + 2);
    /* The allocator's own, not 900 times anything. */
    EXPECT(resident_kib() <= memory + 256);
}

static void unloading_while_a_watch_runs(void) {
    sharedmem_segment *segment = NULL;
    sharedmem_watch *watch = NULL;
    if (!load()) return;
    GIVES(loaded.open(NULL, "default", SHAREDMEM_READ_WRITE, &segment));
    GIVES(loaded.watch_open(segment, "loading", 7, 0, &watch));
    int descriptor = loaded.watch_descriptor(watch);
    sharedmem_change change = {.size = sizeof change};
    while (loaded.watch_next(watch, 0, &change) == 0) {}
    EXPECT(entries("/proc/self/task") >= 4);
    GIVES(dlclose(loaded.library));
    for (int round = 0; round < 100; round++) {
        if (!load() || !use_once()) return;
        GIVES(dlclose(loaded.library));
    }
    struct pollfd entry = {descriptor, POLLIN, 0};
    EXPECT(poll(&entry, 1, 60000) == 1);
    if (!load()) return;
    GIVES(loaded.watch_next(watch, 60000, &change));
    loaded.watch_close(watch);
    loaded.close(segment);
    GIVES(dlclose(loaded.library));
}

static const struct fact facts[] = {
    {"loaded, used and unloaded 1,000 times: no descriptor, mapping or memory is left", loading_again_and_again},
    {"unloaded while a watch's thread sleeps, used 100 times, and the watch still tells", unloading_while_a_watch_runs},
};

MAIN(facts)
