/* Segments: making, attaching, describing and removing them; who may; the lock word. */
#include "facts.h"

static sharedmem_segment **handle_of(struct outputs *out) { return (sharedmem_segment **)&out->handle; }

static void segments_are_made(void) {
    sharedmem_segment *segment = NULL, *second = NULL;
    sharedmem_options options = {.size = sizeof options, .byte_count = 1 << 20, .entry_count = 100, .mode = 0640,
                                 .owner = getuid() + 1, .group = getgid() + 1};
    sharedmem_info info = {.size = sizeof info};
    struct outputs out = patterned();
    sharedmem_remove(NULL, "one");
    GIVES(sharedmem_create(NULL, "one", &options, NULL));
    EXPECT_RESULT(sharedmem_create(NULL, "one", &options, handle_of(&out)), -EEXIST);
    GIVES(sharedmem_describe(NULL, "one", &info));
    EXPECT(strcmp(info.name, "one") == 0 && info.mode == 0640 && info.owner == getuid() && info.group == getgid());
    EXPECT(info.byte_count >= 1 << 20 && info.sessions == 0 && info.generation == 1 && info.segment_id != 0);
    EXPECT(info.access == SHAREDMEM_READ_WRITE && info.created_at != 0 && info.size == sizeof info);
    GIVES(sharedmem_open(getenv("SHAREDMEM_SOCKET"), "one", SHAREDMEM_READ_WRITE, &segment));
    GIVES(sharedmem_open(NULL, "one", SHAREDMEM_READ_ONLY, &second));
    GIVES(set_text(segment, "key", "value"));
    EXPECT(has_text(second, "key", "value"));
    GIVES(sharedmem_describe(NULL, "one", &info));
    EXPECT(info.sessions == 2);
    sharedmem_close(segment);
    sharedmem_close(second);
    sharedmem_close(NULL);
    GIVES(sharedmem_remove(NULL, "one"));
    EXPECT_RESULT(sharedmem_remove(NULL, "one"), -ENOENT);
    GIVES(sharedmem_create(NULL, "one", NULL, &segment));
    GIVES(set_text(segment, "key", "value"));
    sharedmem_close(segment);
    EXPECT(is_untouched(out));
}

