/* What all functions give in each state that a segment, its memory or its daemon can be in. */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "calls.h"
#include "memory.h"

/* MARK: Arguments */

static void arguments_are_checked(void) {
    static const char long_key[SHAREDMEM_KEY_LIMIT + 1];
    struct place place = place_of(made("arguments", 0), "key"), missing = {.key = "key", .key_length = 3};
    place.key = long_key;
    place.key_length = sizeof long_key;
    each_gives(&place, NAMES, -ENAMETOOLONG);
    place.key = NULL;
    place.key_length = 1;
    each_gives(&place, NAMES, -EINVAL);
    place.key = "key";
    place.key_length = SIZE_MAX;
    each_gives(&place, NAMES, -EINVAL);
    each_gives(&missing, 0, -EINVAL);
    leave(place);
}

static void readers_cannot_write(void) {
    struct place place;
    sharedmem_close(made("readers", 0));
    place = place_of(reader_of("readers"), "key");
    each_gives(&place, WRITES, -EROFS);
    each_gives(&place, ASKS, -EROFS);
    leave(place);
}

/* MARK: No room */

/* Fills a segment with ever smaller values until there is no room for the smallest. */
static void fill(sharedmem_segment *segment) {
    static const char value[1024];
    int key = 0, result = 0;
    for (size_t length = sizeof value; length > 0; length /= 2) {
        while ((result = sharedmem_set(segment, &key, sizeof key, value, length, NULL)) == 0) key++;
    }
    EXPECT_RESULT(result, -ENOSPC);
}

static void full_segments_say_so(void) {
    struct place place = place_of(made("full", 64 << 10), "new"), old = place;
    char buffer[8];
    GIVES(set_text(place.segment, "old", "1"));
    fill(place.segment);
    each_gives(&place, ADDS, -ENOSPC);
    EXPECT_RESULT(sharedmem_get(place.segment, KEY("new"), buffer, sizeof buffer, NULL, NULL), -ENOENT);
    old.key = "old";
    EXPECT_RESULT(call_set(&old, &(struct stored){0}), -ENOSPC);
    EXPECT_RESULT(call_add(&old, &(struct stored){0}), -ENOSPC);
    EXPECT(has_text(place.segment, "old", "1"));
    GIVES(sharedmem_delete(place.segment, KEY("old"), NULL));
    leave(place);
}

static void removed_segments_say_so(void) {
    struct place place = place_of(made("gone", 0), "key");
    GIVES(set_text(place.segment, "key", "value"));
    GIVES(sharedmem_remove(NULL, "gone"));
    each_gives(&place, READS, -EIDRM);
    each_gives(&place, WRITES, -EIDRM);
    each_gives(&place, WAITS, -EIDRM);
    each_gives(&place, ASKS, -EIDRM);
    leave(place);
}

/* MARK: The memory itself, through this process's own writable mappings */

/* The only reference of a segment's index. */
static uint64_t *reference_of(struct sharedmem_data_header *data) {
    struct sharedmem_bucket *buckets = (void *)((unsigned char *)data + data->index.offset);
    for (size_t index = 0; index < data->index.byte_count / sizeof *buckets; index++) {
        for (size_t slot = 0; slot < SHAREDMEM_BUCKET_SLOTS; slot++) {
            if (buckets[index].references[slot]) return &buckets[index].references[slot];
        }
    }
    EXPECT(!"a reference");
    exit(1);
}

static void spoiled_memory_is_noticed(void) {
    struct place place = place_of(made("spoiled", 0), "key"), reader = place_of(reader_of("spoiled"), "key");
    GIVES(set_text(place.segment, "key", "1"));
    struct sharedmem_data_header *data = data_of("spoiled");
    struct sharedmem_lock_header *lock = lock_of("spoiled");
    uint64_t *reference = reference_of(data), whole = *reference;
    /* A record behind the end of the file. */
    *reference |= UINT64_C(0xffffffff) << SHAREDMEM_REFERENCE_BLOCK_SHIFT;
    each_gives(&place, READS, -EUCLEAN);
    each_gives(&reader, READS, -EUCLEAN);
    each_gives(&place, WRITES, -EUCLEAN);
    *reference = whole;
    EXPECT(has_text(place.segment, "key", "1") && has_text(reader.segment, "key", "1"));

    /* Lists of free blocks that lead out of the file. */
    uint64_t lists[SHAREDMEM_FIRST_LEVELS][SHAREDMEM_SECOND_LEVELS];
    memcpy(lists, lock->lists, sizeof lists);
    memset(lock->lists, 0xff, sizeof lists);
    place.key = "new";
    each_gives(&place, ADDS, -EUCLEAN);
    EXPECT(has_text(place.segment, "key", "1"));
    memcpy(lock->lists, lists, sizeof lists);
    GIVES(set_text(place.segment, "key", "2"));
    EXPECT(has_text(reader.segment, "key", "2"));
    GIVES(sharedmem_describe(NULL, "spoiled", &(sharedmem_info){.size = sizeof(sharedmem_info)}));
    leave(place);
    leave(reader);
}

