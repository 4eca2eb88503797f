/* Reading more than a value: what is known of it, many at once, all keys, and values where they are. */
#include "facts.h"

static char long_key[SHAREDMEM_KEY_LIMIT + 1];

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

static void values_come_with_what_is_known(void) {
    sharedmem_segment *segment = made("get-with", 0), *reader = reader_of("get-with");
    sharedmem_set_options options = {.size = sizeof options, .type = 200, .expires_in_ms = 3600000};
    sharedmem_value_info info = {.size = sizeof info}, described = {.size = sizeof described}, before;
    uint64_t version = 0, deletion = 0;
    char buffer[8] = {0};
    GIVES(sharedmem_set_with(segment, KEY("key"), "value", 5, &options, &version));
    for (int round = 0; round < 2; round++) {
        GIVES(sharedmem_get_with(round ? reader : segment, KEY("key"), buffer, sizeof buffer, &info));
        GIVES(sharedmem_value_describe(segment, KEY("key"), &described));
        EXPECT(memcmp(buffer, "value", 5) == 0 && info.length == 5 && info.version == version && info.type == 200);
        EXPECT(memcmp(&info, &described, sizeof info) == 0 && info.expires_at != 0 && info.written_at != 0);
    }
    GIVES(sharedmem_set(segment, KEY("empty"), NULL, 0, NULL));
    GIVES(sharedmem_get_with(segment, KEY("empty"), NULL, 0, &info));
    EXPECT(info.length == 0 && info.type == SHAREDMEM_VALUE_BYTES && info.expires_at == 0);

    memset(&before, 0x5a, sizeof before);
    before.size = sizeof before;
    info = before;
    EXPECT_RESULT(sharedmem_get_with(segment, long_key, sizeof long_key, buffer, sizeof buffer, &info), -ENAMETOOLONG);
    EXPECT_RESULT(sharedmem_get_with(segment, NULL, 1, buffer, sizeof buffer, &info), -EINVAL);
    EXPECT_RESULT(sharedmem_get_with(segment, KEY("key"), NULL, 1, &info), -EINVAL);
    EXPECT_RESULT(sharedmem_get_with(segment, KEY("key"), buffer, sizeof buffer, NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_get_with(NULL, KEY("key"), buffer, sizeof buffer, &info), -EINVAL);
    EXPECT(memcmp(&info, &before, sizeof info) == 0);
    EXPECT_RESULT(sharedmem_get_with(segment, KEY("key"), buffer, 4, &info), -EMSGSIZE);
    EXPECT(info.length == 5);
    info.length = before.length;
    EXPECT(memcmp(&info, &before, sizeof info) == 0);
    GIVES(sharedmem_delete(segment, KEY("key"), &deletion));
    EXPECT_RESULT(sharedmem_get_with(segment, KEY("key"), buffer, sizeof buffer, &info), -ENOENT);
    EXPECT(info.version >= deletion && info.version != before.version);
    EXPECT_RESULT(sharedmem_wait(segment, KEY("key"), info.version, 0, NULL), -ETIMEDOUT);
    info.version = before.version;
    EXPECT(memcmp(&info, &before, sizeof info) == 0);
    sharedmem_close(reader);
    sharedmem_close(segment);
}

/* Sets a number and its half, of two types, so that value, type and version must be of one set. */
static void set_pairs(void) {
    sharedmem_segment *segment = NULL;
    if (sharedmem_open(NULL, "pairs", SHAREDMEM_READ_WRITE, &segment) != 0) _exit(1);
    for (uint64_t number = 1;; number++) {
        uint64_t value[4] = {number, number, number, number};
        sharedmem_set_options options = {.size = sizeof options, .type = 128 + number % 4, .expires_in_ms = 3600000};
        sharedmem_set_with(segment, KEY("key"), value, 8 * (1 + number % 4), &options, NULL);
    }
}

static void what_is_known_belongs_to_the_value(void) {
    sharedmem_segment *segment = made("pairs", 0);
    sharedmem_value_info info = {.size = sizeof info};
    uint64_t value[4], last = 0;
    int changes = 0;
    GIVES(sharedmem_set(segment, KEY("key"), NULL, 0, NULL));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) set_pairs();
    for (int round = 0; round < 100000000 && changes < 100000; round++) {
        if (!GIVES(sharedmem_get_with(segment, KEY("key"), value, sizeof value, &info))) break;
        if (info.type == SHAREDMEM_VALUE_BYTES) continue;
        if (!EXPECT(info.type == 128 + value[0] % 4 && info.length == 8 * (1 + value[0] % 4))) break;
        /* One set, one version: both grow by the same. */
        if (!EXPECT(last == 0 || info.version - value[0] == last)) break;
        if (last != 0) changes++;
        last = info.version - value[0];
    }
    EXPECT(changes == 100000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
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

static const struct fact facts[] = {
    {"value_describe: each error", value_describe_fails},
    {"get_with: what value_describe says, each error", values_come_with_what_is_known},
    {"get_with: value, type and version are of one set beside a writer that never pauses", what_is_known_belongs_to_the_value},
    {"get_many: one moment, each error", many_keys_are_read_at_once},
    {"next_key: each key once, each error", keys_are_listed},
    {"an absent key has the version of its deletion, in a transaction 0", absence_has_a_version},
    {"borrowing: lent bytes stay, each error", lent_values_stay},
};

MAIN(facts)
