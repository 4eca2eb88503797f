/* Transactions and readers: many keys at once or none, also for who reads them one after the other, beside a writer or
 * a recovery that dies.
 *
 * Stands for:
 *   SharedMemStore/Store+Transaction.swift: commit prepare finishTransaction abortTransaction finishAbort
 *     recoverTransaction
 *   SharedMemStore/Store+Read.swift: read readPending
 *   SharedMemStore/Reading.swift: isValid isUnreplaced
 *
 * Two keys. The transaction (version 2) sets key 0 and sets key 1, or deletes it; it is killed before any store, or
 * gives up after the first key, and recovery may be killed too: DEATHS in all. Then the next writer sets a key, also in
 * the very block that held a record of it which was undone; and moves the epoch and fills the oldest block of limbo
 * again, as often as there is one old enough. A reader gets both keys, in either order. Stores are seen in their order
 * here, as releasing stores are; a reader loads the words of a header in any order.
 *
 * Claims: nobody sees half of a transaction, nor anything of one that was undone; what is believed is a whole record of
 * the key that is in use; after an end either way, what the entries name isn't in limbo.
 */
#ifndef DEATHS
#define DEATHS 2
#endif
#define BLOCKS 6
#define REFERENCE(block, version) ((block) * 8 + (version))

/* The data file. */
byte entry[2], commitNumber = 1, epoch;
byte version[BLOCKS], value[BLOCKS], link[BLOCKS];
bit pending[BLOCKS], tombstone[BLOCKS];
/* The lock file. */
#define NONE 0
#define TRANSACTION 1
#define ABORTING 2
byte state, count, entryOld[2], entryNew[2], txVersion;
/* Limbo: in the order of retirement. */
byte limbo[BLOCKS], limboLength, limboBefore, retired[BLOCKS];

bit deletes, wasAborted, wasCommitted, isReady;
byte deaths;

/* Values: 10 and 11 are there before; 20 and 21 the transaction's; 30 the next writer's; 99 a record of another key. */

inline retire(block) {
    atomic {
        link[block] = 0;
        retired[block] = epoch;
        limbo[limboLength] = block;
        limboLength++
    }
}

#define STEP(store) if :: atomic { store } :: atomic { deaths < DEATHS -> deaths++; goto killed } fi

inline prepare(key, block, isDeletion) {
    STEP(version[block] = txVersion; value[block] = 20 + key; pending[block] = 1; tombstone[block] = isDeletion;
         link[block] = entry[key] / 8);
    STEP(entryOld[count] = entry[key]; entryNew[count] = REFERENCE(block, txVersion); count++);
    STEP(entry[key] = REFERENCE(block, txVersion))
}

/* The same from the beginning, once or again: limbo is assigned from what was noted. */
inline finishTransaction() {
    limboLength = limboBefore;
    i = 0;
    do
    :: i < count ->
        if
        :: tombstone[entryNew[i] / 8] -> STEP(entry[i] = 0); retire(entryNew[i] / 8)
        :: else -> STEP(pending[entryNew[i] / 8] = 0)
        fi;
        retire(entryOld[i] / 8);
        i++
    :: else -> break
    od;
    STEP(state = NONE);
    wasCommitted = 1
}

inline finishAbort() {
    limboLength = limboBefore;
#ifdef MUTANT_BURNT_TOO_EARLY
    STEP(commitNumber = txVersion);
#endif
    i = count;
    do
    :: i > 0 -> STEP(i--; entry[i] = entryOld[i])
    :: else -> break
    od;
    do
    :: i < count -> retire(entryNew[i] / 8); i++
    :: else -> break
    od;
#ifndef MUTANT_VERSION_NOT_BURNT
    STEP(commitNumber = txVersion);
#endif
    STEP(state = NONE);
    wasAborted = 1
}

inline abortTransaction() {
#ifndef MUTANT_ABORT_UNANNOUNCED
    STEP(state = ABORTING);
#endif
    finishAbort()
}

