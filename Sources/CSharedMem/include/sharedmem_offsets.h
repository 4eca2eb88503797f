/* The offsets and sizes of sharedmem_layout.h as constants, for languages without offsetof and macros. */
#ifndef SHAREDMEM_OFFSETS_H
#define SHAREDMEM_OFFSETS_H

#include "sharedmem_layout.h"

#define SHAREDMEM_DATA_AT(field) offsetof(struct sharedmem_data_header, field)
#define SHAREDMEM_LOCK_AT(field) offsetof(struct sharedmem_lock_header, field)

/* The magics, for importers that don't understand UINT64_C. */
static const uint64_t sharedmem_data_magic = SHAREDMEM_DATA_MAGIC;
static const uint64_t sharedmem_lock_magic = SHAREDMEM_LOCK_MAGIC;

/* Offsets in the data file. */
enum {
    sharedmem_at_magic = SHAREDMEM_DATA_AT(magic),
    sharedmem_at_version_word = SHAREDMEM_DATA_AT(major), /* major, minor, header_byte_count as one word */
    sharedmem_at_required_features = SHAREDMEM_DATA_AT(required_features),
    sharedmem_at_optional_features = SHAREDMEM_DATA_AT(optional_features),
    sharedmem_at_segment_id = SHAREDMEM_DATA_AT(segment_id),
    sharedmem_at_generation = SHAREDMEM_DATA_AT(generation),
    sharedmem_at_hash_seed = SHAREDMEM_DATA_AT(hash_seed),
    sharedmem_at_data_byte_count = SHAREDMEM_DATA_AT(data_byte_count),
    sharedmem_at_lock_byte_count = SHAREDMEM_DATA_AT(lock_byte_count),
    sharedmem_at_index = SHAREDMEM_DATA_AT(index),
    sharedmem_at_heap = SHAREDMEM_DATA_AT(heap),
    sharedmem_at_ring = SHAREDMEM_DATA_AT(ring),
    sharedmem_at_home_bucket_count = SHAREDMEM_DATA_AT(home_bucket_count),
    sharedmem_at_created_at = SHAREDMEM_DATA_AT(created_at),
    sharedmem_at_checksum = SHAREDMEM_DATA_AT(checksum),
    sharedmem_at_state = SHAREDMEM_DATA_AT(state),
    sharedmem_at_reuse_epoch = SHAREDMEM_DATA_AT(reuse_epoch),
    sharedmem_at_commit_number = SHAREDMEM_DATA_AT(commit_number),
    sharedmem_at_ring_position = SHAREDMEM_DATA_AT(ring_position),
    sharedmem_at_ring_gap = SHAREDMEM_DATA_AT(ring_gap),
    sharedmem_at_ring_version = SHAREDMEM_DATA_AT(ring_version),
    sharedmem_at_watch_notify = SHAREDMEM_DATA_AT(watch.notify),
    sharedmem_at_watched = SHAREDMEM_DATA_AT(watch.watched),
    sharedmem_at_watched_stripes = SHAREDMEM_DATA_AT(watch.watched_stripes),
    sharedmem_at_stripes = SHAREDMEM_DATA_AT(stripes),
    sharedmem_data_header_size = sizeof(struct sharedmem_data_header)
};

/* Offsets in a stripe, an entry of the change ring, a bucket, a record and a free block. */
enum {
    sharedmem_stripe_size = sizeof(struct sharedmem_stripe),
    sharedmem_stripe_last_deletion = offsetof(struct sharedmem_stripe, last_deletion),
    sharedmem_change_key = offsetof(struct sharedmem_ring_entry, key),
    sharedmem_change_more = offsetof(struct sharedmem_ring_entry, more),
    sharedmem_bucket_size = sizeof(struct sharedmem_bucket),
    sharedmem_bucket_tags = offsetof(struct sharedmem_bucket, tags_and_reach),
    sharedmem_record_size = sizeof(struct sharedmem_record),
    sharedmem_record_version = offsetof(struct sharedmem_record, version),
    sharedmem_record_written_at = offsetof(struct sharedmem_record, written_at),
    sharedmem_record_expires_at = offsetof(struct sharedmem_record, expires_at),
    sharedmem_record_lengths = offsetof(struct sharedmem_record, lengths),
    sharedmem_record_session = offsetof(struct sharedmem_record, session),
    sharedmem_record_link = offsetof(struct sharedmem_record, link),
    sharedmem_record_retire_epoch = offsetof(struct sharedmem_record, retire_epoch),
    sharedmem_record_type = offsetof(struct sharedmem_record, type), /* type, flags, spare as one 32-bit word */
    sharedmem_free_block_granule_count = offsetof(struct sharedmem_free_block, granule_count),
    sharedmem_free_block_next = offsetof(struct sharedmem_free_block, next),
    sharedmem_free_block_previous = offsetof(struct sharedmem_free_block, previous),
    sharedmem_free_block_last = offsetof(struct sharedmem_free_block, last)
};

