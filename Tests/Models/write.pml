/* Write and recovery: every store of a change, killed before any of them, and recovery killed too.
 *
 * Stands for:
 *   SharedMemStore/Store+Write.swift: set delete replace remove fill intent carryOut publish
 *   SharedMemStore/Intent.swift: announce finish forgetIntent
 *   SharedMemStore/Store+Undo.swift: change log close undoOpenGroup
 *   SharedMemStore/Store+Limbo.swift: allocate reclaimHead allocateTaken take
 *   SharedMemStore/Store+Recovery.swift: recover giveTakenBlockBack
 *   SharedMemStore/Store+Transaction.swift: beginTransaction prepare append noteLimbo finishTransaction abortTransaction
 *     finishAbort forgetTransaction recoverTransaction dropOwnedBlock
 *
 * One process after the other owns the lock word, so this is one process: CHANGES changes, each a set, a deletion or a
 * transaction of one or two keys, with every way to get memory. Before every store (STEP) the owner may die, CRASHES times in all;
 * whoever recovers knows only what is in the memory. All blocks have one granule; the heap's lists are one bitmap and a
 * count, changed under the same undo groups. Whether limbo's head is old enough, and whether its size fits, is open.
 *
 * Claims, after each change and after each recovery: every block is in the index, in limbo, or free, and in one of them
 * only; limbo is one chain with its tail and its count; each reference names a whole record of its version that isn't
 * pending; all keys of the change are as before or as after, and as after if it was acknowledged; no version is issued
 * twice.
 */
#ifndef CHANGES
#define CHANGES 2
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#define KEYS 2
#define BLOCKS 5

/* A reference: block and version. */
#define REFERENCE(block, version) ((block) * 16 + (version))
#define BLOCK(reference) ((reference) / 16)
#define VERSION(reference) ((reference) % 16)

/* The words that undo groups change. */
#define HEAD 0
#define TAIL 1
#define GRANULES 2
#define FREE 3
#define FREE_COUNT 4
byte word[5];
byte undoPlace[6], undoOld[6], undoCount, undoTaken; /* count and taken block are one word: undo_state */

byte slot[KEYS];
byte link[BLOCKS + 1], body[BLOCKS + 1]; /* body: the version of the record whose bytes are there */
bit pending[BLOCKS + 1];
byte records, commitNumber;

#define NONE 0
#define PUBLISHING 1
#define TRANSACTION 2
#define ABORTING 3
byte state, intentVersion, intentSlot, intentOld, intentNew, intentHead, intentTail, intentGranules, intentRecords;

byte list, listVersion, listCount, noteHead, noteTail, noteGranules, noteRecords;
byte entrySlot[KEYS], entryOld[KEYS], entryNew[KEYS];
bit entryTombstone[KEYS];

/* What the process knows; a dead one knows nothing. */
byte group, block, next, key, version, i, old, fresh, chainHead, chainTail, chainGranules, chainRecords;
bit recycled, tombstone;

/* What the claims are checked against. */
byte before[KEYS], after[KEYS], issued, crashes, changes, seenBlocks, length;
bit acknowledged;

#define STEP(store) if :: atomic { store } :: atomic { crashes < CRASHES -> crashes++; goto killed } fi

/* MARK: Undo groups */

inline change(place, value) {
    STEP(undoPlace[group] = place; undoOld[group] = word[place]);
#ifdef MUTANT_CHANGED_BEFORE_LOGGED
    STEP(word[place] = value);
    STEP(undoCount = group + 1; group++)
#else
    STEP(undoCount = group + 1; group++);
    STEP(word[place] = value)
#endif
}

inline close(taken) { STEP(undoTaken = taken; undoCount = 0; group = 0) }

inline undoOpenGroup() {
    i = undoCount;
#ifdef MUTANT_UNDONE_FORWARDS
    i = 0;
    do
    :: i < undoCount -> STEP(word[undoPlace[i]] = undoOld[i]; i++)
    :: else -> break
    od;
#else
    do
    :: i > 0 -> STEP(i--; word[undoPlace[i]] = undoOld[i])
    :: else -> break
    od;
#endif
    STEP(undoCount = 0)
}

/* MARK: Heap and limbo */

