/* Publish and validate: a reader that stores nothing, beside writers that reuse the memory it is reading.
 *
 * Stands for:
 *   SharedMemStore/Store+Read.swift: attempt read
 *   SharedMemStore/Reading.swift: isValid
 *   SharedMemStore/Store+Write.swift: fill publish
 *   SharedMemStore/Store+Limbo.swift: isReclaimable moveEpoch allocate
 *
 * Memory is weaker than x86's. A writer's stores reach the reader in any order but for what fences and releasing stores
 * forbid: pending[] is what the reader doesn't see yet, after[] what it must see before. Writers see each other's stores
 * at once (they hand over the lock word), but a fence orders only the stores of the process that made it: before each
 * change another process may go on, which has fenced nothing yet. A word has at most one store on its way. The reader
 * loads a record's words in any order, and the words that it validates against too.
 *
 * Two keys share BLOCKS blocks: K, which is always there and is read, and J. A record is three words: version, key,
 * value; the value is the version again.
 *
 * Claims: what is believed is one whole record of K, the one that the entry names; K is never taken for another key's,
 * and so is never missed; two gets see versions in their order.
 */
#ifndef BLOCKS
#define BLOCKS 2
#endif
#ifndef CHANGES
#define CHANGES 4
#endif
#ifndef READS
#define READS 1
#endif
#define LOW_HALF 16 /* a reference is block * 16 + version */

/* Places: E, the entry, three words a block. */
#define EPOCH 0
#define ENTRY 1
#define VERSION(block) (2 + (block) * 3)
#define KEY(block) (3 + (block) * 3)
#define VALUE(block) (4 + (block) * 3)
#define PLACES (2 + BLOCKS * 3)
#define K 1
#define J 2

byte written[PLACES], seen[PLACES]; /* what the writers have stored; what the reader sees */
short pending, after[PLACES];
short fenced;                       /* what was on its way when the process that writes now fenced last */

inline storeAfter(place, new, mask) {
    atomic {
        (!(pending & (1 << (place))));
        if
        :: written[place] != (new) ->
            written[place] = new;
            after[place] = mask;
            pending = pending | (1 << (place))
        :: else -> skip
        fi
    }
}
#define STORE(place, new) storeAfter(place, new, fenced)
#define STORE_RELEASING(place, new) storeAfter(place, new, pending)
#define FENCE_RELEASING fenced = pending

/* A store arrives: nothing waits for it any more. */
inline arrive(place) {
    d_step {
        (pending & (1 << place)) && !(after[place] & pending) ->
        seen[place] = written[place];
        after[place] = 0;
        pending = pending & ~(1 << place);
        fenced = fenced & ~(1 << place);
        at = 0;
        do
        :: at < PLACES -> after[at] = after[at] & ~(1 << place); at++
        :: else -> break
        od;
        at = 0
    }
}

active proctype Memory() {
    byte at;
end:
    do
    :: arrive(0)
    :: arrive(1)
    :: arrive(2)
    :: arrive(3)
    :: arrive(4)
    :: arrive(5)
    :: arrive(6)
    :: arrive(7)
#if BLOCKS > 2
    :: arrive(8)
    :: arrive(9)
    :: arrive(10)
#endif
    od
}

/* What writers alone know: what becomes of each block, and the epoch of its retirement. */
#define FREE 0
#define LIVE 1
#define LIMBO 2
byte use[BLOCKS], retired[BLOCKS];

#if defined(MUTANT_REUSED_AFTER_ONE_MOVE) || defined(MUTANT_EPOCH_MOVED_AFTER_THE_FILL)
#define AGE 1
#else
#define AGE 2
#endif

inline moveEpoch() {
#ifndef MUTANT_EPOCH_NOT_FENCED
    FENCE_RELEASING;
#endif
    STORE(EPOCH, written[EPOCH] + 1);
#ifndef MUTANT_FILLED_BEFORE_THE_EPOCH_IS_SEEN
    FENCE_RELEASING;
#endif
    skip
}

inline fill(which, version, key) {
#if !defined(MUTANT_FILLED_BEFORE_THE_EPOCH_IS_SEEN) && !defined(MUTANT_FILL_NOT_FENCED)
    FENCE_RELEASING;
#endif
    STORE(VERSION(which), version);
    STORE(KEY(which), key);
    STORE(VALUE(which), version)
}

inline publish(which, version) {
#ifdef MUTANT_PUBLISHED_RELAXED
    STORE(ENTRY, which * LOW_HALF + version)
#else
    STORE_RELEASING(ENTRY, which * LOW_HALF + version)
#endif
}

