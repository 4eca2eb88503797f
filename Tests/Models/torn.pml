/* Memory that changes its shape: blocks are given back, joined, split, and a stale reference then names the middle of
 * another record, or a free block.
 *
 * Stands for:
 *   SharedMemStore/Reading.swift: isValid
 *   SharedMemStore/Store+Limbo.swift: isReclaimable reclaimHead allocateAfterReclaiming
 *   SharedMemStore/Store+Heap.swift: takeBlock giveBack
 *
 * One key, GRANULES granules, records of one granule or two at any place. A granule has three words: where a record
 * begins, its version and its length, and one of the value. In a record's second granule all are bytes of the value,
 * which may be anything: here, what would be a header. A free block has its granule count where a record has its version.
 * Memory is sequentially consistent: the fences are in pub.pml.
 *
 * Claim: what is believed is the record that the entry names, all of it.
 */
#define GRANULES 3
#define LAST_VERSION 4
#define LAST_EPOCH 4
#define GARBAGE 9

byte first[GRANULES], length[GRANULES], value[GRANULES];
byte entry = 1, epoch; /* block * 8 + version */

#define FREE 0
#define LIVE 1
#define LIMBO 2
bit isReady;
byte use[GRANULES], size[GRANULES], retired[GRANULES];

#if defined(MUTANT_REUSED_AFTER_ONE_MOVE) || defined(MUTANT_GIVEN_BACK_BEFORE_THE_EPOCH_MOVES)
#define AGE 1
#else
#define AGE 2
#endif
#ifdef MUTANT_TWO_MOVES_BELIEVED
#define MOVES 2
#else
#define MOVES 1
#endif

/* reclaimHead(_:_:): the block becomes a free one. */
inline giveBack(which) {
    first[which] = size[which];
    value[which] = GARBAGE;
    d_step {
        use[which] = FREE;
        if :: size[which] == 2 -> use[which + 1] = FREE :: else -> skip fi
    }
}

active proctype Writer() {
    byte version = 1, block, granules, old, steps;
    d_step {
        first[0] = 1; length[0] = 2; value[0] = 1; first[1] = 1; length[1] = 1; value[1] = 1;
        use[0] = LIVE; use[1] = LIVE; size[0] = 2; isReady = 1
    };
    do
    :: version < LAST_VERSION && steps < 5 ->
        steps++;
        if
        :: epoch < LAST_EPOCH -> epoch++
        :: skip
        fi;
        /* Records in limbo that are old enough go back to the heap, or not yet. */
        old = 0;
        do
        :: old < GRANULES ->
            if
            :: use[old] == LIMBO && size[old] > 0 && epoch - retired[old] >= AGE ->
                giveBack(old);
#ifdef MUTANT_GIVEN_BACK_BEFORE_THE_EPOCH_MOVES
                if :: epoch - retired[old] < 2 -> epoch++ :: else -> skip fi;
#endif
                size[old] = 0
            :: skip
            fi;
            old++
        :: else -> break
        od;
        old = 0;
        if :: block = 0 :: block = 1 :: block = 2 fi;
        if :: granules = 1 :: granules = 2 fi;
        if
        :: block + granules <= GRANULES && use[block] == FREE && (granules == 1 || use[block + 1] == FREE) ->
            version++;
            first[block] = version;
            length[block] = granules;
            value[block] = version;
            if
            :: granules == 2 ->
                /* Bytes of the value that look like the header of a record that was here. */
                if
                :: first[block + 1] = 1
                :: first[block + 1] = 2
                fi;
                length[block + 1] = 1;
                value[block + 1] = version
            :: else -> skip
            fi;
            old = entry / 8;
            d_step {
                use[block] = LIVE;
                if :: granules == 2 -> use[block + 1] = LIVE :: else -> skip fi;
                size[block] = granules
            };
            entry = block * 8 + version;
            d_step {
                use[old] = LIMBO;
                retired[old] = epoch;
                if :: size[old] == 2 -> use[old + 1] = LIMBO :: else -> skip fi;
                old = 0
            }
        :: else -> skip
        fi
    :: else -> break
    od
}

active proctype Reader() {
    byte before, reference, block, version, granules, word, secondWord, again;
    isReady;
    before = epoch;
    reference = entry;
    block = reference / 8;
    version = first[block];
    granules = length[block];
    word = value[block];
    secondWord = word;
    if
    :: granules == 2 && block + 1 < GRANULES -> secondWord = value[block + 1]
    :: else -> skip
    fi;
    again = entry;
    if
#ifdef MUTANT_VALIDATED_BY_THE_HEADER
    :: first[block] == version && version == reference % 8 ->
#else
    :: (again == reference && version == reference % 8) || epoch - before <= MOVES ->
#endif
        assert(version == reference % 8 && word == version && secondWord == version)
    :: else -> skip
    fi
}