/* With a free neighbour: it is taken out of its list first, so that words change twice. */
inline giveBack(which) {
    if
    :: word[FREE] != 0 ->
        change(FREE_COUNT, word[FREE_COUNT] - 1);
        change(FREE_COUNT, word[FREE_COUNT] + 2)
    :: else ->
        change(FREE_COUNT, word[FREE_COUNT] + 1)
    fi;
    change(FREE, word[FREE] | (1 << which))
}

inline giveTakenBlockBack() {
    if
    :: undoTaken != 0 ->
        block = undoTaken;
        giveBack(block);
        close(0)
    :: else -> skip
    fi
}

inline takeHeadOut() {
    change(HEAD, next);
    if :: next == 0 -> change(TAIL, 0) :: else -> skip fi;
    change(GRANULES, word[GRANULES] - 1)
}

/* A block for a new record: limbo's head, where it stays (recycled) unless takes; or one of the heap. */
inline allocate(takes) {
    block = 0;
    recycled = 0;
    if
    :: word[HEAD] != 0 ->
        block = word[HEAD];
        next = link[block];
        if
        :: takes -> takeHeadOut(); close(block)
        :: !takes -> recycled = 1
        :: /* Its size doesn't fit: reclaimHead(_:_:) */
            takeHeadOut();
            giveBack(block);
            close(0);
            takeFromHeap()
        fi
    :: takeFromHeap()
    fi
}

inline takeFromHeap() {
    block = 0;
    if
    :: word[FREE] != 0 ->
        do
        :: word[FREE] & (1 << block) -> break
        :: else -> block++
        od;
        change(FREE, word[FREE] & ~(1 << block));
        change(FREE_COUNT, word[FREE_COUNT] - 1);
        close(block)
    :: else -> skip
    fi
}

/* MARK: One change */

inline announce() {
    STEP(intentVersion = version);
    STEP(intentSlot = key);
    STEP(intentOld = old);
    STEP(intentNew = fresh);
    STEP(intentHead = (recycled -> next : word[HEAD]); intentTail = (recycled && next == 0 -> 0 : word[TAIL]));
    STEP(intentGranules = word[GRANULES] - recycled + (old != 0);
         intentRecords = records + (old == 0) - (fresh == 0));
#ifndef MUTANT_INTENT_LEFT_OUT
    STEP(state = PUBLISHING)
#endif
}

inline finish() {
    if
    :: intentOld == 0 ->
        STEP(word[HEAD] = intentHead);
        STEP(word[TAIL] = intentTail)
    :: else ->
        STEP(link[BLOCK(intentOld)] = 0);
#ifdef MUTANT_RETIRED_RELATIVELY
        intentTail = word[TAIL];
#endif
        if
        :: intentTail == 0 -> STEP(word[HEAD] = BLOCK(intentOld))
        :: else ->
            STEP(link[intentTail] = BLOCK(intentOld));
            STEP(word[HEAD] = intentHead)
        fi;
        STEP(word[TAIL] = BLOCK(intentOld))
    fi;
    STEP(word[GRANULES] = intentGranules);
    STEP(records = intentRecords);
    STEP(commitNumber = intentVersion)
}

inline forgetIntent() {
#ifdef MUTANT_FORGOTTEN_IN_THE_WRONG_ORDER
    STEP(state = NONE);
    STEP(undoTaken = 0)
#else
    STEP(undoTaken = 0);
    STEP(state = NONE)
#endif
}

/* MARK: A transaction */

inline noteLimbo() {
    STEP(noteHead = word[HEAD]; noteTail = word[TAIL]);
    STEP(noteGranules = word[GRANULES]; noteRecords = records)
}

inline beginTransaction() {
    allocate(true);
    if
    :: block != 0 ->
        STEP(list = block);
        STEP(listVersion = version);
        STEP(listCount = 0);
        STEP(state = TRANSACTION);
        STEP(undoTaken = 0)
    :: else -> skip
    fi
}

/* One key; block is 0 afterwards if there was no room. */
inline prepare() {
    old = slot[key];
    allocate(true);
    if
    :: block != 0 ->
        STEP(body[block] = version);
        STEP(pending[block] = 1);
        STEP(link[block] = BLOCK(old));
        fresh = REFERENCE(block, version);
        after[key] = (tombstone -> 0 : fresh);
        /* append(_:) */
        STEP(entrySlot[listCount] = key; entryTombstone[listCount] = tombstone);
        STEP(entryOld[listCount] = old);
        STEP(entryNew[listCount] = fresh);
        STEP(listCount = listCount + 1);
        STEP(undoTaken = 0);
        STEP(slot[key] = fresh; issued = version)
    :: else -> skip
    fi
}