static void held_locks_time_out(void) {
    struct place place = place_of(made("held", 0), "key");
    sharedmem_segment *other = NULL;
    sharedmem_value_info info = {.size = sizeof info};
    GIVES(sharedmem_open(NULL, "held", SHAREDMEM_READ_WRITE, &other));
    GIVES(set_text(other, "key", "1"));
    GIVES(sharedmem_value_describe(place.segment, KEY("key"), &info));
    sharedmem_set_lock_timeout(place.segment, 20);
    give_lock("held", info.session);
    each_gives(&place, WRITES, -ETIMEDOUT);
    EXPECT(has_text(place.segment, "key", "1"));
    give_lock("held", SHAREDMEM_LOCK_FREE);
    GIVES(set_text(place.segment, "key", "2"));
    sharedmem_close(other);
    leave(place);
}

/* MARK: Beside a writer that never pauses */

#define CROWD 64

static void keep_setting(void) {
    static const char value[256];
    sharedmem_segment *segment = NULL;
    if (sharedmem_open(NULL, "busy", SHAREDMEM_READ_WRITE, &segment) != 0) _exit(1);
    for (unsigned char key = 0;; key = (unsigned char)((key + 1) % CROWD)) {
        sharedmem_set(segment, &key, 1, value, sizeof value, NULL);
    }
}

static void busy_keys_are_given_up(void) {
    static unsigned char keys[CROWD];
    static char buffer[CROWD * 256];
    sharedmem_segment *segment = made("busy", 0), *reader = reader_of("busy");
    sharedmem_item items[CROWD], before[CROWD];
    struct outputs out = patterned();
    for (int index = 0; index < CROWD; index++) {
        keys[index] = (unsigned char)index;
        before[index] = (sharedmem_item){&keys[index], 1, PATTERN, PATTERN};
        GIVES(sharedmem_set(segment, &keys[index], 1, "x", 1, NULL));
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) keep_setting();
    /* Whenever the system lets the writer rest, it comes through. */
    int result = 0;
    time_t end = time(NULL) + 120;
    while (result == 0 && time(NULL) < end) {
        memcpy(items, before, sizeof items);
        result = sharedmem_get_many(reader, items, CROWD, buffer, 256, &out.length);
    }
    EXPECT_RESULT(result, -EAGAIN);
    EXPECT(is_untouched(out) && memcmp(items, before, sizeof items) == 0);
    /* A handle that may write takes the lock instead. */
    for (int round = 0; round < 100; round++) {
        GIVES(sharedmem_get_many(segment, items, CROWD, buffer, 256, NULL));
        EXPECT(items[0].length >= 1 && items[CROWD - 1].length >= 1);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    sharedmem_close(reader);
    sharedmem_close(segment);
}

/* MARK: The daemon */

/* Takes every session that a daemon keeps; root's connections aren't counted. */
static void every_session(void) {
    static sharedmem_segment *segments[SHAREDMEM_SESSIONS_MAX + 1];
    struct rlimit limit;
    struct outputs out = patterned();
    int count = 0, result = 0;
    GIVES(getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = limit.rlim_max;
    GIVES(setrlimit(RLIMIT_NOFILE, &limit));
    sharedmem_close(made("sessions", 64 << 10));
    while (count <= (int)SHAREDMEM_SESSIONS_MAX &&
           (result = sharedmem_open(NULL, "sessions", SHAREDMEM_READ_ONLY, &segments[count])) == 0) count++;
    EXPECT_RESULT(result, -EDQUOT);
    EXPECT_RESULT(sharedmem_open(NULL, "sessions", SHAREDMEM_READ_WRITE, (sharedmem_segment **)&out.handle), -EDQUOT);
    EXPECT_RESULT(sharedmem_create(NULL, "sessions-2", NULL, (sharedmem_segment **)&out.handle), -EDQUOT);
    EXPECT_RESULT(sharedmem_remove(NULL, "sessions"), -EDQUOT);
    EXPECT_RESULT(sharedmem_describe(NULL, "sessions", &(sharedmem_info){.size = sizeof(sharedmem_info)}), -EDQUOT);
    EXPECT_RESULT(sharedmem_next_segment(NULL, NULL, &(sharedmem_info){.size = sizeof(sharedmem_info)}), -EDQUOT);
    EXPECT(is_untouched(out));
    while (count > 0) sharedmem_close(segments[--count]);
}

static void sessions_are_limited(void) {
    EXPECT(1);
    if (getuid() == 0) in_child(every_session);
}

/* A daemon of this program's own. */
static pid_t started_daemon(const char *socket, const char *state) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        const char *program = getenv("SHAREDMEM_TEST_DAEMON"), *config = getenv("SHAREDMEM_TEST_CONFIG");
        /* It ends with this program, whatever that meets. */
        if (program && config && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) {
            execl(program, program, "--no-keeper", "--config", config, "--socket", socket, "--state-directory", state,
                  "--log-level", "error", (char *)NULL);
        }
        _exit(127);
    }
    sharedmem_info info = {.size = sizeof info};
    int result = -ENOTCONN;
    for (int round = 0; round < 6000 && result == -ENOTCONN; round++) {
        struct timespec nap = {0, 10000000};
        nanosleep(&nap, NULL);
        result = sharedmem_describe(socket, "default", &info);
    }
    GIVES(result);
    return child;
}

