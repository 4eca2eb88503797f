/* Pins: a record that was found under a pin stays as it is until the pin goes.
 *
 * Stands for:
 *   SharedMemStore/Store+Pin.swift: pin unpin pinHolder findPinned
 *   SharedMemStore/Store+Limbo.swift: isReclaimable moveEpoch allocate allocateAtAnyCost
 *
 * Two loads that each follow another place's store: x86 lets both miss what the other process stored, unless both fence.
 * So both processes have a store buffer, a queue that empties at any time and that a fence waits for. The writer's is
 * not emptied by the lock word: by the letter of the memory model, giving it back is no fence.
 *
 * The writer replaces one key's record in BLOCKS blocks, CHANGES times. Without room it moves the epoch twice, and if
 * a pin is in the way then, the set fails and names its holder (ENOSPC).
 *
 * Claims: what is found under a pin doesn't change (it isn't even validated here), a set fails because of a pin only if
 * the record in its way was retired at the epoch that the pin was complete at, or later. The second claim alone needs
 * the loop in pin(_:), which ends after some attempts: ONCE makes one, and claims the first alone.
 */
#ifndef BLOCKS
#define BLOCKS 2
#endif
#ifndef CHANGES
#define CHANGES 3
#endif
#ifndef PINS
#define PINS 2
#endif
#define NONE 15

/* Memory. */
byte epoch, entry = 1, body[BLOCKS] = 1; /* entry: block * 16 + version */
byte pinned;                         /* the epoch, plus 1; 0: none */
/* Store buffers: place and value. */
#define AT_EPOCH 0
#define AT_ENTRY 1
#define AT_BODY 2
chan writes = [6] of { byte, byte };
chan pins = [2] of { byte };

/* The epoch when the pin was complete; not part of the memory. */
byte completeAt = NONE;

active proctype WriterBuffer() {
    byte place, value;
end:
    do
    :: atomic {
        writes ? place, value ->
        if
        :: place == AT_EPOCH -> epoch = value
        :: place == AT_ENTRY -> entry = value
        :: else -> body[place - AT_BODY] = value
        fi;
        place = 0;
        value = 0
    }
    od
}

active proctype ReaderBuffer() {
end:
    do
    :: pins ? pinned
    od
}

active proctype Reader() {
    byte now, found, rounds;
    do
    :: rounds < PINS ->
        now = epoch;
store:
        pins ! now + 1;
#ifndef MUTANT_PIN_NOT_FENCED
        empty(pins);
#endif
#if defined(MUTANT_EPOCH_NOT_LOADED_AGAIN) || defined(ONCE)
        completeAt = epoch;
#else
        atomic {
            if
            :: epoch != now -> now = epoch; goto store
            :: else -> completeAt = now
            fi
        };
#endif
        /* findPinned(_:_:), then the bytes, twice */
        found = entry;
        assert(body[found / 16] == found % 16);
#ifdef MUTANT_UNPINNED_BEFORE_THE_LAST_BYTE
        completeAt = NONE;
        pins ! 0;
        assert(body[found / 16] == found % 16);
#else
        assert(body[found / 16] == found % 16);
        completeAt = NONE;
        /* unpin(_:) */
        pins ! 0;
#endif
        atomic { found = 0; now = 0; rounds++ }
    :: else -> break
    od
}

/* What the writer knows. */
byte epochNow, version = 1, current, retired[BLOCKS];
bit isInLimbo[BLOCKS];

inline moveEpoch() {
#ifndef MUTANT_WRITER_NOT_FENCED
    empty(writes);
#endif
    atomic { epochNow++; writes ! AT_EPOCH, epochNow }
}

/* isReclaimable(_:): old enough, and no pin keeps it; loads the pin after the epoch. */
inline look(block) {
    isFree = 0;
    keeper = 0;
    if
    :: epochNow - retired[block] >= 2 ->
#ifndef MUTANT_PIN_IGNORED
        keeper = pinned;
#endif
#ifdef MUTANT_PIN_KEEPS_ONLY_LATER_EPOCHS
        isFree = (keeper == 0 || retired[block] <= keeper - 1)
#else
        isFree = (keeper == 0 || retired[block] < keeper - 1)
#endif
    :: else -> skip
    fi
}

active proctype Writer() {
    byte block, moves, keeper;
    bit isFree;
    do
    :: version <= CHANGES ->
        /* Another block than the current one: never used, or the head of limbo. */
        block = (current + 1) % BLOCKS;
        if
        :: !isInLimbo[block] -> skip
        :: else ->
            moves = 2;
            look(block);
            do
            :: !isFree && moves > 0 -> moves--; moveEpoch(); look(block)
            :: else -> break
            od;
            if
            :: !isFree ->
                /* allocateAtAnyCost(granuleCount:) looks for the holder again. */
                atomic {
                    keeper = pinned;
                    if
                    :: keeper != 0 && retired[block] >= keeper - 1 ->
#ifndef ONCE
                        assert(completeAt == NONE || retired[block] >= completeAt);
#endif
                        if
                        :: epochNow < 6 -> goto failed
                        :: else -> goto done
                        fi
                    :: else -> skip
                    fi
                }
            :: else -> skip
            fi;
            isInLimbo[block] = 0
        fi;
        /* fill, publish, retire */
        version++;
        writes ! AT_BODY + block, version;
        writes ! AT_ENTRY, block * 16 + version;
        atomic {
            retired[current] = epochNow;
            isInLimbo[current] = 1;
            current = block
        };
failed:
        atomic { block = 0; moves = 0; keeper = 0; isFree = 0 }
    :: else -> break
    od;
done:
    skip
}
