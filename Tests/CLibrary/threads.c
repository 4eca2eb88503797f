/* 16 threads of a process and 16 processes share one segment; each value says whose it is, and a counter counts. */
#include <pthread.h>

#include "facts.h"

#define CROWD 16

/* What a key holds: its writer again and again, so that a torn value is seen. */
struct value {
    uint32_t words[32];
};

static sharedmem_segment *segment, *reader;
static int rounds = 2000;

static void use(uint32_t number) {
    struct value value, found;
    sharedmem_key_handle *key = NULL;
    char name[16], buffer[16];
    size_t length;
    snprintf(name, sizeof name, "key.%u", number % 4);
    if (!GIVES(sharedmem_key(segment, KEY(name), &key))) return;
    for (uint32_t index = 0; index < 32; index++) value.words[index] = number;
    for (int round = 0; round < rounds; round++) {
        if (!GIVES(sharedmem_key_set(key, &value, sizeof value, NULL))) break;
        if (!GIVES(sharedmem_get(round % 2 ? segment : reader, KEY(name), &found, sizeof found, &length, NULL))) break;
        int is_whole = length == sizeof found;
        for (int index = 1; index < 32; index++) is_whole &= found.words[index] == found.words[0];
        if (!EXPECT(is_whole && found.words[0] < CROWD)) break;
        if (!GIVES(sharedmem_add(segment, KEY("sum"), 1, NULL))) break;
        if (round % 100 == 0) {
            sharedmem_transaction *transaction = NULL;
            sharedmem_borrowed *borrowed = NULL;
            const void *lent;
            uint64_t cursor = 0;
            if (!GIVES(sharedmem_begin(segment, &transaction))) break;
            GIVES(sharedmem_transaction_set(transaction, KEY(name), &value, sizeof value));
            GIVES(sharedmem_commit(transaction, NULL));
            GIVES(sharedmem_borrow(segment, KEY(name), &borrowed, &lent, &length, NULL));
            EXPECT(length == sizeof value && ((const uint32_t *)lent)[31] == ((const uint32_t *)lent)[0]);
            sharedmem_return(borrowed);
            GIVES(sharedmem_next_key(segment, NULL, 0, &cursor, buffer, sizeof buffer, &length));
            EXPECT_RESULT(sharedmem_wait(segment, KEY("none"), UINT64_MAX - 1, 1, NULL), -ETIMEDOUT);
        }
    }
    sharedmem_key_free(key);
}

static void *use_in_thread(void *number) {
    use((uint32_t)(uintptr_t)number);
    return NULL;
}

/* Follows all changes while the others make them. */
static void *follow(void *watch) {
    sharedmem_change change = {.size = sizeof change};
    int result;
    while ((result = sharedmem_watch_next(watch, 60000, &change)) == 0) {}
    EXPECT_RESULT(result, -ECANCELED);
    return NULL;
}

static void sum_is(int64_t expected) {
    int64_t sum = 0;
    GIVES(sharedmem_add(segment, KEY("sum"), 0, &sum));
    EXPECT(sum == expected);
}

static void threads_share(void) {
    pthread_t threads[CROWD], follower;
    sharedmem_watch *watch = NULL;
    segment = made("threads", 0);
    reader = reader_of("threads");
    GIVES(sharedmem_watch_open(segment, KEY("key."), SHAREDMEM_WATCH_PREFIX, &watch));
    GIVES(pthread_create(&follower, NULL, follow, watch));
    for (uintptr_t number = 0; number < CROWD; number++) {
        GIVES(pthread_create(&threads[number], NULL, use_in_thread, (void *)number));
    }
    for (int number = 0; number < CROWD; number++) pthread_join(threads[number], NULL);
    sharedmem_watch_cancel(watch);
    pthread_join(follower, NULL);
    sum_is((int64_t)CROWD * rounds);
    sharedmem_watch_close(watch);
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void processes_share(void) {
    pid_t children[CROWD];
    segment = made("processes", 0);
    for (uint32_t number = 0; number < CROWD; number++) {
        fflush(NULL);
        children[number] = fork();
        if (children[number] == 0) {
            wrong_count = 0;
            GIVES(sharedmem_open(NULL, "processes", SHAREDMEM_READ_WRITE, &segment));
            reader = reader_of("processes");
            use(number);
            sharedmem_close(reader);
            _exit(wrong_count != 0);
        }
    }
    for (int number = 0; number < CROWD; number++) {
        int status = -1;
        EXPECT(waitpid(children[number], &status, 0) == children[number] && status == 0);
    }
    sum_is((int64_t)CROWD * rounds);
    sharedmem_close(segment);
}

static void classic_in_threads(void) {
    wchar_t buffer[16];
    SetSharedMem(L"threads");
    GetSharedMem(buffer, 16);
    EXPECT(wcscmp(buffer, L"threads") == 0);
}

static const struct fact facts[] = {
    {"16 threads share a segment: no value torn, no addition lost", threads_share},
    {"16 processes share a segment: no value torn, no addition lost", processes_share},
    {"the classic calls beside them", classic_in_threads},
};

/* SHAREDMEM_TEST_ROUNDS: how often each does it; fewer where programs run slowly. */
int main(int argc, char **argv) {
    if (getenv("SHAREDMEM_TEST_ROUNDS")) rounds = atoi(getenv("SHAREDMEM_TEST_ROUNDS"));
    return show_facts(facts, sizeof facts / sizeof *facts, argc, argv);
}
