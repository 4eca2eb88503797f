/* The two classic calls. Each fact runs in children of its own, because a process attaches once. */
#include <locale.h>
#include <pthread.h>

#include "facts.h"

static int is(const wchar_t *expected) {
    wchar_t buffer[64];
    memset(buffer, 0x5a, sizeof buffer);
    errno = EXDEV;
    GetSharedMem(buffer, 64);
    return wcscmp(buffer, expected) == 0;
}

/* Sets a text; what errno is then. */
static int set_error(const wchar_t *text) {
    errno = EXDEV;
    SetSharedMem(text);
    return errno;
}

/* MARK: Texts */

static void set_and_get(void) {
    EXPECT(set_error(L"first") == EXDEV);
    EXPECT(is(L"first") && errno == EXDEV);
    EXPECT(set_error(L"gr\u00fc\u00dfe \u2014 \U0001f600 \U0010ffff") == EXDEV);
    EXPECT(is(L"gr\u00fc\u00dfe \u2014 \U0001f600 \U0010ffff") && errno == EXDEV);
    EXPECT(set_error(NULL) == EXDEV && is(L""));
    EXPECT(set_error(L"x") == EXDEV && set_error(L"") == EXDEV && is(L"") && errno == EXDEV);
}

static void texts_come_back(void) { in_child(set_and_get); }

static void get_into_little(void) {
    wchar_t buffer[8], pattern[8];
    memset(pattern, 0x5a, sizeof pattern);
    memcpy(buffer, pattern, sizeof buffer);
    EXPECT(set_error(L"\U0001f600bcde") == EXDEV);
    GetSharedMem(NULL, 100);
    GetSharedMem(buffer, 0);
    EXPECT(memcmp(buffer, pattern, sizeof buffer) == 0);
    GetSharedMem(buffer, 1);
    EXPECT(buffer[0] == 0 && memcmp(buffer + 1, pattern, sizeof buffer - sizeof *buffer) == 0);
    GetSharedMem(buffer, 3);
    EXPECT(wcscmp(buffer, L"\U0001f600b") == 0 && buffer[3] == pattern[3]);
    GetSharedMem(buffer, 5);
    EXPECT(wcscmp(buffer, L"\U0001f600bcd") == 0 && buffer[5] == pattern[5]);
    GetSharedMem(buffer, 6);
    EXPECT(wcscmp(buffer, L"\U0001f600bcde") == 0 && buffer[6] == pattern[6]);
    GetSharedMem(buffer, UINT32_MAX);
    EXPECT(wcscmp(buffer, L"\U0001f600bcde") == 0);
}

static void texts_are_cut(void) { in_child(get_into_little); }

static void set_impossible(void) {
    static const wchar_t impossible[][3] = {{0xd800, 0}, {'a', 0xdfff, 0}, {0x110000, 0}, {'a', -1, 0}, {0x7fffffff, 0}};
    EXPECT(set_error(L"before") == EXDEV);
    for (size_t index = 0; index < sizeof impossible / sizeof *impossible; index++) {
        EXPECT(set_error(impossible[index]) == EILSEQ);
        EXPECT(is(L"before"));
    }
}

static void what_unicode_lacks_is_refused(void) { in_child(set_impossible); }

static void set_too_much(void) {
    static wchar_t text[200001];
    for (size_t index = 0; index < 200000; index++) text[index] = L'x';
    EXPECT(set_error(L"before") == EXDEV);
    EXPECT(set_error(text) == ENOSPC);
    EXPECT(is(L"before") && errno == EXDEV);
}

static void too_long_a_text_is_refused(void) {
    sharedmem_close(made("small", 64 << 10));
    setenv("SHAREDMEM_SEGMENT", "small", 1);
    in_child(set_too_much);
    unsetenv("SHAREDMEM_SEGMENT");
}

static void *set_often(void *changes) {
    for (int round = 0; round < 50000; round++) {
        if (set_error(L"crowded") != EXDEV) (*(_Atomic int *)changes)++;
    }
    return NULL;
}

static void set_in_threads(void) {
    _Atomic int changes = 0;
    pthread_t threads[4];
    for (int index = 0; index < 4; index++) GIVES(pthread_create(&threads[index], NULL, set_often, &changes));
    for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
    EXPECT(changes == 0);
}

/* Threads sleep on the lock word, which is no failure. */
static void success_leaves_errno_alone(void) { in_child(set_in_threads); }

/* MARK: Locales */

static const char *locale;

static void set_in_locale(void) {
    EXPECT(setlocale(LC_ALL, locale) != NULL);
    EXPECT(set_error(L"\u00e4\u20ac\U0001f600") == EXDEV);
}

static void get_in_locale(void) {
    EXPECT(setlocale(LC_ALL, locale) != NULL);
    EXPECT(is(L"\u00e4\u20ac\U0001f600") && errno == EXDEV);
}

/* SHAREDMEM_TEST_LOCALES names more. */
static void locales_dont_matter(void) {
    const char *names[8] = {"C", "C.UTF-8"};
    size_t count = 2;
    char more[256] = "";
    if (getenv("SHAREDMEM_TEST_LOCALES")) snprintf(more, sizeof more, "%s", getenv("SHAREDMEM_TEST_LOCALES"));
    for (char *name = strtok(more, " "); name && count < 8; name = strtok(NULL, " ")) names[count++] = name;
    for (size_t writer = 0; writer < count; writer++) {
        for (size_t reader = 0; reader < count; reader++) {
            locale = names[writer];
            in_child(set_in_locale);
            locale = names[reader];
            in_child(get_in_locale);
        }
    }
}