static uint64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Listens where nobody is served, with a queue that is full. */
static void block(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), result = 0;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    GIVES(bind(listener, (struct sockaddr *)&address, sizeof address));
    GIVES(listen(listener, 0));
    for (int round = 0; round < 8 && result == 0; round++) {
        int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        result = connect(client, (struct sockaddr *)&address, sizeof address);
    }
    EXPECT(result == -1 && errno == EAGAIN);
}

static void a_daemon_that_is_gone_is_missed(void) {
    char socket_path[100], state[120];
    struct place place, reader;
    sharedmem_segment *segment = NULL;
    snprintf(socket_path, sizeof socket_path, "%s.gone", getenv("SHAREDMEM_SOCKET"));
    snprintf(state, sizeof state, "%s.state", socket_path);
    EXPECT(mkdir(state, 0700) == 0 || errno == EEXIST);
    pid_t daemon = started_daemon(socket_path, state);
    GIVES(sharedmem_open(socket_path, "default", SHAREDMEM_READ_WRITE, &segment));
    place = place_of(segment, "key");
    GIVES(sharedmem_open(socket_path, "default", SHAREDMEM_READ_ONLY, &segment));
    reader = place_of(segment, "key");
    GIVES(set_text(place.segment, "key", "1"));
    kill(daemon, SIGKILL);
    waitpid(daemon, NULL, 0);
    /* Nobody listens; then somebody who has no time. */
    for (int round = 0; round < 2; round++) {
        sharedmem_set_grace_time(place.segment, UINT64_MAX);
        sharedmem_set_grace_time(reader.segment, UINT64_MAX);
        /* Long enough for calls that look for a daemon. */
        for (uint64_t end = milliseconds() + 200; milliseconds() < end;) {
            if (!GIVES(set_text(place.segment, "key", "2")) || !EXPECT(has_text(reader.segment, "key", "2"))) break;
        }
        sharedmem_set_grace_time(place.segment, 0);
        sharedmem_set_grace_time(reader.segment, 0);
        each_gives(&place, READS, -ENOTCONN);
        each_gives(&reader, READS, -ENOTCONN);
        each_gives(&place, WRITES, -ENOTCONN);
        each_gives(&place, WAITS, -ENOTCONN);
        each_gives(&place, ASKS, -ENOTCONN);
        if (round == 0) block(socket_path);
    }
    leave(place);
    leave(reader);
}

static const struct fact facts[] = {
    {"each function: a key that is too long or missing, and no handle, are refused", arguments_are_checked},
    {"each function that writes gives -EROFS through a read-only handle", readers_cannot_write},
    {"each function that adds a value gives -ENOSPC in a full segment, and the old value stays", full_segments_say_so},
    {"each function gives -EIDRM when the segment was removed", removed_segments_say_so},
    {"each function gives -EUCLEAN where the memory is spoiled, and works again where it isn't", spoiled_memory_is_noticed},
    {"each function that writes gives -ETIMEDOUT while another session has the lock word", held_locks_time_out},
    {"get_many gives -EAGAIN to a reader beside a writer that never pauses, a writer gets through", busy_keys_are_given_up},
    {"a daemon that keeps as many sessions as it can gives -EDQUOT", sessions_are_limited},
    {"each function goes on when the daemon is gone, and gives -ENOTCONN after the grace time", a_daemon_that_is_gone_is_missed},
};

MAIN(facts)
