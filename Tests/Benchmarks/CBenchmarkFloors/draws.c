#include <stdio.h>
#include <stdlib.h>

#include "CBenchmarkFloors.h"

/* Draws of few keys are a longer list, so that the processor can't learn their order. */
static const size_t least_draws = 1 << 12;

static uint64_t random_state = 0x5eed;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t random_number(void) {
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void benchmark_key(uint64_t number, void *key) {
    char text[17] = "key-000000000000";
    for (int i = 15; number; number /= 10) text[i--] = (char)('0' + number % 10);
    memcpy(key, text, 16);
}

static void shuffle(uint32_t *numbers, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)((__uint128_t)random_number() * i >> 64);
        uint32_t other = numbers[j];
        numbers[j] = numbers[i - 1];
        numbers[i - 1] = other;
    }
}

/* Fills in a permutation of all keys, again and again. */
static int fill(struct benchmark_draw *draws, size_t count, size_t key_count) {
    uint32_t *numbers = malloc(key_count * sizeof *numbers);
    if (!numbers) return 0;
    for (size_t i = 0; i < key_count; i++) numbers[i] = (uint32_t)i;
    for (size_t i = 0; i < count; i++) {
        if (i % key_count == 0) shuffle(numbers, key_count);
        draws[i].number = numbers[i % key_count];
        benchmark_key(draws[i].number, draws[i].key);
    }
    free(numbers);
    return 1;
}

struct benchmark_draws *benchmark_draws_make(size_t key_count, size_t limit, int is_writable) {
    struct benchmark_draws *draws = calloc(1, sizeof *draws);
    if (!draws) return NULL;
    /* Whole permutations: each key as often as any other. */
    size_t count = key_count < limit ? key_count : limit;
    if (count < least_draws) count *= (least_draws + count - 1) / count;
    struct benchmark_draw *list = malloc(count * sizeof *list);
    draws->draws = list;
    draws->count = count;
    draws->key_count = key_count;
    if (is_writable) draws->values = aligned_alloc(64, key_count * BENCHMARK_VALUE_SIZE);
    if (!list || (is_writable && !draws->values) || !fill(list, count, key_count)) {
        benchmark_draws_free(draws);
        return NULL;
    }
    if (is_writable)
        for (size_t i = 0; i < key_count; i++) benchmark_value(i, 0, draws->values + i * 8);
    return draws;
}

void benchmark_draws_free(struct benchmark_draws *draws) {
    free((void *)draws->draws);
    free(draws->values);
    free(draws);
}

void benchmark_next_generation(struct benchmark_draws *draws) {
    draws->generation += 1;
    for (size_t i = 0; i < draws->key_count; i++) benchmark_value(i, draws->generation, draws->values + i * 8);
}

int benchmark_is_whole_value(const void *value, uint64_t number, uint64_t generation, enum benchmark_check check) {
    uint64_t words[8];
    memcpy(words, value, sizeof words);
    uint64_t found = words[0] - benchmark_word(number, 0, 0);
    if (found > generation || (check == BENCHMARK_CHECK_NEWEST && found != generation)) return 0;
    for (int i = 1; i < 8; i++)
        if (words[i] != benchmark_word(number, found, i)) return 0;
    return 1;
}
