/* Reads of many keys as of one moment, beside a writer that sets, deletes, runs transactions, gives them up, and dies.
 *
 * Stands for:
 *   SharedMemStore/Store+Many.swift: sight
 *   SharedMemStore/Store+Write.swift: remove noteDeletion
 *   SharedMem/Segment+Many.swift: consistent read counts
 *   SharedMem/Transaction.swift: read moveOn
 *   SharedMem/Transaction.Entry.swift: read
 *
 * Two keys, of one stripe or of two. A value is its version, 0 is none. No memory is reused: tx.pml and pub.pml are
 * about that. The writer makes CHANGES changes. It may die once it has noted a deletion, which then doesn't happen;
 * everywhere else its death and what is repaired look like a pause. The reader loads a commit number, the moment, and
 * then reads READS keys one after the other, perhaps one of them again; it begins anew if a key has changed since the
 * moment. It does all that ROUNDS times. A transaction (TRANSACTION) reads each key once; if it has changed since the
 * moment, the transaction loads a newer moment and reads again what it had read: the same, or it is a conflict and the
 * end.
 *
 * A version that is published and not yet committed is the moment's successor and the change of one key. It counts as
 * done, unless this key was read before and was something else then.
 *
 * Claims: all that was read is the state at the moment or at its successor, and at no older one than an earlier read
 * saw. A reader begins anew only if something was stored meanwhile: a writer that is stopped keeps nobody waiting,
 * wherever it is, and under the lock word one round is enough.
 */
#ifndef CHANGES
#define CHANGES 2
#endif
#ifndef READS
#define READS 3
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#define VERSIONS (CHANGES + 3)

/* The data file. */
byte entry[2], commitNumber = 2, lastDeletion[2];
byte pending[2], tombstones[2];                        /* a bit for each version's record */
byte link[2 * VERSIONS];                               /* the version that a pending record replaces */
bit areApart;
#define STRIPE(key) (areApart -> key : 0)

/* What the claims are checked against: the state at each commit number. */
byte state[2 * VERSIONS], newest = 2;
bit isDisturbed;

#define STEP(store) atomic { store; isDisturbed = 1 }

inline becomes(itsVersion) {
    newest = itsVersion;
    state[2 * itsVersion] = state[2 * itsVersion - 2];
    state[2 * itsVersion + 1] = state[2 * itsVersion - 1]
}

/* MARK: The writer */

inline noteDeletion() { STEP(lastDeletion[STRIPE(key)] = version) }

active proctype Writer() {
    byte changes, key, version;
    bit isChanged[2], isDeletion[2];
    atomic {
        entry[0] = 1; entry[1] = 2;
        state[2] = 1; state[4] = 1; state[5] = 2;
        if :: areApart = 0 :: areApart = 1 fi
    };
    do
    :: changes < CHANGES ->
        atomic { changes++; version = commitNumber + 1 };
        if
        :: /* set(_:to:) */
            if :: key = 0 :: key = 1 fi;
            STEP(entry[key] = version; becomes(version); state[2 * version + key] = version);
            STEP(commitNumber = version)
        :: /* remove(_:_:) */
            if :: entry[0] != 0 -> key = 0 :: entry[1] != 0 -> key = 1 :: else -> goto next fi;
#ifndef MUTANT_DELETION_NOTED_AFTERWARDS
            noteDeletion();
#endif
            if :: goto next :: true fi;
            STEP(entry[key] = 0; becomes(version); state[2 * version + key] = 0);
#ifdef MUTANT_DELETION_NOTED_AFTERWARDS
            noteDeletion();
#endif
            STEP(commitNumber = version)
        :: /* commit(reads:writes:at:bootTime:) */
            key = 0;
            do
            :: key < 2 ->
                if
                :: isChanged[key] = 1; isDeletion[key] = 0
                :: entry[key] != 0 -> isChanged[key] = 1; isDeletion[key] = 1; noteDeletion()
                :: goto prepared
                fi;
                STEP(
                    link[2 * version + key] = entry[key];
                    pending[key] = pending[key] | (1 << version);
                    if :: isDeletion[key] -> tombstones[key] = tombstones[key] | (1 << version) :: else -> skip fi;
                    entry[key] = version);
prepared:
                key++
            :: else -> break
            od;
            if
            :: STEP(
                    commitNumber = version;
                    becomes(version);
                    if :: isChanged[0] -> state[2 * version] = (isDeletion[0] -> 0 : version) :: else -> skip fi;
                    if :: isChanged[1] -> state[2 * version + 1] = (isDeletion[1] -> 0 : version) :: else -> skip fi);
                key = 0;
                do
                :: key < 2 ->
                    if
                    :: isChanged[key] && isDeletion[key] -> STEP(entry[key] = 0)
                    :: isChanged[key] && !isDeletion[key] -> STEP(pending[key] = pending[key] & ~(1 << version))
                    :: else -> skip
                    fi;
                    key++
                :: else -> break
                od
            :: /* abortTransaction() */
                if :: isChanged[1] -> STEP(entry[1] = link[2 * version + 1]) :: else -> skip fi;
                if :: isChanged[0] -> STEP(entry[0] = link[2 * version]) :: else -> skip fi;
                STEP(commitNumber = version; becomes(version))
            fi
        fi;
next:
        atomic { key = 0; version = 0; isChanged[0] = 0; isChanged[1] = 0; isDeletion[0] = 0; isDeletion[1] = 0 }
    :: else -> break
    od
}