/* MARK: Segments and daemons */

static void without_daemon(void) {
    setenv("SHAREDMEM_SOCKET", "/nonexistent/sharedmem", 1);
    EXPECT(is(L"") && errno == ENOTCONN);
    EXPECT(set_error(L"x") == ENOTCONN);
    EXPECT(set_error((wchar_t[]){0xd800, 0}) == EILSEQ);
}

static void no_daemon_gives_the_empty_text(void) { in_child(without_daemon); }

/* A daemon that comes later is found. */
static void with_a_later_daemon(void) {
    char *path = strdup(getenv("SHAREDMEM_SOCKET"));
    setenv("SHAREDMEM_SOCKET", "/nonexistent/sharedmem", 1);
    EXPECT(is(L"") && errno == ENOTCONN);
    setenv("SHAREDMEM_SOCKET", path, 1);
    EXPECT(set_error(L"later") == EXDEV && is(L"later"));
    free(path);
}

static void a_later_daemon_is_found(void) { in_child(with_a_later_daemon); }

static void without_segment(void) {
    setenv("SHAREDMEM_SEGMENT", "classic-none", 1);
    EXPECT(is(L"") && errno == ENOENT);
    EXPECT(set_error(L"x") == ENOENT);
    setenv("SHAREDMEM_SEGMENT", "a name that can't be", 1);
    EXPECT(is(L"") && errno == EINVAL);
}

static void with_segment(void) {
    char buffer[8];
    size_t length;
    sharedmem_value_info info = {.size = sizeof info};
    sharedmem_segment *segment = made("classic", 0);
    setenv("SHAREDMEM_SEGMENT", "classic", 1);
    EXPECT(is(L"") && errno == EXDEV);
    EXPECT(set_error(L"\u00e4") == EXDEV);
    GIVES(sharedmem_get(segment, NULL, 0, buffer, sizeof buffer, &length, NULL));
    EXPECT(length == 2 && memcmp(buffer, "\xc3\xa4", 2) == 0);
    GIVES(sharedmem_value_describe(segment, NULL, 0, &info));
    EXPECT(info.type == SHAREDMEM_VALUE_TEXT);
    GIVES(sharedmem_set(segment, NULL, 0, "ok\xff", 3, NULL));
    EXPECT(is(L"ok\ufffd"));
    sharedmem_close(segment);
    sharedmem_close(made("classic", 0));
    EXPECT(is(L"") && errno == EXDEV);
    EXPECT(set_error(L"anew") == EXDEV && is(L"anew") && errno == EXDEV);
}

static void the_environment_names_the_segment(void) {
    in_child(without_segment);
    in_child(with_segment);
    in_child(set_and_get);
}

static void read_only(void) {
    GIVES(setgid(65534));
    GIVES(setuid(65534));
    EXPECT(is(L"for all") && errno == EXDEV);
    EXPECT(set_error(L"mine") == EROFS);
    EXPECT(is(L"for all"));
}

static void who_may_only_read_reads(void) {
    sharedmem_options options = {.size = sizeof options, .mode = 0644};
    sharedmem_segment *segment = NULL;
    sharedmem_remove(NULL, "classic-read");
    GIVES(sharedmem_create(NULL, "classic-read", &options, &segment));
    GIVES(sharedmem_set(segment, NULL, 0, "for all", 7, NULL));
    setenv("SHAREDMEM_SEGMENT", "classic-read", 1);
    if (getuid() == 0) in_child(read_only);
    unsetenv("SHAREDMEM_SEGMENT");
    sharedmem_close(segment);
}

/* The classic calls in a forked child of a process that has used them. */
static void get_inherited(void) {
    EXPECT(is(L"parent") && set_error(L"child") == EXDEV);
}

static void fork_after_use(void) {
    EXPECT(set_error(L"parent") == EXDEV);
    in_child(get_inherited);
    EXPECT(is(L"child") && set_error(L"parent") == EXDEV);
}

static void forked_children_go_on(void) { in_child(fork_after_use); }

static const struct fact facts[] = {
    {"classic: texts come back, NULL sets the empty one, errno is left alone", texts_come_back},
    {"classic: texts are cut at capacity 0, 1 and more", texts_are_cut},
    {"classic: what Unicode doesn't have gives EILSEQ and sets nothing", what_unicode_lacks_is_refused},
    {"classic: threads that wait for each other leave errno alone", success_leaves_errno_alone},
    {"classic: a text that is too long gives ENOSPC and sets nothing", too_long_a_text_is_refused},
    {"classic: programs in different locales understand each other", locales_dont_matter},
    {"classic: without a daemon the text is empty and errno says why", no_daemon_gives_the_empty_text},
    {"classic: a daemon that comes later is found", a_later_daemon_is_found},
    {"classic: SHAREDMEM_SEGMENT names the segment, one made anew too; text is UTF-8 there", the_environment_names_the_segment},
    {"classic: who may only read reads", who_may_only_read_reads},
    {"classic: a forked child goes on", forked_children_go_on},
};

MAIN(facts)
