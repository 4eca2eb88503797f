/* Waiting and watching: what wakes, what doesn't, and what event loops see. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>

#include "facts.h"

/* How long a wait may take that something is to end. */
#define LONG 60000

static char long_key[SHAREDMEM_KEY_LIMIT + 1];

/* Whether no thread can be started. */
static _Atomic int has_no_threads;

/* Stands before the C library's, for the library too. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    return has_no_threads ? EAGAIN : create(thread, attributes, body, argument);
}

/* Starts a thread that does one thing. */
static pthread_t started(void *(*body)(void *), void *argument) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, argument);
    GIVES(error);
    if (error) exit(1);
    return thread;
}

static void nap(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* The next change of a watch, as fast as it comes. */
static sharedmem_change next(sharedmem_watch *watch) {
    sharedmem_change change = {.size = sizeof change};
    GIVES(sharedmem_watch_next(watch, LONG, &change));
    return change;
}

static int is(sharedmem_change change, uint32_t kind, const char *key) {
    return change.kind == kind && change.key_length == strlen(key) && memcmp(change.key, key, strlen(key)) == 0;
}

/* MARK: Waiting */

static void *set_soon(void *argument) {
    nap(20);
    GIVES(set_text(argument, "key", "new"));
    return NULL;
}

static void *delete_soon(void *argument) {
    nap(20);
    GIVES(sharedmem_delete(argument, KEY("key"), NULL));
    return NULL;
}

static void waits_end(void) {
    sharedmem_segment *segment = made("wait", 0), *reader = reader_of("wait");
    uint64_t version = 0, newer = 0, deletion = 0;
    GIVES(sharedmem_set(segment, KEY("key"), "old", 3, &version));
    GIVES(sharedmem_wait(segment, KEY("key"), 0, -1, &newer));
    EXPECT(newer == version);
    EXPECT_RESULT(sharedmem_wait(segment, KEY("key"), version, 0, &newer), -ETIMEDOUT);
    EXPECT_RESULT(sharedmem_wait(segment, KEY("key"), version, 30, NULL), -ETIMEDOUT);
    EXPECT(newer == version);
    pthread_t thread = started(set_soon, segment);
    GIVES(sharedmem_wait(reader, KEY("key"), version, -1, &newer));
    EXPECT(newer > version && has_text(reader, "key", "new"));
    pthread_join(thread, NULL);
    thread = started(delete_soon, segment);
    GIVES(sharedmem_wait(segment, KEY("key"), newer, LONG, &deletion));
    EXPECT(deletion > newer);
    pthread_join(thread, NULL);
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void wait_fails(void) {
    sharedmem_segment *segment = made("wait-errors", 0);
    struct outputs out = patterned();
    EXPECT_RESULT(sharedmem_wait(segment, long_key, sizeof long_key, 0, 0, &out.version), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_wait(segment, NULL, 1, 0, 0, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_wait(NULL, KEY("key"), 0, 0, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_wait(segment, KEY("none"), UINT64_MAX, 0, &out.version), -ETIMEDOUT);
    EXPECT(is_untouched(out));
    sharedmem_close(segment);
}

/* MARK: Watching */

static void a_key_is_watched(void) {
    sharedmem_segment *segment = made("watch-key", 0), *reader = reader_of("watch-key");
    sharedmem_watch *watch = NULL;
    sharedmem_change change = {.size = sizeof change, .version = PATTERN};
    uint64_t version = 0;
    GIVES(set_text(segment, "key", "before"));
    GIVES(sharedmem_watch_open(reader, KEY("key"), 0, &watch));
    EXPECT_RESULT(sharedmem_watch_next(watch, 0, &change), -ETIMEDOUT);
    EXPECT_RESULT(sharedmem_watch_next(watch, 20, &change), -ETIMEDOUT);
    EXPECT(change.version == PATTERN);
    GIVES(set_text(segment, "other", "x"));
    for (int index = 0; index < 10; index++) GIVES(sharedmem_set(segment, KEY("key"), "x", 1, &version));
    change = next(watch);
    EXPECT(is(change, SHAREDMEM_CHANGED_SET, "key") && change.version == version);
    EXPECT_RESULT(sharedmem_watch_next(watch, 0, &change), -ETIMEDOUT);
    pthread_t thread = started(delete_soon, segment);
    change = next(watch);
    EXPECT(is(change, SHAREDMEM_CHANGED_DELETED, "key") && change.version > version);
    pthread_join(thread, NULL);
    sharedmem_close(reader);
    sharedmem_watch_close(watch);
    sharedmem_watch_close(NULL);
    sharedmem_close(segment);
}

static void a_key_is_watched_from_its_value_on(void) {
    sharedmem_segment *segment = made("watch-initial", 0);
    sharedmem_watch *watch = NULL;
    sharedmem_change change = {.size = sizeof change};
    uint64_t version = 0;
    GIVES(sharedmem_set(segment, KEY("key"), "x", 1, &version));
    GIVES(sharedmem_watch_open(segment, KEY("key"), SHAREDMEM_WATCH_INITIAL, &watch));
    change = next(watch);
    EXPECT(is(change, SHAREDMEM_CHANGED_SET, "key") && change.version == version);
    EXPECT_RESULT(sharedmem_watch_next(watch, 0, &change), -ETIMEDOUT);
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

static void a_prefix_is_watched(void) {
    sharedmem_segment *segment = made("watch-prefix", 0);
    sharedmem_watch *watch = NULL;
    sharedmem_change change = {.size = sizeof change};
    GIVES(set_text(segment, "a.before", "x"));
    GIVES(sharedmem_watch_open(segment, KEY("a."), SHAREDMEM_WATCH_PREFIX, &watch));
    GIVES(set_text(segment, "a.one", "x"));
    GIVES(set_text(segment, "b.one", "x"));
    GIVES(set_text(segment, "a.two", "x"));
    GIVES(sharedmem_delete(segment, KEY("a.one"), NULL));
    EXPECT(is(next(watch), SHAREDMEM_CHANGED_SET, "a.two"));
    EXPECT(is(next(watch), SHAREDMEM_CHANGED_DELETED, "a.one"));
    EXPECT_RESULT(sharedmem_watch_next(watch, 0, &change), -ETIMEDOUT);
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

static void a_listing_comes_first(void) {
    sharedmem_segment *segment = made("watch-listing", 0);
    sharedmem_watch *watch = NULL;
    sharedmem_change change = {.size = sizeof change};
    int seen = 0, number = -1;
    char key[16];
    for (int index = 0; index < 10; index++) {
        snprintf(key, sizeof key, "%s%d", index < 5 ? "a." : "b.", index);
        GIVES(set_text(segment, key, "x"));
    }
    GIVES(sharedmem_watch_open(segment, KEY("a."), SHAREDMEM_WATCH_PREFIX | SHAREDMEM_WATCH_INITIAL, &watch));
    change = next(watch);
    EXPECT(change.kind == SHAREDMEM_CHANGED_LISTING && change.key_length == 0);
    for (int index = 0; index < 5; index++) {
        change = next(watch);
        EXPECT(change.kind == SHAREDMEM_CHANGED_LISTED && change.key_length == 3 && change.version != 0);
        EXPECT(sscanf((char *)change.key, "a.%d", &number) == 1 && number >= 0 && number < 5);
        seen |= 1 << number;
    }
    EXPECT(seen == 31);
    change = next(watch);
    EXPECT(change.kind == SHAREDMEM_CHANGED_LISTING_END && change.key_length == 0 && change.version == 0);
    EXPECT_RESULT(sharedmem_watch_next(watch, 0, &change), -ETIMEDOUT);
    GIVES(set_text(segment, "a.0", "y"));
    EXPECT(is(next(watch), SHAREDMEM_CHANGED_SET, "a.0"));
    sharedmem_watch_close(watch);
    GIVES(sharedmem_watch_open(segment, KEY("none"), SHAREDMEM_WATCH_PREFIX | SHAREDMEM_WATCH_INITIAL, &watch));
    EXPECT(next(watch).kind == SHAREDMEM_CHANGED_LISTING);
    EXPECT(next(watch).kind == SHAREDMEM_CHANGED_LISTING_END);
    EXPECT_RESULT(sharedmem_watch_next(watch, 0, &change), -ETIMEDOUT);
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

/* Sets more than a ring of changes has room for before the watch looks. */
static void the_slow_get_a_listing(void) {
    sharedmem_segment *segment = made("watch-slow", 0);
    sharedmem_watch *watch = NULL;
    sharedmem_change change = {.size = sizeof change};
    int listed = 0;
    GIVES(sharedmem_watch_open(segment, NULL, 0, SHAREDMEM_WATCH_PREFIX, &watch));
    for (int index = 0; index < 200000; index++) {
        int key = index % 10;
        if (!GIVES(sharedmem_set(segment, &key, sizeof key, &index, sizeof index, NULL))) break;
    }
    EXPECT(next(watch).kind == SHAREDMEM_CHANGED_LISTING);
    while ((change = next(watch)).kind == SHAREDMEM_CHANGED_LISTED) listed++;
    EXPECT(change.kind == SHAREDMEM_CHANGED_LISTING_END && listed == 10);
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

static void watch_calls_fail(void) {
    sharedmem_segment *segment = made("watch-errors", 0);
    sharedmem_watch *watch = NULL;
    struct outputs out = patterned();
    sharedmem_watch **handle = (sharedmem_watch **)&out.handle;
    sharedmem_change change = {.size = sizeof change, .version = PATTERN};
    EXPECT_RESULT(sharedmem_watch_open(segment, KEY("key"), 4, handle), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_watch_open(segment, NULL, 1, 0, handle), -EINVAL);
    EXPECT_RESULT(sharedmem_watch_open(segment, KEY("key"), 0, NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_watch_open(NULL, KEY("key"), 0, handle), -EINVAL);
    EXPECT_RESULT(sharedmem_watch_open(segment, long_key, sizeof long_key, 0, handle), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_watch_open(segment, long_key, sizeof long_key, SHAREDMEM_WATCH_PREFIX, handle), -ENAMETOOLONG);
    GIVES(sharedmem_watch_open(segment, KEY("key"), 0, &watch));
    EXPECT_RESULT(sharedmem_watch_next(watch, 0, NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_watch_next(NULL, 0, &change), -EINVAL);
    EXPECT_RESULT(sharedmem_watch_descriptor(NULL), -EINVAL);
    sharedmem_watch_cancel(NULL);
    EXPECT(is_untouched(out) && change.version == PATTERN);
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

/* MARK: Threads and event loops */

static void *wait_for_end(void *watch) {
    sharedmem_change change = {.size = sizeof change, .version = PATTERN};
    EXPECT_RESULT(sharedmem_watch_next(watch, -1, &change), -ECANCELED);
    EXPECT(change.version == PATTERN);
    return NULL;
}

static void cancelling_ends_all_waits(void) {
    sharedmem_segment *segment = made("watch-cancel", 0);
    sharedmem_watch *watch = NULL;
    sharedmem_change change = {.size = sizeof change};
    pthread_t threads[4];
    GIVES(sharedmem_watch_open(segment, KEY("key"), 0, &watch));
    for (int index = 0; index < 4; index++) threads[index] = started(wait_for_end, watch);
    nap(20);
    sharedmem_watch_cancel(watch);
    for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
    GIVES(set_text(segment, "key", "x"));
    EXPECT_RESULT(sharedmem_watch_next(watch, LONG, &change), -ECANCELED);
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

static int is_readable(int descriptor, int milliseconds) {
    struct pollfd entry = {descriptor, POLLIN, 0};
    return poll(&entry, 1, milliseconds) == 1 && entry.revents & POLLIN;
}

/* Takes all that there is. */
static int drained(sharedmem_watch *watch) {
    sharedmem_change change = {.size = sizeof change};
    int count = 0, result;
    while ((result = sharedmem_watch_next(watch, 0, &change)) == 0) count++;
    EXPECT_RESULT(result, -ETIMEDOUT);
    return count;
}

/* Whether the descriptor comes to rest: an alarm may be late, and then there is nothing. */
static int rests(sharedmem_watch *watch, int descriptor) {
    for (int round = 0; round < 50; round++) {
        EXPECT(drained(watch) == 0);
        if (!is_readable(descriptor, 50)) return 1;
    }
    return 0;
}

static void event_loops_are_told(void) {
    sharedmem_segment *segment = made("watch-events", 0);
    sharedmem_watch *watch = NULL;
    sharedmem_change change = {.size = sizeof change};
    GIVES(sharedmem_watch_open(segment, NULL, 0, SHAREDMEM_WATCH_PREFIX, &watch));
    int descriptor = sharedmem_watch_descriptor(watch);
    EXPECT(descriptor >= 0 && descriptor == sharedmem_watch_descriptor(watch));
    EXPECT(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
    EXPECT(rests(watch, descriptor));
    pthread_t thread = started(set_soon, segment);
    EXPECT(is_readable(descriptor, LONG));
    pthread_join(thread, NULL);
    EXPECT(drained(watch) == 1);
    EXPECT(rests(watch, descriptor));

    /* One change each time that the descriptor is readable. */
    for (int index = 0; index < 5; index++) GIVES(sharedmem_set(segment, &index, sizeof index, NULL, 0, NULL));
    for (int index = 0; index < 5; index++) {
        EXPECT(is_readable(descriptor, 5000));
        GIVES(sharedmem_watch_next(watch, 0, &change));
    }
    EXPECT(rests(watch, descriptor));
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

static void end_of_a_watch(void) {
    sharedmem_segment *segment = made("watch-end", 0);
    sharedmem_watch *watch = NULL;
    sharedmem_change change = {.size = sizeof change};
    GIVES(sharedmem_watch_open(segment, KEY("key"), 0, &watch));
    int descriptor = sharedmem_watch_descriptor(watch);
    EXPECT(rests(watch, descriptor));
    sharedmem_watch_cancel(watch);
    for (int round = 0; round < 2; round++) {
        EXPECT(is_readable(descriptor, LONG));
        EXPECT_RESULT(sharedmem_watch_next(watch, 0, &change), -ECANCELED);
    }
    sharedmem_watch_close(watch);

    GIVES(sharedmem_watch_open(segment, KEY("key"), 0, &watch));
    sharedmem_watch_cancel(watch);
    EXPECT(is_readable(sharedmem_watch_descriptor(watch), LONG));
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

/* The first fact that asks for a descriptor, so that the process has no thread for it yet. */
static void a_descriptor_needs_its_thread(void) {
    sharedmem_segment *segment = made("watch-threadless", 0);
    sharedmem_watch *watch = NULL;
    GIVES(sharedmem_watch_open(segment, KEY("key"), 0, &watch));
    has_no_threads = 1;
    for (int round = 0; round < 2; round++) EXPECT_RESULT(sharedmem_watch_descriptor(watch), -EAGAIN);
    has_no_threads = 0;
    int descriptor = sharedmem_watch_descriptor(watch);
    EXPECT(is_readable(descriptor, LONG) && rests(watch, descriptor));
    GIVES(set_text(segment, "key", "x"));
    EXPECT(is_readable(descriptor, LONG) && drained(watch) == 1);
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

/* A thread that takes one change. */
static struct {
    sharedmem_watch *watch;
    _Atomic int taken;
} pair;

static void *take_one(void *unused) {
    sharedmem_change change = {.size = sizeof change};
    if (sharedmem_watch_next(pair.watch, -1, &change) == 0) pair.taken++;
    return unused;
}

/* What one thread finds and doesn't take is another's, which sleeps. */
static void threads_share_what_one_finds(void) {
    sharedmem_segment *segment = made("watch-pair", 0);
    sharedmem_transaction *transaction = NULL;
    pthread_t threads[2];
    GIVES(sharedmem_watch_open(segment, KEY("a."), SHAREDMEM_WATCH_PREFIX, &pair.watch));
    for (int index = 0; index < 2; index++) threads[index] = started(take_one, NULL);
    nap(100);
    GIVES(sharedmem_begin(segment, &transaction));
    GIVES(sharedmem_transaction_set(transaction, KEY("a.one"), "x", 1));
    GIVES(sharedmem_transaction_set(transaction, KEY("a.two"), "x", 1));
    GIVES(sharedmem_commit(transaction, NULL));
    for (int round = 0; round < 2000 && pair.taken < 2; round++) nap(10);
    EXPECT(pair.taken == 2);
    sharedmem_watch_cancel(pair.watch);
    for (int index = 0; index < 2; index++) pthread_join(threads[index], NULL);
    sharedmem_watch_close(pair.watch);
    sharedmem_close(segment);
}

/* What threads of one watch see together, and where a key stands at last. */
static struct {
    sharedmem_watch *watch;
    _Atomic int last[8];
    _Atomic int is_over;
} crowd;

static void *take_changes(void *unused) {
    sharedmem_change change = {.size = sizeof change};
    int result;
    while ((result = sharedmem_watch_next(crowd.watch, LONG, &change)) == 0) {
        int key = change.key[0];
        if (change.key_length != 1 || key >= 8) continue;
        /* The value may be newer than the change. */
        int last = crowd.last[key];
        while (last < (int)change.version && !atomic_compare_exchange_weak(&crowd.last[key], &last, (int)change.version)) {}
    }
    EXPECT_RESULT(result, -ECANCELED);
    return unused;
}

/* Sets so much that listings come again and again, and sees that each key's last change came, whoever got it. */
static void threads_share_a_watch(void) {
    sharedmem_segment *segment = made("watch-crowd", 0);
    uint64_t versions[8] = {0};
    pthread_t threads[4];
    GIVES(sharedmem_watch_open(segment, NULL, 0, SHAREDMEM_WATCH_PREFIX, &crowd.watch));
    for (int index = 0; index < 4; index++) threads[index] = started(take_changes, NULL);
    for (int index = 0; index < 200000; index++) {
        unsigned char key = (unsigned char)(index % 8);
        if (sharedmem_set(segment, &key, 1, &index, sizeof index, &versions[key]) != 0) break;
    }
    for (int key = 0; key < 8; key++) {
        for (int round = 0; round < 6000 && crowd.last[key] < (int)versions[key]; round++) nap(10);
        EXPECT(crowd.last[key] == (int)versions[key]);
    }
    sharedmem_watch_cancel(crowd.watch);
    for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
    sharedmem_watch_close(crowd.watch);
    sharedmem_close(segment);
}

static const struct fact facts[] = {
    {"wait: a newer version, a change, a deletion and the time end it", waits_end},
    {"wait: each error", wait_fails},
    {"a watch of a key tells its changes, the last one of many", a_key_is_watched},
    {"a watch of a key begins with its value if asked to", a_key_is_watched_from_its_value_on},
    {"a watch of a prefix tells the changes of its keys alone", a_prefix_is_watched},
    {"a watch of a prefix begins with a listing if asked to", a_listing_comes_first},
    {"who was too slow gets a listing", the_slow_get_a_listing},
    {"watches: each error", watch_calls_fail},
    {"cancelling ends the waits of all threads, now and later", cancelling_ends_all_waits},
    {"a descriptor whose thread can't be started isn't handed out", a_descriptor_needs_its_thread},
    {"poll(2) finds the descriptor readable as long as there is something, and not longer", event_loops_are_told},
    {"poll(2) finds the descriptor readable after the watch is cancelled", end_of_a_watch},
    {"what one thread finds and doesn't take wakes another", threads_share_what_one_finds},
    {"four threads of one watch get every key's last change between them", threads_share_a_watch},
};

MAIN(facts)