/* MARK: The reader */

active proctype Reader() {
    byte rounds, reads, known, moment, atLeast, key, its, changedAt, committed, i;
    byte keys[READS], found[READS];
    bit isBefore, isAfter;
    (state[5] != 0);
    do
    :: rounds < ROUNDS ->
again:
        atomic {
            i = 0; its = 0; changedAt = 0;
#ifndef MUTANT_MOMENT_MOVED_ALONE
            reads = 0;
#endif
#ifndef TRANSACTION
            known = 0;
            do :: i < READS -> keys[i] = 0; found[i] = 0; i++ :: else -> break od;
            i = 0;
#endif
            isDisturbed = 0;
#ifndef MUTANT_MOMENT_LOADED_LAST
            moment = commitNumber
#endif
        };
        do
        :: reads < READS ->
            atomic {
                if
#ifdef TRANSACTION
                :: reads < known -> key = keys[reads]
                :: reads >= known && reads > 0 -> key = 1 - keys[0]
                :: reads >= known && reads == 0 -> if :: key = 0 :: key = 1 fi
#else
                :: key = 0
                :: key = 1
#endif
                fi;
                keys[reads] = key;
#ifdef MUTANT_LAST_DELETION_LOADED_FIRST
                changedAt = lastDeletion[STRIPE(key)]
#endif
            };
find:
            /* attempt(_:_:into:) */
            atomic { its = entry[key]; if :: its == 0 -> goto sighted :: else -> skip fi };
            atomic { if :: !(pending[key] & (1 << its)) -> goto sighted :: else -> skip fi };
            committed = commitNumber;
            atomic {
                if
                :: entry[key] != its -> goto find
                :: entry[key] == its && its > committed -> its = link[2 * its + key]
                :: entry[key] == its && its <= committed && (tombstones[key] & (1 << its)) -> its = 0
                :: else -> skip
                fi
            };
sighted:
            /* sight(_:_:asOf:into:) */
#ifdef MUTANT_MOMENT_LOADED_LAST
            atomic { if :: reads == 0 -> moment = commitNumber :: else -> skip fi };
#endif
            atomic {
                committed = 0;
                if
                :: its != 0 -> changedAt = its
#ifndef MUTANT_LAST_DELETION_LOADED_FIRST
                :: its == 0 -> changedAt = lastDeletion[STRIPE(key)]
#else
                :: its == 0
#endif
                fi
            };
            atomic {
                if
#ifdef MUTANT_DELETIONS_IGNORED
                :: its == 0 -> goto believed
#endif
                :: changedAt <= moment -> goto believed
#if defined(MUTANT_NEWER_BELIEVED)
                :: changedAt > moment -> skip
#elif defined(MUTANT_COMMIT_NUMBER_NOT_LOADED_AGAIN)
                :: changedAt == moment + 1 -> skip
                :: changedAt > moment + 1 -> assert(isDisturbed); goto again
#elif defined(MUTANT_STOPPED_WRITER_WAITED_FOR)
                :: changedAt > moment -> assert(isDisturbed); goto again
#else
                :: changedAt == moment + 1 && commitNumber == moment -> skip
                :: changedAt > moment + 1 || changedAt == moment + 1 && commitNumber != moment ->
                    assert(isDisturbed);
                    goto again
#endif
                fi;
                /* It is being committed just now: it counts, unless this key was read before it. */
#ifndef MUTANT_COUNTED_THOUGH_READ_BEFORE
                i = 0;
                do
                :: i == reads -> break
#ifdef MUTANT_COUNTED_ONCE
                :: i < reads && keys[i] == key -> assert(isDisturbed); goto again
                :: i < reads && keys[i] != key -> i++
#else
                :: i < reads && keys[i] == key && found[i] != its -> assert(isDisturbed); goto again
                :: i < reads && (keys[i] != key || found[i] == its) -> i++
#endif
                od;
#endif
believed:
                i = 0;
#ifdef TRANSACTION
                if
#ifdef MUTANT_DIFFERENCE_IGNORED
                :: reads < known && found[reads] != its -> its = found[reads]
#else
                :: reads < known && found[reads] != its -> goto conflict
#endif
                :: else -> skip
                fi;
#endif
                found[reads] = its;
                reads++;
                if :: reads > known -> known = reads :: else -> skip fi;
                its = 0; changedAt = 0
            }
        :: else -> break
        od;
        atomic {
            i = 0;
            isBefore = moment >= atLeast;
            isAfter = moment < newest && moment + 1 >= atLeast;
            do
            :: i < READS ->
                isBefore = isBefore && found[i] == state[2 * moment + keys[i]];
                isAfter = isAfter && found[i] == state[2 * moment + 2 + keys[i]];
                i++
            :: else -> break
            od;
            assert(isBefore || isAfter);
            atLeast = (isBefore -> moment : moment + 1);
            isBefore = 0; isAfter = 0
        };
conflict:
        atomic {
            rounds++;
            reads = 0; known = 0; i = 0; its = 0; changedAt = 0; committed = 0;
            do :: i < READS -> keys[i] = 0; found[i] = 0; i++ :: else -> break od;
            i = 0
        }
    :: else -> break
    od
}
