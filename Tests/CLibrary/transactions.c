/* Transactions: all at once or nothing, and what each call returns and stores. */
#include "facts.h"

static char long_key[SHAREDMEM_KEY_LIMIT + 1];

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

static void options_are_obeyed(void) {
    sharedmem_segment *segment = made("transaction-with", 0);
    sharedmem_transaction *transaction = NULL;
    sharedmem_set_options typed = {.size = sizeof typed, .type = SHAREDMEM_VALUE_TEXT, .expires_in_ms = 3600000};
    sharedmem_set_options expecting = {.size = sizeof expecting, .has_expected_version = 1};
    sharedmem_set_options short_lived = {.size = sizeof short_lived, .expires_in_ms = 1};
    sharedmem_value_info info = {.size = sizeof info};
    struct outputs out = patterned();
    uint64_t first = 0, version = 0;
    char buffer[8];
    GIVES(sharedmem_set(segment, KEY("key"), "1", 1, &first));
    GIVES(sharedmem_begin(segment, &transaction));
    GIVES(sharedmem_transaction_set_with(transaction, KEY("typed"), "one", 3, &typed));
    GIVES(sharedmem_transaction_set_with(transaction, KEY("plain"), "one", 3, NULL));
    GIVES(sharedmem_transaction_set_with(transaction, KEY("short"), "one", 3, &short_lived));
    GIVES(sharedmem_transaction_set_with(transaction, KEY("new"), "one", 3, &expecting));
    expecting.expected_version = first;
    GIVES(sharedmem_transaction_set_with(transaction, KEY("key"), "2", 1, &expecting));
    GIVES(sharedmem_commit(transaction, &version));
    GIVES(sharedmem_value_describe(segment, KEY("typed"), &info));
    EXPECT(info.type == SHAREDMEM_VALUE_TEXT && info.expires_at != 0 && info.version == version);
    GIVES(sharedmem_value_describe(segment, KEY("plain"), &info));
    EXPECT(info.type == SHAREDMEM_VALUE_BYTES && info.expires_at == 0 && info.version == version);
    EXPECT(has_text(segment, "key", "2") && has_text(segment, "new", "one"));
    GIVES(sharedmem_wait(segment, KEY("short"), version, 60000, NULL));
    EXPECT_RESULT(sharedmem_get(segment, KEY("short"), NULL, 0, NULL, NULL), -ENOENT);

    /* What wasn't read is compared by the commit, what was at once. */
    GIVES(sharedmem_begin(segment, &transaction));
    GIVES(sharedmem_transaction_set_with(transaction, KEY("key"), "3", 1, &expecting));
    GIVES(sharedmem_transaction_set(transaction, KEY("other"), "3", 1));
    EXPECT_RESULT(sharedmem_commit(transaction, &out.version), -ESTALE);
    EXPECT_RESULT(sharedmem_get(segment, KEY("other"), NULL, 0, NULL, NULL), -ENOENT);
    GIVES(sharedmem_begin(segment, &transaction));
    GIVES(sharedmem_transaction_get(transaction, KEY("key"), buffer, sizeof buffer, NULL, NULL));
    EXPECT_RESULT(sharedmem_transaction_set_with(transaction, KEY("key"), "3", 1, &expecting), -ESTALE);
    EXPECT(is_untouched(out) && has_text(segment, "key", "2"));

    EXPECT_RESULT(sharedmem_transaction_set_with(transaction, NULL, 1, "3", 1, NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_set_with(transaction, KEY("key"), NULL, 1, NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_set_with(NULL, KEY("key"), "3", 1, NULL), -EINVAL);
    EXPECT_RESULT(sharedmem_transaction_set_with(transaction, long_key, sizeof long_key, "3", 1, NULL), -ENAMETOOLONG);
    typed.type = 256;
    EXPECT_RESULT(sharedmem_transaction_set_with(transaction, KEY("key"), "3", 1, &typed), -EINVAL);
    expecting.has_expected_version = 2;
    EXPECT_RESULT(sharedmem_transaction_set_with(transaction, KEY("key"), "3", 1, &expecting), -EINVAL);
    sharedmem_abort(transaction);
    sharedmem_close(segment);
}

static const struct fact facts[] = {
    {"transactions: all at once, conflicts, read-only", transactions_happen_at_once},
    {"transactions: each error", transaction_calls_fail},
    {"transaction_set_with: type, expiry, condition, each error", options_are_obeyed},
};

MAIN(facts)
