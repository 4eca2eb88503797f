/* The floors that the store is measured against: the least that copying shared bytes consistently can cost in C. */
#ifndef CBENCHMARKFLOORS_H
#define CBENCHMARKFLOORS_H

#include <stddef.h>
#include <stdint.h>

/* A table of sequence-locked values with a hash look-up: open addressing, 16-byte keys, 64-byte values. */
struct floor_table;

/* Makes a table with room for count keys; NULL without memory. */
struct floor_table *floor_table_make(size_t count);
void floor_table_free(struct floor_table *table);
/* Adds a key; keys are added before anything is measured. */
void floor_table_add(struct floor_table *table, const void *key);
/* Copies a key's 64 bytes into value under its sequence number; 0 if there is no such key. */
int floor_table_get(const struct floor_table *table, const void *key, void *value);
/* Replaces a key's 64 bytes under the table's lock word and the key's sequence number; 0 if there is no such key. */
int floor_table_set(struct floor_table *table, const void *key, const void *value);

/* memcpy of count bytes that the compiler can't see through. */
void floor_copy(void *target, const void *source, size_t count);

#endif
