/* The change ring: entries that are read while they are overwritten, by a reader that stores nothing.
 *
 * Stands for:
 *   SharedMemStore/Store+Notify.swift: writeRing
 *   SharedMemStore/Store+Watch.swift: nextEntry
 *
 * Memory is weaker than x86's, as in pub.pml: a writer's stores reach the reader in any order but for what fences and
 * releasing stores forbid. Before each entry another process may go on, which has fenced nothing yet; it may die in the
 * middle of an entry, and another writes the same one again. The reader loads an entry's words in any order.
 *
 * The ring has two entries of two words: the entry's number, plus 1, and the same again. watch.pml has the rest: flags,
 * gaps, listings.
 *
 * Claims: what is believed is the whole entry that has the cursor's number.
 */
#ifndef CHANGES
#define CHANGES 4
#endif
#ifndef READS
#define READS 2
#endif
#define LENGTH 2
#define POSITION 0
#define VERSION(number) (1 + (number) % LENGTH * 2)
#define KEY(number) (2 + (number) % LENGTH * 2)
#define PLACES 5

byte written[PLACES], seen[PLACES]; /* what the writers have stored; what the reader sees */
byte pending, after[PLACES];
byte fenced;                        /* what was on its way when the process that writes now fenced last */

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
    od
}

/* Writers, one after the other under the lock word. */
active proctype Writer() {
    byte number;
    do
    :: number < CHANGES ->
        /* Perhaps another process: it hasn't fenced. */
        if :: fenced = 0 :: skip fi;
        /* writeRing(_:_:isDeletion:more:) */
#ifndef MUTANT_ENTRY_NOT_FENCED
        fenced = pending;
#endif
#ifdef MUTANT_ENTRY_AFTER_POSITION
        STORE_RELEASING(POSITION, number + 1);
#endif
        STORE(VERSION(number), number + 1);
        if
        :: skip
        :: goto again /* It dies. */
        fi;
        STORE(KEY(number), number + 1);
        if
        :: skip
        :: goto again
        fi;
#if defined(MUTANT_POSITION_RELAXED)
        STORE(POSITION, number + 1);
#elif !defined(MUTANT_ENTRY_AFTER_POSITION)
        STORE_RELEASING(POSITION, number + 1);
#endif
        number++;
again:
        skip
    :: else -> break
    od
}

#ifdef MUTANT_COPY_NOT_FENCED
#define COPIED true
#else
#define COPIED (hasVersion && hasKey)
#endif

#ifdef MUTANT_BOUND_TOO_WIDE
#define BOUND (LENGTH + 1)
#else
#define BOUND LENGTH
#endif

active proctype Reader() {
    byte reads, at, until, version, key;
    bit hasVersion, hasKey, hasUntil;
    do
    :: reads < READS ->
list:
        /* changeCursor() */
        at = seen[POSITION];
next:
        /* nextEntry(after:into:) */
        (seen[POSITION] != at || pending == 0 && written[POSITION] == CHANGES);
        until = seen[POSITION]; /* acquire */
        if
        :: until == at -> break
        :: else -> skip
        fi;
        do
        :: !hasVersion -> version = seen[VERSION(at)]; hasVersion = 1
        :: !hasKey -> key = seen[KEY(at)]; hasKey = 1
#ifndef MUTANT_POSITION_NOT_LOADED_AGAIN
        :: !hasUntil && COPIED -> until = seen[POSITION]; hasUntil = 1
        :: hasVersion && hasKey && hasUntil -> break
#else
        :: hasVersion && hasKey -> break
#endif
        od;
        atomic {
            hasVersion = 0; hasKey = 0; hasUntil = 0;
            if
            :: until - at >= BOUND -> version = 0; key = 0; reads++
            :: else ->
                assert(version == at + 1 && key == at + 1);
                version = 0; key = 0; at++;
                goto next
            fi
        }
    :: else -> break
    od
}