inline chain(which) {
    STEP(link[which] = 0);
    if
    :: chainTail == 0 -> chainHead = which
    :: else -> STEP(link[chainTail] = which)
    fi;
    chainTail = which;
    chainGranules++
}

inline loadTransaction() {
    atomic {
        chainHead = noteHead;
        chainTail = noteTail;
        chainGranules = noteGranules;
        chainRecords = noteRecords;
        i = 0;
        assert(!(word[FREE] & (1 << list)))
    }
}

inline assignChain() {
    STEP(word[HEAD] = chainHead);
    STEP(word[TAIL] = chainTail);
    STEP(word[GRANULES] = chainGranules)
}

inline finishTransaction() {
    loadTransaction();
    do
    :: i < listCount ->
        if
        :: entryTombstone[i] ->
            STEP(slot[entrySlot[i]] = 0);
            chain(BLOCK(entryNew[i]));
            chainRecords--
        :: else ->
            STEP(pending[BLOCK(entryNew[i])] = 0);
            chainRecords = chainRecords + (entryOld[i] == 0)
        fi;
        if
        :: entryOld[i] != 0 -> chain(BLOCK(entryOld[i]))
        :: else -> skip
        fi;
        i++
    :: else -> break
    od;
    assignChain();
    STEP(records = chainRecords);
    forgetTransaction()
}

inline abortTransaction() {
    dropOwnedBlock();
    giveTakenBlockBack();
    noteLimbo();
#ifndef MUTANT_ABORT_UNANNOUNCED
    STEP(state = ABORTING);
#endif
    finishAbort()
}

inline finishAbort() {
    loadTransaction();
    i = listCount;
    do
    :: i > 0 -> STEP(i--; slot[entrySlot[i]] = entryOld[i])
    :: else -> break
    od;
    do
    :: i < listCount -> chain(BLOCK(entryNew[i])); i++
    :: else -> break
    od;
    assignChain();
#ifndef MUTANT_VERSION_NOT_BURNT
    STEP(commitNumber = listVersion);
#endif
    forgetTransaction()
}

inline forgetTransaction() {
#ifdef MUTANT_LIST_FORGOTTEN_IN_THE_WRONG_ORDER
    STEP(state = NONE);
    STEP(undoTaken = list);
#else
    STEP(undoTaken = list);
    STEP(state = NONE);
#endif
    giveTakenBlockBack()
}

inline dropOwnedBlock() {
    skip;
#ifndef MUTANT_OWNED_BLOCK_GIVEN_BACK
    if
    :: undoTaken != 0 && (undoTaken == list || (listCount > 0 && BLOCK(entryNew[listCount - 1]) == undoTaken)) ->
        STEP(undoTaken = 0)
    :: else -> skip
    fi
#endif
}

/* MARK: The claims */

inline count(which) {
    assert(which >= 1 && which <= BLOCKS && !(seenBlocks & (1 << which)));
    seenBlocks = seenBlocks | (1 << which)
}

inline checkAll() {
    d_step {
        assert(undoCount == 0 && undoTaken == 0 && state == NONE);
        seenBlocks = 0;
        length = 0;
        i = 0;
        do
        :: i < KEYS ->
            if
            :: slot[i] != 0 ->
                count(BLOCK(slot[i]));
                assert(body[BLOCK(slot[i])] == VERSION(slot[i]) && !pending[BLOCK(slot[i])]);
                assert(VERSION(slot[i]) <= commitNumber);
                length++
            :: else -> skip
            fi;
            i++
        :: else -> break
        od;
        assert(length == records);
        length = 0;
        block = word[HEAD];
        assert((block == 0) == (word[TAIL] == 0));
        do
        :: block != 0 ->
            count(block);
            length++;
            assert(link[block] != 0 || word[TAIL] == block);
            block = link[block]
        :: else -> break
        od;
        assert(length == word[GRANULES]);
        length = 0;
        block = 1;
        do
        :: block <= BLOCKS ->
            if :: word[FREE] & (1 << block) -> count(block); length++ :: else -> skip fi;
            block++
        :: else -> break
        od;
        assert(length == word[FREE_COUNT]);
        assert(seenBlocks == (1 << (BLOCKS + 1)) - 2);
        assert((slot[0] == before[0] && slot[1] == before[1]) || (slot[0] == after[0] && slot[1] == after[1]));
        assert(!acknowledged || (slot[0] == after[0] && slot[1] == after[1]));
        acknowledged = 0;
        before[0] = slot[0];
        before[1] = slot[1];
        after[0] = slot[0];
        after[1] = slot[1];
        length = 0;
        seenBlocks = 0;
        group = 0; block = 0; next = 0; key = 0; version = 0; i = 0; old = 0; fresh = 0; recycled = 0; tombstone = 0;
        chainHead = 0; chainTail = 0; chainGranules = 0; chainRecords = 0
    }
}

