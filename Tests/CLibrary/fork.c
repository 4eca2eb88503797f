/* What a forked child may go on with, and that exec inherits nothing. */
#include <dirent.h>
#include <pthread.h>

#include "facts.h"

static sharedmem_segment *segment, *reader;
static sharedmem_key_handle *key;
static sharedmem_watch *watch;
static sharedmem_transaction *transaction;
static sharedmem_borrowed *borrowed;
static const void *lent;

static void attach(const char *name) {
    segment = made(name, 0);
    reader = reader_of(name);
    GIVES(set_text(segment, "key", "parent"));
    GIVES(set_text(segment, "lent", "as it was"));
    GIVES(sharedmem_key(segment, KEY("key"), &key));
    GIVES(sharedmem_watch_open(segment, KEY("key"), 0, &watch));
    EXPECT(sharedmem_watch_descriptor(watch) >= 0);
    GIVES(sharedmem_begin(segment, &transaction));
    GIVES(sharedmem_transaction_set(transaction, KEY("committed"), "1", 1));
    GIVES(sharedmem_borrow(segment, KEY("lent"), &borrowed, &lent, NULL, NULL));
}

static void detach(void) {
    sharedmem_return(borrowed);
    sharedmem_watch_close(watch);
    sharedmem_key_free(key);
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void use_all(void) {
    char buffer[16];
    size_t length = 0;
    EXPECT(has_text(segment, "key", "parent") && has_text(reader, "key", "parent"));
    GIVES(sharedmem_key_get(key, buffer, sizeof buffer, &length, NULL));
    EXPECT(length == 6);
    GIVES(sharedmem_key_set(key, "child", 5, NULL));
    GIVES(sharedmem_add(segment, KEY("sum"), 1, NULL));
    EXPECT(has_text(reader, "key", "child"));
    EXPECT_RESULT(sharedmem_wait(segment, KEY("none"), UINT64_MAX - 1, 10, NULL), -ETIMEDOUT);
}

static void close_all(void) {
    use_all();
    sharedmem_abort(transaction);
    detach();
}

static void parents_and_children_go_on(void) {
    sharedmem_change change = {.size = sizeof change};
    attach("fork");
    for (int round = 0; round < 20; round++) {
        in_child(close_all);
        EXPECT(has_text(segment, "key", "child"));
        GIVES(sharedmem_watch_next(watch, 60000, &change));
        EXPECT(change.kind == SHAREDMEM_CHANGED_SET);
        while (sharedmem_watch_next(watch, 0, &change) == 0) {}
        GIVES(set_text(segment, "key", "parent"));
        GIVES(sharedmem_watch_next(watch, 60000, &change));
        /* The child has given back nothing of this process's. */
        for (int index = 0; index < 100; index++) GIVES(set_text(segment, "lent", "otherwise"));
        EXPECT(memcmp(lent, "as it was", 9) == 0);
    }
    int64_t sum = 0;
    GIVES(sharedmem_add(segment, KEY("sum"), 0, &sum));
    EXPECT(sum == 20);
    GIVES(sharedmem_commit(transaction, NULL));
    EXPECT(has_text(segment, "committed", "1"));
    detach();
}

/* MARK: Forks while threads are in the library */

static _Atomic int is_over;

static void *hammer(void *unused) {
    char buffer[16];
    while (!is_over) {
        sharedmem_add(segment, KEY("threads"), 1, NULL);
        sharedmem_get(reader, KEY("threads"), buffer, sizeof buffer, NULL, NULL);
        sharedmem_segment *other = NULL;
        if (sharedmem_open(NULL, "fork-threads", SHAREDMEM_READ_ONLY, &other) == 0) sharedmem_close(other);
        sharedmem_wait(segment, KEY("none"), UINT64_MAX - 1, 1, NULL);
    }
    return unused;
}

static void forks_between_threads_work(void) {
    pthread_t threads[4];
    attach("fork-threads");
    is_over = 0;
    for (int index = 0; index < 4; index++) GIVES(pthread_create(&threads[index], NULL, hammer, NULL));
    for (int round = 0; round < 50; round++) {
        GIVES(set_text(segment, "key", "parent"));
        in_child(use_all);
    }
    is_over = 1;
    for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
    sharedmem_abort(transaction);
    detach();
}

/* MARK: Exec */

/* Prints the descriptors above standard error, but for the one that lists them. */
static int print_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    if (!directory) return 1;
    for (struct dirent *entry; (entry = readdir(directory));) {
        int descriptor = atoi(entry->d_name);
        if (descriptor > 2 && descriptor != dirfd(directory)) printf("%d\n", descriptor);
    }
    closedir(directory);
    return 0;
}

/* How many descriptors above standard error an exec'ed program has; -1: it failed. */
static int inherited(void) {
    char command[64], line[64];
    int count = 0;
    snprintf(command, sizeof command, "exec /proc/%d/exe --descriptors", (int)getpid());
    FILE *program = popen(command, "r");
    if (!program) return -1;
    while (fgets(line, sizeof line, program)) count++;
    return pclose(program) == 0 ? count : -1;
}

static void exec_inherits_nothing(void) {
    int before = inherited();
    int leak = open("/dev/null", O_RDONLY);
    EXPECT(before >= 0 && inherited() == before + 1);
    close(leak);
    attach("exec");
    SetSharedMem(L"exec");
    GIVES(sharedmem_wait(segment, KEY("key"), 0, 10, NULL));
    EXPECT(inherited() == before);
    sharedmem_abort(transaction);
    detach();
}

static const struct fact facts[] = {
    {"after a fork parent and child go on, and what the child closes stays the parent's", parents_and_children_go_on},
    {"50 forks while threads are in the library: the children work", forks_between_threads_work},
    {"exec inherits no descriptor of the library; one that leaks would be seen", exec_inherits_nothing},
};

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--descriptors") == 0) return print_descriptors();
    return show_facts(facts, sizeof facts / sizeof *facts, argc, argv);
}