active proctype Owner() {
    byte i, fresh;
    bit key;
    d_step {
        txVersion = 2;
        entry[0] = REFERENCE(1, 1); version[1] = 1; value[1] = 10;
        entry[1] = REFERENCE(2, 1); version[2] = 1; value[2] = 11;
        isReady = 1
    };
    if :: deletes = 0 :: deletes = 1 fi;
    STEP(state = TRANSACTION);
    prepare(0, 3, 0);
    if
    :: abortTransaction(); goto settled
    :: skip
    fi;
#ifdef MUTANT_COMMITTED_TOO_EARLY
    STEP(commitNumber = txVersion);
    prepare(1, 4, deletes);
#else
    prepare(1, 4, deletes);
#ifdef MUTANT_UNMARKED_BEFORE_THE_COMMIT
    finishTransaction();
    STEP(commitNumber = txVersion);
    goto settled;
#endif
    STEP(commitNumber = txVersion);
#endif
    finishTransaction();
    goto settled;
killed:
    /* recoverTransaction(isAborting:) */
    i = 0;
    if
    :: state == ABORTING -> finishAbort()
    :: state == TRANSACTION && commitNumber >= txVersion -> finishTransaction()
    :: state == TRANSACTION && commitNumber < txVersion -> abortTransaction()
    :: state == NONE -> skip
    fi;
settled:
    atomic {
        i = 0;
        do
        :: i < limboLength ->
            assert(limbo[i] != entry[0] / 8 && limbo[i] != entry[1] / 8);
            i++
        :: else -> break
        od;
        i = 0
    };
    /* The next writer: one of the keys again, in a new block or in the one that was the transaction's record of this
     * key. Then it fills what limbo gives, for another key. */
    if :: key = 0 :: key = 1 fi;
    if
    :: wasAborted && key < count ->
        epoch++;
        epoch++;
        fresh = entryNew[key] / 8
    :: fresh = 5
    fi;
    atomic {
        version[fresh] = commitNumber + 1; value[fresh] = 30 + key;
        pending[fresh] = 0; tombstone[fresh] = 0; link[fresh] = 0
    };
    i = entry[key] / 8;
    entry[key] = REFERENCE(fresh, version[fresh]);
    if :: i != 0 -> retire(i) :: else -> skip fi;
    commitNumber = version[fresh];
    epoch++;
    epoch++;
    i = 0;
    do
    :: i < limboLength ->
        if
        :: limbo[i] != fresh && epoch - retired[limbo[i]] >= 2 ->
            version[limbo[i]] = 7;
            pending[limbo[i]] = 0;
            value[limbo[i]] = 99
        :: else -> skip
        fi;
        i++
    :: else -> break
    od
}

active proctype Reader() {
    bit first;
    byte key, before, reference, block, seenVersion, seenLink, committed, result[2], gets;
    bit hasPending, hasTombstone, loadedFlags, loadedLink;
    isReady;
    if :: first = 0 :: first = 1 fi;
    key = first;
    do
    :: gets < 2 ->
again:
        before = epoch;
        reference = entry[key];
        block = reference / 8;
        if
        :: reference == 0 -> result[key] = 0; goto got
        :: else -> skip
        fi;
        atomic { loadedFlags = 0; loadedLink = 0 };
        do
        :: !loadedFlags -> atomic { hasPending = pending[block]; hasTombstone = tombstone[block]; loadedFlags = 1 }
        :: !loadedLink -> atomic { seenLink = link[block]; seenVersion = version[block]; loadedLink = 1 }
        :: loadedFlags && loadedLink -> break
        od;
        if
        :: !hasPending ->
            result[key] = value[block];
            /* isValid(_:version:) */
            if
            :: entry[key] == reference && seenVersion == reference % 8 -> goto got
            :: else -> if :: epoch - before <= 1 -> goto got :: else -> goto again fi
            fi
        :: else -> skip
        fi;
        committed = commitNumber;
#ifndef MUTANT_ENTRY_NOT_LOADED_AGAIN
        if :: entry[key] == reference -> skip :: else -> goto again fi;
#endif
        if
        :: seenVersion <= committed ->
            result[key] = (hasTombstone -> 0 : value[block]);
            if
            :: entry[key] == reference -> goto got
            :: else -> if :: epoch - before <= 1 -> goto got :: else -> goto again fi
            fi
        :: else -> skip
        fi;
#ifdef MUTANT_PREDECESSOR_NOT_FOLLOWED
        result[key] = 0;
#else
        result[key] = value[seenLink];
#endif
        /* isUnreplaced(_:) */
#ifndef MUTANT_PREDECESSOR_NOT_VALIDATED
        if :: entry[key] == reference -> skip :: else -> goto again fi;
        if :: epoch - before <= 1 -> skip :: else -> goto again fi;
#endif
got:
        gets++;
        key = 1 - key
    :: else -> break
    od;
    assert(result[0] == 10 || result[0] == 20 || result[0] == 30);
    assert(result[1] == 11 || (result[1] == 21 && !deletes) || (result[1] == 0 && deletes) || result[1] == 31);
    /* Whole: what is read second isn't older than what is read first. */
    assert(!(first == 0 && result[0] == 20 && result[1] == 11));
    assert(!(first == 1 && (result[1] == 21 || result[1] == 0) && result[0] == 10));
    assert(!(first == 1 && result[1] == 31 && wasCommitted && result[0] == 10));
    assert(!(wasAborted && (result[0] == 20 || result[1] == 21 || result[1] == 0)))
}
