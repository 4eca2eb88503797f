/* Every function that works through a handle, as one table: what one of them gives in some state, all of them give. */
#ifndef CALLS_H
#define CALLS_H

#include "facts.h"

/* What the calls work on. */
struct place {
    sharedmem_segment *segment;
    sharedmem_key_handle *handle;
    sharedmem_watch *watch;
    const void *key;
    size_t key_length;
};

/* Everything that a call may store. */
struct stored {
    struct outputs out;
    const void *value_pointer;
    uint64_t cursor;
    sharedmem_value_info info;
    sharedmem_change change;
    sharedmem_lock_holder holder;
    sharedmem_item item;
};

#define READS 1u     /* looks for the key */
#define WRITES 2u    /* changes the key, or adds it */
#define ADDS 4u      /* of those that write: needs memory for a value */
#define NAMES 8u     /* is given the key, not a handle of it */
#define WAITS 16u    /* asks the daemon to watch, or sleeps */
#define ASKS 32u     /* asks the daemon each time, whatever it asks */

struct call {
    const char *name;
    int (*make)(struct place *place, struct stored *stored);
    unsigned kinds;
};

static int call_get(struct place *place, struct stored *stored) {
    char buffer[64];
    return sharedmem_get(place->segment, place->key, place->key_length, buffer, sizeof buffer, &stored->out.length,
                         &stored->out.version);
}

static int call_value_describe(struct place *place, struct stored *stored) {
    return sharedmem_value_describe(place->segment, place->key, place->key_length, &stored->info);
}

static int call_get_with(struct place *place, struct stored *stored) {
    char buffer[64];
    return sharedmem_get_with(place->segment, place->key, place->key_length, buffer, sizeof buffer, &stored->info);
}

static int call_get_many(struct place *place, struct stored *stored) {
    char buffer[64];
    stored->item.key = place->key;
    stored->item.key_length = place->key_length;
    int result = sharedmem_get_many(place->segment, &stored->item, 1, buffer, sizeof buffer, &stored->out.length);
    stored->item.key = (void *)PATTERN;
    stored->item.key_length = PATTERN;
    return result;
}

static int call_next_key(struct place *place, struct stored *stored) {
    char buffer[SHAREDMEM_KEY_LIMIT];
    stored->cursor = 0;
    int result = sharedmem_next_key(place->segment, NULL, 0, &stored->cursor, buffer, sizeof buffer, &stored->out.length);
    if (stored->cursor == 0) stored->cursor = PATTERN;
    return result;
}

static int call_key_get(struct place *place, struct stored *stored) {
    char buffer[64];
    return sharedmem_key_get(place->handle, buffer, sizeof buffer, &stored->out.length, &stored->out.version);
}

static int call_borrow(struct place *place, struct stored *stored) {
    return sharedmem_borrow(place->segment, place->key, place->key_length, (sharedmem_borrowed **)&stored->out.handle,
                            &stored->value_pointer, &stored->out.length, &stored->out.version);
}

static int call_transaction_get(struct place *place, struct stored *stored) {
    sharedmem_transaction *transaction = NULL;
    char buffer[64];
    int result = sharedmem_begin(place->segment, &transaction);
    if (result == 0) {
        result = sharedmem_transaction_get(transaction, place->key, place->key_length, buffer, sizeof buffer,
                                           &stored->out.length, &stored->out.version);
    }
    sharedmem_abort(transaction);
    return result;
}

static int call_set(struct place *place, struct stored *stored) {
    return sharedmem_set(place->segment, place->key, place->key_length, "value", 5, &stored->out.version);
}

static int call_compare_and_set(struct place *place, struct stored *stored) {
    return sharedmem_compare_and_set(place->segment, place->key, place->key_length, "value", 5, 0, &stored->out.version);
}

static int call_set_with(struct place *place, struct stored *stored) {
    sharedmem_set_options options = {.size = sizeof options, .expires_in_ms = 3600000, .type = SHAREDMEM_VALUE_TEXT};
    return sharedmem_set_with(place->segment, place->key, place->key_length, "value", 5, &options, &stored->out.version);
}

static int call_delete(struct place *place, struct stored *stored) {
    return sharedmem_delete(place->segment, place->key, place->key_length, &stored->out.version);
}

static int call_compare_and_delete(struct place *place, struct stored *stored) {
    return sharedmem_compare_and_delete(place->segment, place->key, place->key_length, 1, &stored->out.version);
}

static int call_sweep_expired(struct place *place, struct stored *stored) {
    return sharedmem_sweep_expired(place->segment, &stored->out.version);
}

static int call_add(struct place *place, struct stored *stored) {
    return sharedmem_add(place->segment, place->key, place->key_length, 1, &stored->out.value);
}

static int call_key_set(struct place *place, struct stored *stored) {
    return sharedmem_key_set(place->handle, "value", 5, &stored->out.version);
}

/* The first error of a transaction's calls is what it gives. */
static int commit_after(sharedmem_transaction *transaction, int result, struct stored *stored) {
    if (result == 0) return sharedmem_commit(transaction, &stored->out.version);
    sharedmem_abort(transaction);
    return result;
}

