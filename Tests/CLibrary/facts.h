/* How the C programs of these tests report, as the scripts do: a line for each fact, "ok" or "FAILED", and a line
 * "wrong" for each expectation that doesn't hold. With --fault the first expectation of each fact is turned round: all
 * facts must fail then. */
#ifndef FACTS_H
#define FACTS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include <sharedmem.h>

struct fact {
    const char *sentence;
    void (*show)(void);
};

static _Atomic int wrong_count;
static _Atomic int fault_is_due;
static int is_faulty; /* run with --fault */

/* Notes an expectation; true if it holds. */
static inline int expect(int holds, const char *what, const char *file, int line) {
    if (atomic_exchange(&fault_is_due, 0)) holds = !holds;
    if (!holds) {
        wrong_count++;
        printf("wrong: %s:%d: %s\n", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line, what);
    }
    return holds;
}

/* Notes what a call has returned; true if it's what was expected. */
static inline int expect_result(int result, int expected, const char *what, const char *file, int line) {
    char text[512];
    snprintf(text, sizeof text, "%s gave %d (%s), not %d (%s)", what, result, sharedmem_strerror(result), expected,
             sharedmem_strerror(expected));
    return expect(result == expected, text, file, line);
}

#define EXPECT(condition) expect((condition) != 0, #condition, __FILE__, __LINE__)
#define EXPECT_RESULT(call, expected) expect_result((call), (expected), #call, __FILE__, __LINE__)
#define GIVES(call) EXPECT_RESULT(call, 0)

/* Runs body in a forked child, for what can't be undone; its expectations count here. */
static inline void in_child(void (*body)(void)) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        wrong_count = 0;
        body();
        exit(wrong_count != 0);
    }
    fault_is_due = 0;
    int status = -1;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Shows the facts; what main returns. */
static inline int show_facts(const struct fact *facts, size_t count, int argc, char **argv) {
    int failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    is_faulty = argc > 1 && strcmp(argv[1], "--fault") == 0;
    for (size_t index = 0; index < count; index++) {
        wrong_count = 0;
        fault_is_due = is_faulty;
        facts[index].show();
        failed |= wrong_count != 0;
        printf("%s  %s\n", wrong_count ? "FAILED" : "ok    ", facts[index].sentence);
    }
    return failed;
}

#define MAIN(facts) \
    int main(int argc, char **argv) { return show_facts(facts, sizeof facts / sizeof *facts, argc, argv); }

/* What out-parameters hold before a call: no function stores this. */
#define PATTERN 0x5a5a5a5a5a5a5a5a

struct outputs {
    size_t length;
    uint64_t version;
    int64_t value;
    void *handle;
};

static inline struct outputs patterned(void) {
    return (struct outputs){PATTERN, PATTERN, PATTERN, (void *)PATTERN};
}

static inline int is_untouched(struct outputs outputs) {
    return outputs.length == PATTERN && outputs.version == PATTERN && outputs.value == PATTERN &&
           outputs.handle == (void *)PATTERN;
}

/* Makes a segment anew and attaches to it. */
static inline sharedmem_segment *made(const char *name, uint64_t byte_count) {
    sharedmem_options options = {.size = sizeof options, .byte_count = byte_count};
    sharedmem_segment *segment = NULL;
    sharedmem_remove(NULL, name);
    GIVES(sharedmem_create(NULL, name, &options, &segment));
    if (!segment) exit(1);
    return segment;
}

/* Attaches for reading alone. */
static inline sharedmem_segment *reader_of(const char *name) {
    sharedmem_segment *segment = NULL;
    GIVES(sharedmem_open(NULL, name, SHAREDMEM_READ_ONLY, &segment));
    if (!segment) exit(1);
    return segment;
}

/* A key that is a C string, and its length. */
#define KEY(text) (text), strlen(text)

static inline int set_text(sharedmem_segment *segment, const char *key, const char *text) {
    return sharedmem_set(segment, KEY(key), KEY(text), NULL);
}

/* Whether the key has this text. */
static inline int has_text(sharedmem_segment *segment, const char *key, const char *text) {
    char buffer[256];
    size_t length;
    return sharedmem_get(segment, KEY(key), buffer, sizeof buffer, &length, NULL) == 0 && length == strlen(text) &&
           memcmp(buffer, text, length) == 0;
}

#endif
