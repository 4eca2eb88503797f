/* Values, key handles, transactions and borrowing: what each function returns and stores. */
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

static void value_describe_fails(void) {
    sharedmem_segment *segment = made("describe", 0);
    sharedmem_value_info info, before;
    memset(&info, 0x5a, sizeof info);
    info.size = sizeof info;
    before = info;
    EXPECT_RESULT(sharedmem_value_describe(segment, KEY("none"), &info), -ENOENT);
    EXPECT_RESULT(sharedmem_value_describe(segment, long_key, sizeof long_key, &info), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_value_describe(segment, NULL, 1, &info), -EINVAL);
    EXPECT_RESULT(sharedmem_value_describe(segment, KEY("none"), NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_value_describe(NULL, KEY("none"), &info), -EINVAL);
    EXPECT(memcmp(&info, &before, sizeof info) == 0);
    sharedmem_close(segment);
}

static void many_keys_are_read_at_once(void) {
    sharedmem_segment *segment = made("many", 0), *reader = reader_of("many");
    sharedmem_item items[3] = {{"one", 3, PATTERN, PATTERN}, {"none", 4, PATTERN, PATTERN}, {"two", 3, PATTERN, PATTERN}};
    sharedmem_item before[3];
    struct outputs out = patterned();
    char buffer[3 * 8];
    GIVES(set_text(segment, "one", "1"));
    GIVES(set_text(segment, "two", "22222"));
    memcpy(before, items, sizeof items);
    EXPECT_RESULT(sharedmem_get_many(segment, items, 3, buffer, 4, &out.length), -EMSGSIZE);
    EXPECT(out.length == 5 && memcmp(before, items, sizeof items) == 0);
    out = patterned();
    EXPECT_RESULT(sharedmem_get_many(segment, NULL, 3, buffer, 8, &out.length), -EINVAL);
    EXPECT_RESULT(sharedmem_get_many(segment, items, 3, NULL, 8, &out.length), -EINVAL);
    EXPECT_RESULT(sharedmem_get_many(segment, items, SIZE_MAX, buffer, 8, &out.length), -EINVAL);
    EXPECT_RESULT(sharedmem_get_many(segment, items, 3, buffer, SIZE_MAX, &out.length), -EINVAL);
    EXPECT_RESULT(sharedmem_get_many(NULL, items, 3, buffer, 8, &out.length), -EINVAL);
    items[1] = (sharedmem_item){NULL, 4, PATTERN, PATTERN};
    EXPECT_RESULT(sharedmem_get_many(segment, items, 3, buffer, 8, &out.length), -EINVAL);
    items[1] = (sharedmem_item){long_key, sizeof long_key, PATTERN, PATTERN};
    EXPECT_RESULT(sharedmem_get_many(segment, items, 3, buffer, 8, &out.length), -ENAMETOOLONG);
    EXPECT(is_untouched(out) && items[0].length == PATTERN && items[2].version == PATTERN);
    items[1] = before[1];
    for (int round = 0; round < 2; round++) {
        GIVES(sharedmem_get_many(round ? reader : segment, items, 3, buffer, 8, NULL));
        EXPECT(items[0].length == 1 && items[1].length == -1 && items[2].length == 5);
        EXPECT(items[0].version != 0 && items[1].version == 0 && items[2].version > items[0].version);
        EXPECT(buffer[0] == '1' && memcmp(buffer + 16, "22222", 5) == 0);
    }
    GIVES(sharedmem_get_many(segment, NULL, 0, NULL, 0, NULL));
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void keys_are_listed(void) {
    sharedmem_segment *segment = made("list", 0);
    struct outputs out = patterned();
    uint64_t cursor = 0, before;
    char buffer[SHAREDMEM_KEY_LIMIT], key[16];
    int found[100] = {0}, count = 0, number;
    for (int index = 0; index < 100; index++) {
        snprintf(key, sizeof key, "%s%d", index % 2 ? "odd." : "even.", index);
        GIVES(set_text(segment, key, "x"));
    }
    while (sharedmem_next_key(segment, KEY("odd."), &cursor, buffer, sizeof buffer, &out.length) == 0) {
        buffer[out.length] = 0;
        if (!EXPECT(sscanf(buffer, "odd.%d", &number) == 1 && number >= 0 && number < 100)) break;
        found[number]++;
        if (++count > 1000) break;
    }
    for (int index = 0; index < 100; index++) EXPECT(found[index] == index % 2);
    out = patterned();
    EXPECT_RESULT(sharedmem_next_key(segment, KEY("odd."), &cursor, buffer, 1, &out.length), -ENOENT);
    EXPECT(is_untouched(out));
    cursor = 0;
    EXPECT_RESULT(sharedmem_next_key(segment, KEY("even.0"), &cursor, buffer, 3, &out.length), -EMSGSIZE);
    EXPECT(out.length == 6 && cursor == 0);
    GIVES(sharedmem_next_key(segment, KEY("even.0"), &cursor, buffer, 6, NULL));
    EXPECT(memcmp(buffer, "even.0", 6) == 0);
    out = patterned();
    before = cursor;
    EXPECT_RESULT(sharedmem_next_key(segment, long_key, sizeof long_key, &(uint64_t){0}, buffer, 6, &out.length), -ENOENT);
    EXPECT_RESULT(sharedmem_next_key(segment, NULL, 1, &cursor, buffer, 6, &out.length), -EINVAL);
    EXPECT_RESULT(sharedmem_next_key(segment, NULL, 0, NULL, buffer, 6, &out.length), -EINVAL);
    EXPECT_RESULT(sharedmem_next_key(segment, NULL, 0, &cursor, NULL, 6, &out.length), -EINVAL);
    EXPECT_RESULT(sharedmem_next_key(NULL, NULL, 0, &cursor, buffer, 6, &out.length), -EINVAL);
    EXPECT(is_untouched(out) && cursor == before);
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

static void transactions_happen_at_once(void) {
    sharedmem_segment *segment = made("transactions", 0), *reader = reader_of("transactions");
    sharedmem_transaction *transaction = NULL;
    struct outputs out = patterned();
    uint64_t version = 0;
    char buffer[8];
    GIVES(set_text(segment, "from", "10"));
    EXPECT_RESULT(sharedmem_begin(NULL, (sharedmem_transaction **)&out.handle), -EINVAL);
    EXPECT_RESULT(sharedmem_begin(segment, NULL), -EINVAL);
    EXPECT(is_untouched(out));
    GIVES(sharedmem_begin(segment, &transaction));
    GIVES(sharedmem_transaction_get(transaction, KEY("from"), buffer, 8, &out.length, &out.version));
    EXPECT(out.length == 2 && memcmp(buffer, "10", 2) == 0 && out.version != 0);
    GIVES(sharedmem_transaction_set(transaction, KEY("to"), "10", 2));
    GIVES(sharedmem_transaction_delete(transaction, KEY("from")));
    EXPECT_RESULT(sharedmem_transaction_get(transaction, KEY("from"), buffer, 8, NULL, NULL), -ENOENT);
    GIVES(sharedmem_transaction_get(transaction, KEY("to"), buffer, 8, &out.length, NULL));
    EXPECT(has_text(segment, "from", "10"));
    EXPECT_RESULT(sharedmem_get(segment, KEY("to"), buffer, 8, NULL, NULL), -ENOENT);
    GIVES(sharedmem_commit(transaction, &version));
    EXPECT(has_text(segment, "to", "10"));
    EXPECT_RESULT(sharedmem_get(segment, KEY("from"), buffer, 8, NULL, NULL), -ENOENT);

    GIVES(sharedmem_begin(segment, &transaction));
    GIVES(sharedmem_transaction_get(transaction, KEY("to"), buffer, 8, NULL, NULL));
    GIVES(sharedmem_transaction_set(transaction, KEY("other"), "1", 1));
    GIVES(set_text(segment, "to", "11"));
    out = patterned();
    EXPECT_RESULT(sharedmem_commit(transaction, &out.version), -ESTALE);
    EXPECT_RESULT(sharedmem_get(segment, KEY("other"), buffer, 8, NULL, NULL), -ENOENT);

    GIVES(sharedmem_begin(segment, &transaction));
    GIVES(sharedmem_transaction_get(transaction, KEY("to"), buffer, 8, NULL, NULL));
    GIVES(set_text(segment, "to", "12"));
    GIVES(set_text(segment, "new", "12"));
    EXPECT_RESULT(sharedmem_transaction_get(transaction, KEY("new"), buffer, 8, &out.length, &out.version), -ESTALE);
    EXPECT(is_untouched(out));
    sharedmem_abort(transaction);

    GIVES(sharedmem_begin(reader, &transaction));
    GIVES(sharedmem_transaction_set(transaction, KEY("to"), "13", 2));
    EXPECT_RESULT(sharedmem_commit(transaction, &out.version), -EROFS);
    EXPECT(is_untouched(out) && has_text(segment, "to", "12"));
    EXPECT_RESULT(sharedmem_commit(NULL, &out.version), -EINVAL);
    sharedmem_close(reader);
    sharedmem_close(segment);
}

static void transaction_calls_fail(void) {
    sharedmem_segment *segment = made("transaction", 64 << 10);
    sharedmem_transaction *transaction = NULL;
    static char large[128 << 10];
    struct outputs out = patterned();
    char buffer[8];
    GIVES(set_text(segment, "key", "12345"));
    GIVES(sharedmem_begin(segment, &transaction));
    EXPECT_RESULT(sharedmem_transaction_get(transaction, NULL, 1, buffer, 8, &out.length, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_get(transaction, KEY("key"), NULL, 8, &out.length, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_get(NULL, KEY("key"), buffer, 8, &out.length, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_get(transaction, long_key, sizeof long_key, buffer, 8, &out.length, &out.version), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_transaction_set(transaction, NULL, 1, "x", 1), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_set(transaction, KEY("key"), NULL, 1), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_set(NULL, KEY("key"), "x", 1), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_set(transaction, long_key, sizeof long_key, "x", 1), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_transaction_delete(transaction, NULL, 1), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_delete(NULL, KEY("key")), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_delete(transaction, long_key, sizeof long_key), -ENAMETOOLONG);
    EXPECT(is_untouched(out));
    EXPECT_RESULT(sharedmem_transaction_get(transaction, KEY("key"), buffer, 2, &out.length, &out.version), -EMSGSIZE);
    EXPECT(out.length == 5 && out.version == PATTERN);
    out = patterned();
    EXPECT_RESULT(sharedmem_transaction_get(transaction, KEY("none"), buffer, 2, &out.length, &out.version), -ENOENT);
    EXPECT(out.length == PATTERN);
    out = patterned();
    GIVES(sharedmem_transaction_set(transaction, KEY("key"), large, sizeof large));
    EXPECT_RESULT(sharedmem_commit(transaction, &out.version), -ENOSPC);
    EXPECT(is_untouched(out) && has_text(segment, "key", "12345"));
    sharedmem_abort(NULL);
    sharedmem_close(segment);
}

/* A get's version of absence is one from which on a wait misses nothing and doesn't return at once. */
static void absence_has_a_version(void) {
    sharedmem_segment *segment = made("absence", 0);
    sharedmem_transaction *transaction = NULL;
    uint64_t deletion = 0, absent = 0, in_transaction = PATTERN;
    GIVES(set_text(segment, "key", "1"));
    GIVES(sharedmem_delete(segment, KEY("key"), &deletion));
    EXPECT_RESULT(sharedmem_get(segment, KEY("key"), NULL, 0, NULL, &absent), -ENOENT);
    EXPECT(absent >= deletion);
    EXPECT_RESULT(sharedmem_wait(segment, KEY("key"), absent, 0, NULL), -ETIMEDOUT);
    GIVES(sharedmem_begin(segment, &transaction));
    EXPECT_RESULT(sharedmem_transaction_get(transaction, KEY("key"), NULL, 0, NULL, &in_transaction), -ENOENT);
    EXPECT(in_transaction == 0);
    sharedmem_abort(transaction);
    sharedmem_close(segment);
}

static void lent_values_stay(void) {
    sharedmem_segment *segment = made("lent", 0), *reader = reader_of("lent");
    for (int round = 0; round < 2; round++) {
        sharedmem_borrowed *borrowed = NULL;
        const void *value = NULL;
        struct outputs out = patterned();
        uint64_t version = 0;
        GIVES(sharedmem_set(segment, KEY("key"), "as it was", 9, &version));
        GIVES(sharedmem_borrow(round ? reader : segment, KEY("key"), &borrowed, &value, &out.length, &out.version));
        EXPECT(out.length == 9 && out.version == version);
        for (int index = 0; index < 1000; index++) GIVES(set_text(segment, "key", "otherwise"));
        EXPECT(value && memcmp(value, "as it was", 9) == 0);
        sharedmem_return(borrowed);
    }
    struct outputs out = patterned();
    const void *value = (void *)PATTERN;
    sharedmem_borrowed **handle = (sharedmem_borrowed **)&out.handle;
    EXPECT_RESULT(sharedmem_borrow(segment, KEY("none"), handle, &value, &out.length, &out.version), -ENOENT);
    EXPECT(out.length == PATTERN && out.handle == (void *)PATTERN);
    out = patterned();
    EXPECT_RESULT(sharedmem_borrow(segment, long_key, sizeof long_key, handle, &value, &out.length, &out.version), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_borrow(segment, NULL, 1, handle, &value, &out.length, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_borrow(segment, KEY("key"), NULL, &value, &out.length, &out.version), -EINVAL);
    EXPECT_RESULT(sharedmem_borrow(NULL, KEY("key"), handle, &value, &out.length, &out.version), -EINVAL);
    EXPECT(is_untouched(out) && value == (void *)PATTERN);
    sharedmem_return(NULL);
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
    {"value_describe: each error", value_describe_fails},
    {"get_many: one moment, each error", many_keys_are_read_at_once},
    {"next_key: each key once, each error", keys_are_listed},
    {"key handles: get and set after the segment is closed, each error", key_handles_work},
    {"transactions: all at once, conflicts, read-only", transactions_happen_at_once},
    {"transactions: each error", transaction_calls_fail},
    {"an absent key has the version of its deletion, in a transaction 0", absence_has_a_version},
    {"borrowing: lent bytes stay, each error", lent_values_stay},
    {"strerror: words for every number", errors_have_words},
};

MAIN(facts)