active proctype Owner() {
    /* A heap in use: key 0 is there, one record in limbo. */
    d_step {
        word[HEAD] = 2; word[TAIL] = 2; word[GRANULES] = 1;
        word[FREE] = (1 << (BLOCKS + 1)) - 8;
        word[FREE_COUNT] = BLOCKS - 2;
        slot[0] = REFERENCE(1, 1); body[1] = 1; records = 1; commitNumber = 1; issued = 1;
        before[0] = slot[0]; after[0] = slot[0]
    };
settled:
    skip;
    checkAll();
    if
    :: changes == CHANGES -> goto done
    :: else -> changes++
    fi;
    version = commitNumber + 1;
    assert(version > issued);
    if
    :: key = 0
    :: key = 1
    :: goto transaction
    fi;
    old = slot[key];
    if
    :: allocate(false);
        if :: block == 0 -> goto settled :: else -> skip fi;
        fresh = REFERENCE(block, version);
        STEP(body[block] = version; pending[block] = 0)
    :: old != 0 -> recycled = 0; fresh = 0
    fi;
    after[key] = fresh;
    announce();
    STEP(slot[key] = fresh; issued = version);
#ifdef MUTANT_FORGOTTEN_TOO_EARLY
    forgetIntent();
#endif
    finish();
    forgetIntent();
    acknowledged = 1;
    goto settled;

transaction:
    beginTransaction();
    if :: block == 0 -> goto settled :: else -> skip fi;
    if
    :: key = 0; tombstone = 0
    :: slot[0] != 0 -> key = 0; tombstone = 1
    fi;
    prepare();
    if
    :: block != 0 && key == 0 ->
        if
        :: key = 1; tombstone = 0; prepare()
        :: slot[1] != 0 -> key = 1; tombstone = 1; prepare()
        :: skip /* one key only */
        fi
    :: else -> skip
    fi;
    if
    :: block == 0 ->
        abortTransaction();
        assert(slot[0] == before[0] && slot[1] == before[1]);
        goto settled
    :: else -> skip
    fi;
#ifdef MUTANT_LIMBO_NOTED_TOO_LATE
    STEP(commitNumber = version);
    noteLimbo();
#else
    noteLimbo();
    STEP(commitNumber = version);
#endif
    finishTransaction();
    acknowledged = 1;
    goto settled;

killed:
    skip;
    d_step {
        group = 0; block = 0; next = 0; key = 0; version = 0; i = 0; old = 0; fresh = 0; recycled = 0; tombstone = 0;
        chainHead = 0; chainTail = 0; chainGranules = 0; chainRecords = 0
    };
    /* recover() */
    if :: undoCount == 0 && undoTaken == 0 && state == NONE -> goto settled :: else -> skip fi;
    if :: undoCount > 0 -> undoOpenGroup() :: else -> skip fi;
    if
    :: state == NONE -> skip
    :: state == PUBLISHING ->
        if
        :: slot[intentSlot] == intentNew -> finish(); forgetIntent()
        :: else ->
            assert(slot[intentSlot] == intentOld);
            STEP(state = NONE)
        fi
    :: state == TRANSACTION ->
        /* recoverTransaction(isAborting: false) */
        if
        :: commitNumber >= listVersion -> dropOwnedBlock(); finishTransaction()
        :: else -> abortTransaction()
        fi
    :: state == ABORTING -> dropOwnedBlock(); finishAbort()
    fi;
    giveTakenBlockBack();
    goto settled;
done:
    skip
}
