/* Values and key handles: what each function that sets and gets them returns and stores. */
#include <sched.h>

#include "facts.h"

static char long_key[SHAREDMEM_KEY_LIMIT + 1];

static void values_come_back(void) {
    sharedmem_segment *segment = made("values", 0);
    char buffer[64];
    size_t length = 0;
    uint64_t version = 0, read_version = 0, newer = 0;
    GIVES(sharedmem_set(segment, KEY("colour"), "blue", 4, &version));
    GIVES(sharedmem_get(segment, KEY("colour"), buffer, sizeof buffer, &length, &read_version));
    EXPECT(length == 4 && memcmp(buffer, "blue", 4) == 0 && version != 0 && version == read_version);
    GIVES(sharedmem_get(segment, KEY("colour"), buffer, 4, NULL, NULL));
    GIVES(sharedmem_set(segment, KEY("colour"), "", 0, NULL));
    GIVES(sharedmem_get(segment, KEY("colour"), NULL, 0, &length, &newer));
    EXPECT(length == 0 && newer > version);
    GIVES(sharedmem_set(segment, NULL, 0, NULL, 0, NULL));
    GIVES(sharedmem_get(segment, NULL, 0, NULL, 0, &length, NULL));
    GIVES(sharedmem_set(segment, long_key, SHAREDMEM_KEY_LIMIT, "\0\0", 2, NULL));
    GIVES(sharedmem_get(segment, long_key, SHAREDMEM_KEY_LIMIT, buffer, sizeof buffer, &length, NULL));
    EXPECT(length == 2);
    sharedmem_close(segment);
}