/* Offsets in the lock file. */
enum {
    sharedmem_lock_at_magic = SHAREDMEM_LOCK_AT(magic),
    sharedmem_lock_at_version_word = SHAREDMEM_LOCK_AT(major),
    sharedmem_lock_at_segment_id = SHAREDMEM_LOCK_AT(segment_id),
    sharedmem_lock_at_generation = SHAREDMEM_LOCK_AT(generation),
    sharedmem_lock_at_lock_byte_count = SHAREDMEM_LOCK_AT(lock_byte_count),
    sharedmem_lock_at_pins = SHAREDMEM_LOCK_AT(pins),
    sharedmem_lock_at_edges = SHAREDMEM_LOCK_AT(edges),
    sharedmem_lock_at_checksum = SHAREDMEM_LOCK_AT(checksum),
    sharedmem_lock_at_lock_word = SHAREDMEM_LOCK_AT(lock_word),
    sharedmem_lock_at_taken_at = SHAREDMEM_LOCK_AT(taken_at),
    sharedmem_lock_at_current_generation = SHAREDMEM_LOCK_AT(current_generation),
    sharedmem_lock_at_retired_at = SHAREDMEM_LOCK_AT(retired_at),
    sharedmem_lock_at_undo_state = SHAREDMEM_LOCK_AT(intent.undo_state),
    sharedmem_lock_at_intent_version = SHAREDMEM_LOCK_AT(intent.version),
    sharedmem_lock_at_intent_slot = SHAREDMEM_LOCK_AT(intent.slot),
    sharedmem_lock_at_intent_old_reference = SHAREDMEM_LOCK_AT(intent.old_reference),
    sharedmem_lock_at_intent_new_reference = SHAREDMEM_LOCK_AT(intent.new_reference),
    sharedmem_lock_at_intent_limbo_ends = SHAREDMEM_LOCK_AT(intent.limbo_ends),
    sharedmem_lock_at_intent_counts = SHAREDMEM_LOCK_AT(intent.counts),
    sharedmem_lock_at_intent_state = SHAREDMEM_LOCK_AT(intent.state),
    sharedmem_lock_at_taken_granules = SHAREDMEM_LOCK_AT(intent.taken_granules),
    sharedmem_lock_at_undo = SHAREDMEM_LOCK_AT(undo),
    sharedmem_lock_at_limbo_head = SHAREDMEM_LOCK_AT(limbo_head),
    sharedmem_lock_at_limbo_tail = SHAREDMEM_LOCK_AT(limbo_tail),
    sharedmem_lock_at_limbo_granules = SHAREDMEM_LOCK_AT(limbo_granules),
    sharedmem_lock_at_free_granules = SHAREDMEM_LOCK_AT(free_granules),
    sharedmem_lock_at_first_level_map = SHAREDMEM_LOCK_AT(first_level_map),
    sharedmem_lock_at_record_count = SHAREDMEM_LOCK_AT(record_count),
    sharedmem_lock_at_counters = SHAREDMEM_LOCK_AT(counters),
    sharedmem_lock_at_transaction_list = SHAREDMEM_LOCK_AT(transaction.list),
    sharedmem_lock_at_transaction_version = SHAREDMEM_LOCK_AT(transaction.version),
    sharedmem_lock_at_transaction_count = SHAREDMEM_LOCK_AT(transaction.count),
    sharedmem_lock_at_transaction_limbo_ends = SHAREDMEM_LOCK_AT(transaction.limbo_ends),
    sharedmem_lock_at_transaction_counts = SHAREDMEM_LOCK_AT(transaction.counts),
    sharedmem_transaction_entry_size = sizeof(struct sharedmem_transaction_entry),
    sharedmem_lock_at_pin_group_map = SHAREDMEM_LOCK_AT(pin_group_map),
    sharedmem_lock_at_pin_map = SHAREDMEM_LOCK_AT(pin_map),
    sharedmem_lock_at_second_level_maps = SHAREDMEM_LOCK_AT(second_level_maps),
    sharedmem_lock_at_lists = SHAREDMEM_LOCK_AT(lists),
    sharedmem_lock_header_size = sizeof(struct sharedmem_lock_header),
    sharedmem_pin_size = sizeof(struct sharedmem_pin)
};

#endif