static int call_transaction_set(struct place *place, struct stored *stored) {
    sharedmem_transaction *transaction = NULL;
    int result = sharedmem_begin(place->segment, &transaction);
    if (result == 0) result = sharedmem_transaction_set(transaction, place->key, place->key_length, "value", 5);
    return commit_after(transaction, result, stored);
}

static int call_transaction_set_with(struct place *place, struct stored *stored) {
    sharedmem_set_options options = {.size = sizeof options, .expires_in_ms = 3600000, .type = SHAREDMEM_VALUE_TEXT};
    sharedmem_transaction *transaction = NULL;
    int result = sharedmem_begin(place->segment, &transaction);
    if (result == 0) {
        result = sharedmem_transaction_set_with(transaction, place->key, place->key_length, "value", 5, &options);
    }
    return commit_after(transaction, result, stored);
}

static int call_transaction_delete(struct place *place, struct stored *stored) {
    sharedmem_transaction *transaction = NULL;
    int result = sharedmem_begin(place->segment, &transaction);
    if (result == 0) result = sharedmem_transaction_delete(transaction, place->key, place->key_length);
    return commit_after(transaction, result, stored);
}

static int call_key(struct place *place, struct stored *stored) {
    return sharedmem_key(place->segment, place->key, place->key_length, (sharedmem_key_handle **)&stored->out.handle);
}

static int call_wait(struct place *place, struct stored *stored) {
    return sharedmem_wait(place->segment, place->key, place->key_length, UINT64_MAX - 1, 60000, &stored->out.version);
}

static int call_watch_open(struct place *place, struct stored *stored) {
    return sharedmem_watch_open(place->segment, place->key, place->key_length, 0, (sharedmem_watch **)&stored->out.handle);
}

static int call_watch_next(struct place *place, struct stored *stored) {
    return sharedmem_watch_next(place->watch, 60000, &stored->change);
}

static int call_lock_describe(struct place *place, struct stored *stored) {
    return sharedmem_lock_describe(place->segment, &stored->holder);
}

static const struct call calls[] = {
#define CALL(name, kinds) { #name, call_##name, kinds }
    CALL(get, READS | NAMES),
    CALL(value_describe, READS | NAMES),
    CALL(get_with, READS | NAMES),
    CALL(get_many, READS | NAMES),
    CALL(next_key, READS),
    CALL(key_get, READS),
    CALL(borrow, READS | NAMES),
    CALL(transaction_get, READS | NAMES),
    CALL(set, WRITES | ADDS | NAMES),
    CALL(compare_and_set, WRITES | ADDS | NAMES),
    CALL(set_with, WRITES | ADDS | NAMES),
    CALL(delete, WRITES | NAMES),
    CALL(compare_and_delete, WRITES | NAMES),
    CALL(sweep_expired, READS),
    CALL(add, WRITES | ADDS | NAMES),
    CALL(key_set, WRITES | ADDS),
    CALL(transaction_set, WRITES | ADDS | NAMES),
    CALL(transaction_set_with, WRITES | ADDS | NAMES),
    CALL(transaction_delete, WRITES | NAMES),
    CALL(key, NAMES),
    CALL(wait, WAITS | NAMES),
    CALL(watch_open, WAITS | NAMES),
    CALL(watch_next, WAITS),
    CALL(lock_describe, ASKS),
#undef CALL
};

/* Expects one result of each function that has all of these kinds, and that it stores nothing. */
static inline void each_gives(struct place *place, unsigned kinds, int expected) {
    int count = 0;
    for (size_t index = 0; index < sizeof calls / sizeof *calls; index++) {
        if ((calls[index].kinds & kinds) != kinds) continue;
        struct stored stored, before;
        char text[128];
        memset(&stored, 0x5a, sizeof stored);
        stored.info.size = sizeof stored.info;
        stored.change.size = sizeof stored.change;
        stored.holder.size = sizeof stored.holder;
        memcpy(&before, &stored, sizeof stored);
        expect_result(calls[index].make(place, &stored), expected, calls[index].name, __FILE__, __LINE__);
        snprintf(text, sizeof text, "%s stores nothing with %s", calls[index].name, sharedmem_strerror(expected));
        expect(memcmp(&before, &stored, sizeof stored) == 0, text, __FILE__, __LINE__);
        count++;
    }
    EXPECT(count > 0);
}

/* A place of a segment, with this key. */
static inline struct place place_of(sharedmem_segment *segment, const char *key) {
    struct place place = {.segment = segment, .key = key, .key_length = strlen(key)};
    GIVES(sharedmem_key(segment, KEY(key), &place.handle));
    GIVES(sharedmem_watch_open(segment, KEY(key), 0, &place.watch));
    return place;
}

static inline void leave(struct place place) {
    sharedmem_watch_close(place.watch);
    sharedmem_key_free(place.handle);
    sharedmem_close(place.segment);
}

#endif
