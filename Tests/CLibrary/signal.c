/* The functions that a signal handler may call, called in one while the program is in the middle of any other. */
#include <sys/time.h>

#include "facts.h"

/* MARK: Allocations, which a handler must not cause */

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static __thread volatile sig_atomic_t is_handling; /* the library has a thread of its own */
static volatile sig_atomic_t allocation_count;

static void note(void) {
    if (is_handling) allocation_count++;
}

void *malloc(size_t size) { note(); return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { note(); return __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { note(); return __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) { note(); return __libc_memalign(alignment, size); }
void *memalign(size_t alignment, size_t size) { note(); return __libc_memalign(alignment, size); }
void free(void *memory) { if (memory) note(); __libc_free(memory); }
int posix_memalign(void **memory, size_t alignment, size_t size) {
    note();
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

/* MARK: The handler */

#define SIGNALS 20000

static sharedmem_segment *segment;
static sharedmem_key_handle *key, *absent_key;
static sharedmem_watch *watch;
static volatile sig_atomic_t signal_count, bad_count, bad_result, changed_errno;

static void must(int holds, int result) {
    if (!holds) {
        bad_count++;
        bad_result = result;
    }
}

static char long_key[SHAREDMEM_KEY_LIMIT + 1];

static void handle(int number) {
    int outer = errno, result;
    char buffer[64];
    size_t length = 0;
    uint64_t version = 0;
    (void)number;
    is_handling = 1;
    errno = EXDEV;
    /* The text is "a", "bb" and so on, whatever the program is doing to it. */
    result = sharedmem_get(segment, "key", 3, buffer, sizeof buffer, &length, &version);
    must(result == 0 && length >= 1 && length <= 26 && buffer[0] == (char)('a' + length - 1) &&
         buffer[length - 1] == buffer[0], result);
    result = sharedmem_key_get(key, buffer, sizeof buffer, &length, &version);
    must(result == 0 && length >= 1 && length <= 26 && buffer[length - 1] == (char)('a' + length - 1), result);
    result = sharedmem_get(segment, "none", 4, buffer, sizeof buffer, &length, &version);
    must(result == -ENOENT, result);
    result = sharedmem_key_get(absent_key, buffer, sizeof buffer, &length, &version);
    must(result == -ENOENT, result);
    result = sharedmem_get(segment, "large", 5, buffer, 1, &length, &version);
    must(result == -EMSGSIZE && length == 4096, result);
    result = sharedmem_get(segment, long_key, sizeof long_key, buffer, 1, &length, &version);
    must(result == -ENAMETOOLONG, result);
    must(sharedmem_strerror(-EMSGSIZE) != NULL && sharedmem_strerror(-ENFILE) != NULL, 0);
    sharedmem_watch_cancel(watch);
    if (errno != EXDEV) changed_errno = errno;
    is_handling = 0;
    signal_count++;
    errno = outer;
}

static void start_signals(long microseconds) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    signal_count = bad_count = allocation_count = changed_errno = 0;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void stop_signals(void) { setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL); }

static void attach(const char *name, int for_reading) {
    sharedmem_segment *writer = made(name, 0);
    static char large[4096];
    GIVES(set_text(writer, "key", "a"));
    GIVES(sharedmem_set(writer, KEY("large"), large, sizeof large, NULL));
    segment = for_reading ? reader_of(name) : writer;
    GIVES(sharedmem_key(segment, KEY("key"), &key));
    GIVES(sharedmem_key(segment, KEY("none"), &absent_key));
    GIVES(sharedmem_watch_open(segment, KEY("key"), 0, &watch));
    EXPECT(sharedmem_watch_descriptor(watch) >= 0);
    if (for_reading) sharedmem_close(writer);
}

static void detach(void) {
    sharedmem_watch_close(watch);
    sharedmem_key_free(key);
    sharedmem_key_free(absent_key);
    sharedmem_close(segment);
}

static void nothing_went_wrong(int signals) {
    stop_signals();
    EXPECT(signal_count >= signals);
    EXPECT(bad_count == 0);
    if (bad_count) printf("        the last of %d results that weren't expected: %d\n", (int)bad_count, (int)bad_result);
    EXPECT(allocation_count == 0);
    EXPECT(changed_errno == 0);
}

static void handlers_interrupt_writers(void) {
    char text[27], buffer[64];
    attach("signals", 0);
    start_signals(50);
    for (int index = 0; signal_count < SIGNALS && bad_count == 0; index++) {
        int length = index % 26 + 1;
        memset(text, 'a' + length - 1, sizeof text);
        if (sharedmem_set(segment, "key", 3, text, (size_t)length, NULL) != 0) break;
        if (sharedmem_get(segment, "key", 3, buffer, sizeof buffer, NULL, NULL) != 0) break;
    }
    nothing_went_wrong(SIGNALS);
    detach();
}

static void handlers_interrupt_readers(void) {
    char buffer[4096];
    attach("signals-read", 1);
    start_signals(50);
    while (signal_count < SIGNALS && bad_count == 0) {
        if (sharedmem_get(segment, "key", 3, buffer, sizeof buffer, NULL, NULL) != 0) break;
        if (sharedmem_get(segment, "none", 4, buffer, sizeof buffer, NULL, NULL) != -ENOENT) break;
    }
    nothing_went_wrong(SIGNALS);
    detach();
}

/* Everything else that a program may be in, each of which takes the library's own locks. */
static void handlers_interrupt_everything(void) {
    sharedmem_change change = {.size = sizeof change};
    attach("signals-all", 0);
    start_signals(200);
    while (signal_count < 2000 && bad_count == 0) {
        sharedmem_transaction *transaction = NULL;
        sharedmem_watch *other = NULL;
        sharedmem_segment *second = NULL;
        sharedmem_info info = {.size = sizeof info};
        const void *value;
        sharedmem_borrowed *borrowed = NULL;
        if (!GIVES(sharedmem_begin(segment, &transaction))) break;
        GIVES(sharedmem_transaction_set(transaction, KEY("other"), "x", 1));
        GIVES(sharedmem_commit(transaction, NULL));
        GIVES(sharedmem_watch_open(segment, KEY("other"), 0, &other));
        EXPECT(sharedmem_watch_descriptor(other) >= 0);
        GIVES(set_text(segment, "other", "y"));
        GIVES(sharedmem_watch_next(other, 60000, &change));
        sharedmem_watch_close(other);
        GIVES(sharedmem_borrow(segment, KEY("large"), &borrowed, &value, NULL, NULL));
        sharedmem_return(borrowed);
        GIVES(sharedmem_open(NULL, "signals-all", SHAREDMEM_READ_ONLY, &second));
        sharedmem_close(second);
        GIVES(sharedmem_describe(NULL, "signals-all", &info));
        EXPECT_RESULT(sharedmem_wait(segment, KEY("key"), UINT64_MAX - 1, 1, NULL), -ETIMEDOUT);
    }
    nothing_went_wrong(2000);
    detach();
}

static const struct fact facts[] = {
    {"20,000 handlers that interrupt sets and gets read right, allocate nothing and leave errno alone", handlers_interrupt_writers},
    {"20,000 handlers that interrupt gets through a read-only handle do, too", handlers_interrupt_readers},
    {"2,000 handlers that interrupt everything else do, too", handlers_interrupt_everything},
};

MAIN(facts)