/* Writers, one after the other under the lock word. */
active proctype Writer() {
    byte version = 1, block, old, oldOfJ = BLOCKS;
    d_step {
        written[VERSION(0)] = 1; written[KEY(0)] = K; written[VALUE(0)] = 1; written[ENTRY] = 1;
        seen[VERSION(0)] = 1; seen[KEY(0)] = K; seen[VALUE(0)] = 1; seen[ENTRY] = 1;
        use[0] = LIVE
    };
    do
    :: version <= CHANGES ->
        /* Perhaps another process: it hasn't fenced. It may also end without a change: its set failed. */
        if :: fenced = 0 :: skip fi;
        if :: written[EPOCH] < 4 -> moveEpoch() :: skip fi;
        if :: fenced = 0 :: skip fi;
        /* allocate(granuleCount:): a block of the heap, or limbo's head if it is old enough */
        block = 0;
        do
        :: block == BLOCKS -> break
        :: block < BLOCKS && use[block] == FREE -> break
#ifdef MUTANT_LIMBO_LEFT_OUT
        :: block < BLOCKS && use[block] == LIMBO -> break
#else
        :: block < BLOCKS && use[block] == LIMBO && written[EPOCH] - retired[block] >= AGE -> break
#endif
        :: block < BLOCKS -> block++
        od;
        if
        :: block == BLOCKS ->
            if :: written[EPOCH] == 4 -> break :: else -> skip fi
        :: else ->
            version++;
            if
            :: /* K: into its own slot */
                old = written[ENTRY] / LOW_HALF;
#ifdef MUTANT_PUBLISHED_BEFORE_THE_FILL
                publish(block, version);
                fill(block, version, K);
#else
                fill(block, version, K);
#ifdef MUTANT_EPOCH_MOVED_AFTER_THE_FILL
                if
                :: use[block] == LIMBO && written[EPOCH] - retired[block] < 2 -> moveEpoch()
                :: else -> skip
                fi;
#endif
                publish(block, version);
#endif
                use[block] = LIVE;
                use[old] = LIMBO;
                retired[old] = written[EPOCH]
            :: /* J: in a slot that nobody reads here */
                fill(block, version, J);
                use[block] = LIVE;
                if
                :: oldOfJ < BLOCKS -> use[oldOfJ] = LIMBO; retired[oldOfJ] = written[EPOCH]
                :: else -> skip
                fi;
                oldOfJ = block
            fi
        fi
    :: else -> break
    od
}

active proctype Reader() {
    byte epoch, entry, block, version, key, value, entryAgain, epochAgain, newest, reads;
    bit hasVersion, hasKey, hasValue, hasEntryAgain, hasEpochAgain;
    (written[ENTRY] != 0);
    do
    :: reads < READS ->
        epoch = seen[EPOCH]; /* acquire */
        entry = seen[ENTRY]; /* acquire */
        block = entry / LOW_HALF;
#ifdef MUTANT_VALIDATION_NOT_FENCED
#define COPIED true
#else
#define COPIED (hasVersion && hasKey && hasValue)
#endif
        do
        :: !hasVersion -> version = seen[VERSION(block)]; hasVersion = 1
        :: !hasKey -> key = seen[KEY(block)]; hasKey = 1
        :: !hasValue -> value = seen[VALUE(block)]; hasValue = 1
        :: !hasEntryAgain && COPIED -> entryAgain = seen[ENTRY]; hasEntryAgain = 1
        :: !hasEpochAgain && COPIED -> epochAgain = seen[EPOCH]; hasEpochAgain = 1
        :: hasVersion && hasKey && hasValue && hasEntryAgain && hasEpochAgain -> break
        od;
        atomic {
            if
#ifdef MUTANT_VALIDATION_LEFT_OUT
            :: true ->
#elif defined(MUTANT_VALIDATED_BY_BLOCK_ALONE)
            :: entryAgain / LOW_HALF == block || epochAgain - epoch <= 1 ->
#elif defined(MUTANT_TWO_MOVES_BELIEVED)
            :: entryAgain == entry || epochAgain - epoch <= 2 ->
#elif defined(MUTANT_OTHER_KEY_NOT_VALIDATED)
            :: key != K || entryAgain == entry || epochAgain - epoch <= 1 ->
#else
            :: (entryAgain == entry && version == entry % LOW_HALF) || epochAgain - epoch <= 1 ->
#endif
                assert(key == K);
                assert(value == version && version == entry % LOW_HALF);
                assert(version >= newest);
                newest = version
            :: else -> skip
            fi;
            hasVersion = 0; hasKey = 0; hasValue = 0; hasEntryAgain = 0; hasEpochAgain = 0;
            version = 0; key = 0; value = 0; entryAgain = 0; epochAgain = 0; entry = 0; epoch = 0; block = 0;
            reads++
        }
    :: else -> break
    od
}