static void get_fails(void) {
    sharedmem_segment *segment = made("get", 0);
    struct outputs out = patterned();
    uint64_t deletion = 0;
    char buffer[4] = {0};
    GIVES(sharedmem_set(segment, KEY("key"), "eleven byte", 11, NULL));
    EXPECT_RESULT(sharedmem_get(segment, KEY("key"), buffer, 4, &out.length, &out.version), -EMSGSIZE);
    EXPECT(out.length == 11 && out.version == PATTERN);
    EXPECT_RESULT(sharedmem_get(segment, KEY("key"), NULL, 0, NULL, NULL), -EMSGSIZE);
    out = patterned();
    GIVES(sharedmem_delete(segment, KEY("key"), &deletion));
    EXPECT_RESULT(sharedmem_get(segment, KEY("key"), buffer, 4, &out.length, &out.version), -ENOENT);
    EXPECT(out.length == PATTERN && out.version >= deletion && out.version != PATTERN);
    EXPECT_RESULT(sharedmem_get(segment, KEY("key"), buffer, 4, NULL, NULL), -ENOENT);
    out = patterned();
    EXPECT_RESULT(sharedmem_get(segment, long_key, sizeof long_key, buffer, 4, &out.length, &out.version), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_get(segment, NULL, 1, buffer, 4, &out.length, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_get(segment, KEY("key"), NULL, 1, &out.length, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_get(segment, KEY("key"), buffer, SIZE_MAX, &out.length, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_get(NULL, KEY("key"), buffer, 4, &out.length, &out.version), -EINVAL);
    EXPECT(is_untouched(out));
    sharedmem_close(segment);
}

static void set_fails(void) {
    sharedmem_segment *segment = made("set", 64 << 10), *reader = reader_of("set");
    static char large[128 << 10];
    struct outputs out = patterned();
    GIVES(set_text(segment, "key", "old"));
    EXPECT_RESULT(sharedmem_set(segment, KEY("key"), large, sizeof large, &out.version), -ENOSPC);
    EXPECT(has_text(segment, "key", "old"));
    EXPECT_RESULT(sharedmem_set(reader, KEY("key"), "new", 3, &out.version), -EROFS);
    EXPECT_RESULT(sharedmem_set(segment, long_key, sizeof long_key, "new", 3, &out.version), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_set(segment, NULL, 1, "new", 3, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_set(segment, KEY("key"), NULL, 3, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_set(segment, KEY("key"), "new", SIZE_MAX, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_set(NULL, KEY("key"), "new", 3, &out.version), -EINVAL);
    EXPECT(is_untouched(out));
    int result = 0;
    for (int index = 0; result == 0 && index < 100000; index++) {
        result = sharedmem_set(segment, &index, sizeof index, large, 8, NULL);
    }
    EXPECT_RESULT(result, -ENOSPC);
    EXPECT(has_text(segment, "key", "old"));
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void compare_and_set_compares(void) {
    sharedmem_segment *segment = made("compare", 0), *reader = reader_of("compare");
    struct outputs out = patterned();
    uint64_t first = 0, second = 0;
    GIVES(sharedmem_compare_and_set(segment, KEY("key"), "1", 1, 0, &first));
    EXPECT_RESULT(sharedmem_compare_and_set(segment, KEY("key"), "2", 1, 0, &out.version), -ESTALE);
    GIVES(sharedmem_compare_and_set(segment, KEY("key"), "2", 1, first, &second));
    EXPECT(second > first);
    EXPECT_RESULT(sharedmem_compare_and_set(segment, KEY("key"), "3", 1, first, &out.version), -ESTALE);
    EXPECT_RESULT(sharedmem_compare_and_set(segment, KEY("none"), "3", 1, first, &out.version), -ESTALE);
    EXPECT_RESULT(sharedmem_compare_and_set(reader, KEY("key"), "3", 1, second, &out.version), -EROFS);
    EXPECT_RESULT(sharedmem_compare_and_set(segment, long_key, sizeof long_key, "3", 1, 0, &out.version), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_compare_and_set(segment, NULL, 1, "3", 1, 0, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_compare_and_set(segment, KEY("key"), NULL, 1, 0, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_compare_and_set(NULL, KEY("key"), "3", 1, 0, &out.version), -EINVAL);
    EXPECT(is_untouched(out) && has_text(segment, "key", "2"));
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void delete_deletes(void) {
    sharedmem_segment *segment = made("delete", 0), *reader = reader_of("delete");
    struct outputs out = patterned();
    uint64_t set = 0, deletion = 0;
    GIVES(sharedmem_set(segment, KEY("key"), "1", 1, &set));
    EXPECT_RESULT(sharedmem_delete(reader, KEY("key"), &out.version), -EROFS);
    GIVES(sharedmem_delete(segment, KEY("key"), &deletion));
    EXPECT(deletion > set);
    EXPECT_RESULT(sharedmem_delete(segment, KEY("key"), &out.version), -ENOENT);
    EXPECT_RESULT(sharedmem_delete(segment, long_key, sizeof long_key, &out.version), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_delete(segment, NULL, 1, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_delete(NULL, KEY("key"), &out.version), -EINVAL);
    EXPECT(is_untouched(out));
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void add_adds(void) {
    sharedmem_segment *segment = made("add", 0), *reader = reader_of("add");
    sharedmem_set_options json = {.size = sizeof json, .type = SHAREDMEM_VALUE_JSON};
    struct outputs out = patterned();
    int64_t value = 0;
    GIVES(sharedmem_add(segment, KEY("key"), 5, &value));
    EXPECT(value == 5);
    GIVES(sharedmem_add(segment, KEY("key"), -7, &value));
    EXPECT(value == -2);
    GIVES(set_text(segment, "text", "40"));
    GIVES(sharedmem_add(segment, KEY("text"), 2, NULL));
    GIVES(sharedmem_add(segment, KEY("high"), INT64_MAX, NULL));
    EXPECT_RESULT(sharedmem_add(segment, KEY("high"), 1, &out.value), -ERANGE);
    GIVES(sharedmem_set_with(segment, KEY("json"), "{}", 2, &json, NULL));
    EXPECT_RESULT(sharedmem_add(segment, KEY("json"), 1, &out.value), -EMEDIUMTYPE);
    EXPECT_RESULT(sharedmem_add(reader, KEY("key"), 1, &out.value), -EROFS);
    EXPECT_RESULT(sharedmem_add(segment, long_key, sizeof long_key, 1, &out.value), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_add(segment, NULL, 1, 1, &out.value), -EINVAL);
    EXPECT_RESULT(sharedmem_add(NULL, KEY("key"), 1, &out.value), -EINVAL);
    EXPECT(is_untouched(out));
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void set_with_obeys_its_options(void) {
    sharedmem_segment *segment = made("options", 0), *reader = reader_of("options");
    sharedmem_set_options options = {.size = sizeof options, .type = 200, .expires_in_ms = 3600000};
    sharedmem_value_info info = {.size = sizeof info};
    struct outputs out = patterned();
    uint64_t version = 0;
    GIVES(sharedmem_set_with(segment, KEY("key"), "value", 5, &options, &version));
    GIVES(sharedmem_value_describe(segment, KEY("key"), &info));
    EXPECT(info.length == 5 && info.version == version && info.type == 200 && info.expires_at != 0);
    EXPECT(info.written_at != 0 && info.session != 0 && info.size == sizeof info);
    GIVES(sharedmem_set_with(segment, KEY("key"), "v", 1, NULL, NULL));
    GIVES(sharedmem_value_describe(segment, KEY("key"), &info));
    EXPECT(info.type == SHAREDMEM_VALUE_BYTES && info.expires_at == 0);
    options.has_expected_version = 1;
    options.expected_version = version;
    EXPECT_RESULT(sharedmem_set_with(segment, KEY("key"), "v", 1, &options, &out.version), -ESTALE);
    options.has_expected_version = 2;
    EXPECT_RESULT(sharedmem_set_with(segment, KEY("key"), "v", 1, &options, &out.version), -EINVAL);
    options.has_expected_version = 0;
    EXPECT_RESULT(sharedmem_set_with(reader, KEY("key"), "v", 1, &options, &out.version), -EROFS);
    EXPECT_RESULT(sharedmem_set_with(segment, NULL, 1, "v", 1, &options, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_set_with(segment, KEY("key"), NULL, 1, &options, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_set_with(NULL, KEY("key"), "v", 1, &options, &out.version), -EINVAL);
    options.type = 256;
    EXPECT_RESULT(sharedmem_set_with(segment, KEY("key"), "v", 1, &options, &out.version), -EINVAL);
    EXPECT(is_untouched(out));
    options = (sharedmem_set_options){.size = sizeof options, .expires_in_ms = 1};
    GIVES(sharedmem_set_with(segment, KEY("short"), "v", 1, &options, &version));
    GIVES(sharedmem_wait(segment, KEY("short"), version, 60000, NULL));
    EXPECT_RESULT(sharedmem_get(segment, KEY("short"), NULL, 0, NULL, NULL), -ENOENT);
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void compare_and_delete_compares(void) {
    sharedmem_segment *segment = made("compare-delete", 0), *reader = reader_of("compare-delete");
    struct outputs out = patterned();
    uint64_t first = 0, second = 0, deletion = 0;
    GIVES(sharedmem_set(segment, KEY("key"), "1", 1, &first));
    GIVES(sharedmem_set(segment, KEY("key"), "2", 1, &second));
    EXPECT_RESULT(sharedmem_compare_and_delete(segment, KEY("key"), first, &out.version), -ESTALE);
    EXPECT_RESULT(sharedmem_compare_and_delete(segment, KEY("key"), 0, &out.version), -ESTALE);
    EXPECT_RESULT(sharedmem_compare_and_delete(segment, KEY("none"), second, &out.version), -ESTALE);
    EXPECT_RESULT(sharedmem_compare_and_delete(segment, KEY("none"), 0, &out.version), -ESTALE);
    EXPECT_RESULT(sharedmem_compare_and_delete(reader, KEY("key"), second, &out.version), -EROFS);
    EXPECT_RESULT(sharedmem_compare_and_delete(segment, long_key, sizeof long_key, 1, &out.version), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_compare_and_delete(segment, NULL, 1, second, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_compare_and_delete(NULL, KEY("key"), second, &out.version), -EINVAL);
    EXPECT(is_untouched(out) && has_text(segment, "key", "2"));
    GIVES(sharedmem_compare_and_delete(segment, KEY("key"), second, &deletion));
    EXPECT(deletion > second);
    EXPECT_RESULT(sharedmem_get(segment, KEY("key"), NULL, 0, NULL, NULL), -ENOENT);
    GIVES(sharedmem_set(segment, KEY("key"), "3", 1, &first));
    GIVES(sharedmem_compare_and_delete(segment, KEY("key"), first, NULL));
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void expired_values_are_swept(void) {
    sharedmem_segment *segment = made("sweep", 64 << 10), *reader = reader_of("sweep");
    sharedmem_set_options options = {.size = sizeof options, .expires_in_ms = 1};
    struct outputs out = patterned();
    uint64_t count = PATTERN, version = 0;
    static char value[1024];
    int keys = 0, result = 0;
    GIVES(set_text(segment, "stays", "x"));
    while ((result = sharedmem_set_with(segment, &keys, sizeof keys, value, sizeof value, &options, &version)) == 0) keys++;
    EXPECT_RESULT(result, -ENOSPC);
    EXPECT(keys > 10);
    int last = keys - 1;
    time_t end = time(NULL) + 60;
    while (sharedmem_get(segment, &last, sizeof last, value, sizeof value, NULL, NULL) == 0 && time(NULL) < end) sched_yield();
    EXPECT_RESULT(sharedmem_get(segment, &last, sizeof last, value, sizeof value, NULL, NULL), -ENOENT);
    EXPECT_RESULT(sharedmem_set(segment, KEY("new"), value, sizeof value, NULL), -ENOSPC);
    EXPECT_RESULT(sharedmem_sweep_expired(reader, &out.version), -EROFS);
    EXPECT_RESULT(sharedmem_sweep_expired(NULL, &out.version), -EINVAL);
    EXPECT(is_untouched(out));
    GIVES(sharedmem_sweep_expired(segment, &count));
    EXPECT(count == (uint64_t)keys);
    GIVES(sharedmem_sweep_expired(segment, NULL));
    GIVES(sharedmem_sweep_expired(reader, &count));
    EXPECT(count == 0 && has_text(segment, "stays", "x"));
    GIVES(sharedmem_set(segment, KEY("new"), value, sizeof value, NULL));
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void key_handles_work(void) {
    sharedmem_segment *segment = made("handles", 0), *reader = reader_of("handles");
    sharedmem_key_handle *key = NULL, *read_key = NULL;
    struct outputs out = patterned();
    uint64_t version = 0, deletion = 0;
    char buffer[8];
    EXPECT_RESULT(sharedmem_key(NULL, KEY("key"), (sharedmem_key_handle **)&out.handle), -EINVAL);
    EXPECT_RESULT(sharedmem_key(segment, NULL, 1, (sharedmem_key_handle **)&out.handle), -EINVAL);
    EXPECT_RESULT(sharedmem_key(segment, KEY("key"), NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_key(segment, long_key, sizeof long_key, (sharedmem_key_handle **)&out.handle), -ENAMETOOLONG);
    GIVES(sharedmem_key(segment, KEY("key"), &key));
    GIVES(sharedmem_key(reader, KEY("key"), &read_key));
    sharedmem_close(segment);
    GIVES(sharedmem_key_set(key, "value", 5, &version));
    EXPECT_RESULT(sharedmem_key_set(read_key, "value", 5, &out.version), -EROFS);
    EXPECT_RESULT(sharedmem_key_set(key, NULL, 5, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_key_set(NULL, "value", 5, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_key_get(key, NULL, 5, &out.length, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_key_get(NULL, buffer, 8, &out.length, &out.version), -EINVAL);
    EXPECT(is_untouched(out));
    GIVES(sharedmem_key_get(read_key, buffer, 8, &out.length, &out.version));
    EXPECT(out.length == 5 && out.version == version && memcmp(buffer, "value", 5) == 0);
    out = patterned();
    EXPECT_RESULT(sharedmem_key_get(key, buffer, 2, &out.length, &out.version), -EMSGSIZE);
    EXPECT(out.length == 5 && out.version == PATTERN);
    GIVES(sharedmem_open(NULL, "handles", SHAREDMEM_READ_WRITE, &segment));
    GIVES(sharedmem_delete(segment, KEY("key"), &deletion));
    out = patterned();
    EXPECT_RESULT(sharedmem_key_get(key, buffer, 8, &out.length, &out.version), -ENOENT);
    EXPECT(out.length == PATTERN && out.version >= deletion && out.version != PATTERN);
    GIVES(sharedmem_key_set(key, "again", 5, NULL));
    EXPECT(has_text(segment, "key", "again"));
    sharedmem_key_free(key);
    sharedmem_key_free(read_key);
    sharedmem_key_free(NULL);
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void errors_have_words(void) {
    static const int documented[] = {ENOENT, EACCES, EROFS, ENOSPC, EMSGSIZE, ESTALE, ETIMEDOUT, ECANCELED, EUCLEAN,
        ENOTCONN, EIDRM, EPROTONOSUPPORT, EDQUOT, EEXIST, EMEDIUMTYPE, ERANGE, ENAMETOOLONG, EAGAIN, EINVAL};
    for (int error = -200; error <= 200; error++) {
        EXPECT(sharedmem_strerror(error) && sharedmem_strerror(error)[0]);
        EXPECT(strcmp(sharedmem_strerror(error), sharedmem_strerror(-error)) == 0);
    }
    EXPECT(sharedmem_strerror(INT32_MIN) && sharedmem_strerror(INT32_MAX));
    EXPECT(strcmp(sharedmem_strerror(9999), sharedmem_strerror(INT32_MAX)) == 0);
    EXPECT(strcmp(sharedmem_strerror(9999), sharedmem_strerror(EINVAL)) != 0);
    for (size_t index = 0; index < sizeof documented / sizeof *documented; index++) {
        const char *words = sharedmem_strerror(-documented[index]);
        EXPECT(strcmp(words, strerror(documented[index])) != 0);
        for (size_t other = 0; other < index; other++) EXPECT(strcmp(words, sharedmem_strerror(-documented[other])) != 0);
    }
}

static const struct fact facts[] = {
    {"what is set comes back, empty keys and values too", values_come_back},
    {"get: each error, and what it stores", get_fails},
    {"set: each error; the old value stays", set_fails},
    {"compare_and_set: by version, each error", compare_and_set_compares},
    {"delete: each error", delete_deletes},
    {"add: integers and text, each error", add_adds},
    {"set_with: type, expiry, condition, each error", set_with_obeys_its_options},
    {"compare_and_delete: by version, each error", compare_and_delete_compares},
    {"sweep_expired: gives the memory back, each error", expired_values_are_swept},
    {"key handles: get and set after the segment is closed, each error", key_handles_work},
    {"strerror: words for every number", errors_have_words},
};

MAIN(facts)