static void refusals_have_their_errors(void) {
    sharedmem_options options = {.size = sizeof options};
    sharedmem_info info = {.size = sizeof info, .segment_id = PATTERN};
    struct outputs out = patterned();
    static const char *const names[] = {"", ".hidden", "a/b", "a b", "\xff",
        "12345678901234567890123456789012345678901234567890123456789012345"};
    sharedmem_remove(NULL, "none");
    EXPECT_RESULT(sharedmem_open(NULL, "none", SHAREDMEM_READ_ONLY, handle_of(&out)), -ENOENT);
    EXPECT_RESULT(sharedmem_open(NULL, "default", 0, handle_of(&out)), -EINVAL);
    EXPECT_RESULT(sharedmem_open(NULL, "default", 2, handle_of(&out)), -EINVAL);
    EXPECT_RESULT(sharedmem_open(NULL, "default", 7, handle_of(&out)), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_open(NULL, NULL, SHAREDMEM_READ_ONLY, handle_of(&out)), -EINVAL);
    EXPECT_RESULT(sharedmem_open(NULL, "default", SHAREDMEM_READ_ONLY, NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_create(NULL, NULL, NULL, handle_of(&out)), -EINVAL);
    EXPECT_RESULT(sharedmem_remove(NULL, NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_describe(NULL, NULL, &info), -EINVAL);
    EXPECT_RESULT(sharedmem_describe(NULL, "default", NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_describe(NULL, "none", &info), -ENOENT);
    EXPECT_RESULT(sharedmem_next_segment(NULL, NULL, NULL), -EINVAL);
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        EXPECT_RESULT(sharedmem_open(NULL, names[index], SHAREDMEM_READ_ONLY, handle_of(&out)), -EINVAL);
        EXPECT_RESULT(sharedmem_create(NULL, names[index], NULL, handle_of(&out)), -EINVAL);
        EXPECT_RESULT(sharedmem_remove(NULL, names[index]), -EINVAL);
        EXPECT_RESULT(sharedmem_describe(NULL, names[index], &info), -EINVAL);
        if (index) EXPECT_RESULT(sharedmem_next_segment(NULL, names[index], &info), -EINVAL);
    }
    static const char path[] = "/run/\xff.sock";
    char *socket_path = strdup(getenv("SHAREDMEM_SOCKET"));
    EXPECT_RESULT(sharedmem_open(path, "default", SHAREDMEM_READ_ONLY, handle_of(&out)), -EINVAL);
    EXPECT_RESULT(sharedmem_create(path, "none", NULL, handle_of(&out)), -EINVAL);
    EXPECT_RESULT(sharedmem_remove(path, "default"), -EINVAL);
    EXPECT_RESULT(sharedmem_describe(path, "default", &info), -EINVAL);
    EXPECT_RESULT(sharedmem_next_segment(path, NULL, &info), -EINVAL);
    GIVES(setenv("SHAREDMEM_SOCKET", path, 1));
    EXPECT_RESULT(sharedmem_open(NULL, "default", SHAREDMEM_READ_ONLY, handle_of(&out)), -EINVAL);
    EXPECT_RESULT(sharedmem_remove(NULL, "default"), -EINVAL);
    GIVES(setenv("SHAREDMEM_SOCKET", socket_path, 1));
    free(socket_path);
    options.mode = 01777;
    EXPECT_RESULT(sharedmem_create(NULL, "none", &options, handle_of(&out)), -EINVAL);
    options = (sharedmem_options){.size = sizeof options, .byte_count = 1};
    EXPECT_RESULT(sharedmem_create(NULL, "none", &options, handle_of(&out)), -EINVAL);
    options = (sharedmem_options){.size = sizeof options, .snapshots = 1};
    EXPECT_RESULT(sharedmem_create(NULL, "none", &options, handle_of(&out)), -EINVAL);
    options = (sharedmem_options){.size = sizeof options, .byte_count = 1ull << 38};
    EXPECT_RESULT(sharedmem_create(NULL, "none", &options, handle_of(&out)), -ENOSPC);
    EXPECT(is_untouched(out) && info.segment_id == PATTERN);
    sharedmem_set_lock_timeout(NULL, 1);
    sharedmem_set_grace_time(NULL, 1);
}

static void segments_are_listed_by_name(void) {
    static const char *const names[] = {"list-a", "list-b", "list-c"};
    sharedmem_info info = {.size = sizeof info};
    char last[SHAREDMEM_NAME_LIMIT + 8] = "", first[SHAREDMEM_NAME_LIMIT + 8];
    int count = 0, found = 0, result;
    for (size_t index = 0; index < 3; index++) sharedmem_close(made(names[index], 64 << 10));
    while ((result = sharedmem_next_segment(NULL, last, &info)) == 0 && count++ < 1000) {
        EXPECT(strcmp(info.name, last) > 0);
        if (count == 1) strcpy(first, info.name);
        found += strncmp(info.name, "list-", 5) == 0;
        strcpy(last, info.name);
    }
    EXPECT_RESULT(result, -ENOENT);
    EXPECT(found == 3 && strcmp(info.name, last) == 0);
    GIVES(sharedmem_next_segment(NULL, NULL, &info));
    EXPECT(strcmp(info.name, first) == 0);
}

/* MARK: Rights, quotas, and what the system refuses */

static void become_nobody(void) {
    GIVES(setgid(65534));
    GIVES(setuid(65534));
}

static void as_nobody(void) {
    sharedmem_info info = {.size = sizeof info, .segment_id = PATTERN};
    sharedmem_options options = {.size = sizeof options, .owner = 1};
    sharedmem_segment *segment = NULL;
    struct outputs out = patterned();
    become_nobody();
    EXPECT_RESULT(sharedmem_open(NULL, "rights-none", SHAREDMEM_READ_ONLY, handle_of(&out)), -EACCES);
    EXPECT_RESULT(sharedmem_open(NULL, "rights-read", SHAREDMEM_READ_WRITE, handle_of(&out)), -EACCES);
    EXPECT_RESULT(sharedmem_create(NULL, "rights-given", &options, handle_of(&out)), -EACCES);
    EXPECT_RESULT(sharedmem_remove(NULL, "rights-read"), -EACCES);
    EXPECT_RESULT(sharedmem_describe(NULL, "rights-none", &info), -EACCES);
    GIVES(sharedmem_open(NULL, "rights-read", SHAREDMEM_READ_ONLY, &segment));
    EXPECT(is_untouched(out) && info.segment_id == PATTERN);
    GIVES(sharedmem_describe(NULL, "rights-read", &info));
    EXPECT(info.access == SHAREDMEM_READ_ONLY);
    sharedmem_close(segment);
}

static void rights_are_kept(void) {
    sharedmem_options options = {.size = sizeof options, .mode = 0600};
    sharedmem_remove(NULL, "rights-none");
    sharedmem_remove(NULL, "rights-read");
    GIVES(sharedmem_create(NULL, "rights-none", &options, NULL));
    options.mode = 0644;
    GIVES(sharedmem_create(NULL, "rights-read", &options, NULL));
    if (getuid() == 0) in_child(as_nobody);
}

/* The configuration gives a user 8 connections. */
static void until_the_limit(void) {
    sharedmem_segment *segments[64];
    struct outputs out = patterned();
    int count = 0, result = 0;
    become_nobody();
    while (count < 64 && (result = sharedmem_open(NULL, "default", SHAREDMEM_READ_ONLY, &segments[count])) == 0) count++;
    EXPECT_RESULT(result, -ENOTCONN);
    EXPECT(count > 0 && count < 64);
    EXPECT_RESULT(sharedmem_open(NULL, "default", SHAREDMEM_READ_ONLY, handle_of(&out)), -ENOTCONN);
    EXPECT(is_untouched(out));
    while (count > 0) sharedmem_close(segments[--count]);
}

static void connections_are_limited(void) {
    EXPECT(1);
    if (getuid() == 0) in_child(until_the_limit);
}

static void without_descriptors(void) {
    struct rlimit limit = {4, 4};
    struct outputs out = patterned();
    GIVES(setrlimit(RLIMIT_NOFILE, &limit));
    EXPECT_RESULT(sharedmem_open(NULL, "default", SHAREDMEM_READ_WRITE, handle_of(&out)), -EMFILE);
    EXPECT(is_untouched(out));
}

static void missing_descriptors_are_an_error(void) { in_child(without_descriptors); }

static void no_daemon_is_an_error(void) {
    sharedmem_info info = {.size = sizeof info, .segment_id = PATTERN};
    struct outputs out = patterned();
    const char *path = "/nonexistent/sharedmem";
    char long_path[300];
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = 0;
    EXPECT_RESULT(sharedmem_open(path, "default", SHAREDMEM_READ_WRITE, handle_of(&out)), -ENOTCONN);
    EXPECT_RESULT(sharedmem_create(path, "default", NULL, handle_of(&out)), -ENOTCONN);
    EXPECT_RESULT(sharedmem_remove(path, "default"), -ENOTCONN);
    EXPECT_RESULT(sharedmem_describe(path, "default", &info), -ENOTCONN);
    EXPECT_RESULT(sharedmem_next_segment(path, NULL, &info), -ENOTCONN);
    EXPECT_RESULT(sharedmem_open(long_path, "default", SHAREDMEM_READ_WRITE, handle_of(&out)), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_create(long_path, "default", NULL, handle_of(&out)), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_remove(long_path, "default"), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_describe(long_path, "default", &info), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_next_segment(long_path, NULL, &info), -ENAMETOOLONG);
    EXPECT(is_untouched(out) && info.segment_id == PATTERN);
}

static void removed_segments_say_so(void) {
    sharedmem_segment *segment = made("removed", 0);
    sharedmem_watch *watch = NULL;
    sharedmem_change change = {.size = sizeof change, .version = PATTERN};
    struct outputs out = patterned();
    char buffer[8];
    GIVES(set_text(segment, "key", "value"));
    GIVES(sharedmem_watch_open(segment, KEY("key"), 0, &watch));
    GIVES(sharedmem_remove(NULL, "removed"));
    EXPECT_RESULT(sharedmem_set(segment, KEY("key"), "other", 5, &out.version), -EIDRM);
    EXPECT_RESULT(sharedmem_get(segment, KEY("key"), buffer, 8, &out.length, &out.version), -EIDRM);
    EXPECT_RESULT(sharedmem_delete(segment, KEY("key"), &out.version), -EIDRM);
    EXPECT_RESULT(sharedmem_add(segment, KEY("key"), 1, &out.value), -EIDRM);
    EXPECT_RESULT(sharedmem_wait(segment, KEY("key"), UINT64_MAX, 60000, &out.version), -EIDRM);
    EXPECT_RESULT(sharedmem_watch_next(watch, 60000, &change), -EIDRM);
    EXPECT(is_untouched(out) && change.version == PATTERN);
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

/* MARK: The lock word */

/* Sets a large value again and again, for ever. */
static void keep_setting(void) {
    static char value[4 << 20];
    sharedmem_segment *segment = NULL;
    if (sharedmem_open(NULL, "locked", SHAREDMEM_READ_WRITE, &segment) != 0) _exit(1);
    for (;;) sharedmem_set(segment, KEY("large"), value, sizeof value, NULL);
}

/* Stops a writer while it has the lock word. */
static void who_holds_the_lock_is_told(void) {
    sharedmem_segment *segment = made("locked", 0);
    sharedmem_lock_holder holder = {.size = sizeof holder, .taken_at = PATTERN};
    struct outputs out = patterned();
    EXPECT_RESULT(sharedmem_lock_describe(segment, &holder), -ENOENT);
    EXPECT_RESULT(sharedmem_lock_describe(NULL, &holder), -EINVAL);
    EXPECT_RESULT(sharedmem_lock_describe(segment, NULL), -EINVAL);
    EXPECT(holder.taken_at == PATTERN);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) keep_setting();
    int result = -ENOENT;
    for (int round = 0; round < 20000 && result == -ENOENT; round++) {
        struct timespec nap = {0, 100000 + round % 97 * 1000};
        kill(child, SIGCONT);
        nanosleep(&nap, NULL);
        kill(child, SIGSTOP);
        siginfo_t info;
        waitid(P_PID, child, &info, WSTOPPED | WNOWAIT);
        result = sharedmem_lock_describe(segment, &holder);
    }
    GIVES(result);
    EXPECT(holder.pid == child && holder.session != 0 && holder.program[0] != 0 && holder.size == sizeof holder);
    sharedmem_set_lock_timeout(segment, 100);
    EXPECT_RESULT(sharedmem_set(segment, KEY("key"), "value", 5, &out.version), -ETIMEDOUT);
    EXPECT(is_untouched(out));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    sharedmem_set_lock_timeout(segment, 60000);
    GIVES(set_text(segment, "key", "value"));
    EXPECT_RESULT(sharedmem_lock_describe(segment, &holder), -ENOENT);
    sharedmem_close(segment);
}

static const struct fact facts[] = {
    {"segments are made, attached to, described and removed", segments_are_made},
    {"segments: what can't be is refused with its error", refusals_have_their_errors},
    {"next_segment: all segments, in the order of their names", segments_are_listed_by_name},
    {"who may not gets -EACCES", rights_are_kept},
    {"whose connections are used up gets -ENOTCONN", connections_are_limited},
    {"who has no descriptors left gets -EMFILE", missing_descriptors_are_an_error},
    {"without a daemon everything gives -ENOTCONN", no_daemon_is_an_error},
    {"a segment that was removed gives -EIDRM", removed_segments_say_so},
    {"lock_describe names a stopped holder; a set gives -ETIMEDOUT; its death frees the word", who_holds_the_lock_is_told},
};

MAIN(facts)
