/* Watching: writers that look at the flags, watchers that sleep, the daemon that keeps the flags, whichever dies when.
 *
 * Stands for:
 *   SharedMemStore/Store+Watch.swift: notifyWord currentVersion changeCursor nextChange nextEntry
 *   SharedMemStore/Store+Notify.swift: notify noteInRing writeRing setWatched
 *   SharedMemStore/Store+Repair.swift: repairAsOwner
 *   SharedMem/Segment+Wait.swift: wait
 *   SharedMem/RingProgress.swift: look list
 *   SharedMem/Segment+Notify.swift: wakeWatchers
 *
 * Without RING, the watcher is one of a key: flag and notify word are its stripe's. With RING it is one of everything:
 * they are the segment's, and it learns from the change ring, which has LENGTH entries, or by listing the keys. Both
 * keys are of one stripe. An entry is one store here, its position too: ring.pml has more of that.
 *
 * What writers store reaches watchers and daemon in its order, but later: writers see each other's stores at once, they
 * hand over the lock word, but by the letter of the memory model giving it back is no fence. The daemon's store of the
 * flag waits in a buffer too. Additions and maxima wait for nothing but what their own process fenced before.
 *
 * Writers make CHANGES changes between them: a set, a deletion, or (TRANSACTIONS) the deletion of one key and the set
 * of the other in one. Each may be killed between any two steps (KILLS of them): it may leave a deletion noted that
 * never happens, a version published and not committed, a change that isn't in the ring or only half of it, an unlock
 * without a wake-up. So may the daemon (CRASHES), with its session table written and the flag not yet stored. Somebody
 * else watches at the beginning (LEAVER) and goes at some time.
 *
 * What it takes, beside the order of the steps:
 *   - A missing key's version is its stripe's last deletion, but no more than a commit number loaded before the key was
 *     looked for: the deletion's version may yet be that of another change, or of a set in the same transaction.
 *   - Whether a change goes into the ring is looked up once, not for each of its keys.
 *   - Who listed the keys leaves out what the ring says up to the commit number of its cursor: what has changed the key
 *     again since may be missing in the ring.
 *   - Who repairs raises the gap before it frees the lock word: who comes next believes that the ring knows the version
 *     whose entry, or whose second entry, the dead writer owes.
 *
 * Claims: when all is over, the watcher knows every key (its own) as it is, without a time-out's help. A slice's end is
 * needed only against somebody who moves sleepers elsewhere (HOSTILE), and for a writer that is stopped between its
 * unlock and its wake-up (STOPS).
 */
#ifndef CHANGES
#define CHANGES 2
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef LENGTH
#define LENGTH 2
#endif
#define RECOVERY 7
#define DAEMON 3

/* The data file, as all but the owner of the lock word see it. */
byte slot[2], commitNumber = 2, lastDeletion;
byte entry[LENGTH], position, gap;       /* entry: version * 8 + isLast * 4 + key * 2 + isDeletion */
byte ringVersion = 2;                    /* the newest version that the ring knows; as writers see it */
byte notify;
bit flag;

/* The same for the owner, and what is on its way: who stored it, where, and what. */
byte newSlot[2], newCommitNumber = 2;
byte isOnItsWay[4];
#define AT_SLOT 0 /* and 1 */
#define AT_COMMIT_NUMBER 2
#define AT_LAST_DELETION 3
#define AT_BOTH 4 /* a transaction's commit number, which shows both keys; version * 2 + the key that is set */
#define AT_POSITION 5 /* the entry too */
#define AT_CHANGE 6 /* slot and commit number, where nobody tells them apart: with RING; as an entry */
#define CHANGE(key, isDeletion, isLast) (version * 8 + (isLast) * 4 + (key) * 2 + (isDeletion))
chan stores = [6] of { byte, byte, byte };
chan flags = [2] of { bit };

byte owner, changes;
byte published;                          /* the version that the intent's slot shows */
bit mustDie[3], isDead[3], isHandled[3]; /* isHandled: not in the session table any more */
bit daemonMustDie;
byte crashes;

/* The session table's registrations: bit 0 the watcher's, bit 1 the other's. Their requests. */
byte table;
bit wants, isAnswered, leaves;

bit isAsleep, isElsewhere, isOver;       /* isOver: the slice */
byte known[2];                           /* the watcher's */

#define STORE(who, place, value) atomic { nfull(stores); stores ! who, place, value; isOnItsWay[who]++ }
#define FENCE(who) (isOnItsWay[who] == 0)

active proctype Memory() {
    byte who, place, value;
end:
    do
    :: atomic {
        stores ? who, place, value ->
        if
        :: place <= AT_SLOT + 1 -> slot[place] = value
        :: place == AT_COMMIT_NUMBER -> commitNumber = value
        :: place == AT_LAST_DELETION -> lastDeletion = value
        :: place == AT_BOTH ->
            commitNumber = value / 2;
            slot[value % 2] = value / 2;
            slot[1 - value % 2] = 0
        :: place == AT_POSITION -> entry[position % LENGTH] = value; position++
        :: else -> slot[(value / 2) % 2] = (value % 2 -> 0 : value / 8); commitNumber = value / 8
        fi;
        isOnItsWay[who]--;
        who = 0; place = 0; value = 0
    }
    :: flags ? flag
    od
}

inline wakeAll() { atomic { if :: isElsewhere -> skip :: else -> isAsleep = 0 fi } }
inline raiseGap(to) {
#ifdef RING
    atomic { if :: gap < to -> gap = to :: else -> skip fi }
#else
    skip
#endif
}

/* MARK: Writers */

/* isRingWatched: once for all keys of a change. What was stored before may still be on its way. */
inline lookAtRing() {
#ifdef RING
    isInRing = flag
#else
    skip
#endif
}

/* noteInRing(_:_:isDeletion:), writeRing(_:_:isDeletion:more:) */
inline noteInRing(itsKey, itIsDeletion, itIsLast) {
#ifdef RING
    if
    :: isInRing ->
#ifndef MUTANT_HOLE_UNTOLD
        atomic { if :: ringVersion + 1 < version -> raiseGap(version - 1) :: else -> skip fi };
#endif
        ringVersion = version;
        STORE(me, AT_POSITION, CHANGE(itsKey, itIsDeletion, itIsLast))
    :: !isInRing
    fi
#else
    skip
#endif
}

proctype Writer(byte me) {
    byte version;
    bit key, isDeletion, isBoth, isInRing, isFlagged;
    {
    do
    :: atomic {
        changes < CHANGES && owner == 0 && (changes > 0 || me == 1 || mustDie[1]) ->
        owner = me;
        changes++;
        version = newCommitNumber + 1;
        if
        :: true
        :: newSlot[0] != 0 -> isDeletion = 1
        :: key = 1; isDeletion = newSlot[1] != 0
#ifdef TRANSACTIONS
        :: newSlot[1] != 0 -> isBoth = 1
#endif
        fi
    };
#ifdef MUTANT_FLAG_LOADED_FIRST
        isFlagged = flag;
#endif
#ifndef RING
        if
        :: isDeletion || isBoth -> STORE(me, AT_LAST_DELETION, version)
        :: else -> skip
        fi;
#endif
        if
        :: isBoth ->
            /* commit(reads:writes:at:bootTime:) */
            atomic {
                STORE(me, AT_BOTH, version * 2 + key);
                newSlot[key] = version;
                newSlot[1 - key] = 0;
                newCommitNumber = version;
                published = version
            };
            lookAtRing();
            noteInRing(1 - key, 1, 0);
#ifdef MUTANT_LOOKED_AT_FOR_EACH_KEY
            lookAtRing();
#endif
            noteInRing(key, 0, 1)
        :: else ->
            /* carryOut(_:) */
            atomic {
#ifdef RING
                STORE(me, AT_CHANGE, CHANGE(key, isDeletion, 1));
                newCommitNumber = version;
#else
                STORE(me, AT_SLOT + key, (isDeletion -> 0 : version));
                published = version;
#endif
                newSlot[key] = (isDeletion -> 0 : version)
            };
#ifndef RING
            atomic { STORE(me, AT_COMMIT_NUMBER, version); newCommitNumber = version };
#endif
            lookAtRing();
            noteInRing(key, isDeletion, 1)
        fi;
        /* unlock() */
        owner = 0;
        /* isWatched, notify(stripes:version:) */
#if defined(MUTANT_WRITER_NOT_FENCED)
        isFlagged = flag;
#elif !defined(MUTANT_FLAG_LOADED_FIRST)
        atomic { FENCE(me) -> isFlagged = flag };
#endif
#ifdef STOPS
        if
        :: true
        :: goto stopped
        fi;
#endif
        if
        :: isFlagged ->
#if defined(RING) && !defined(MUTANT_GAP_NOT_RAISED) && !defined(MUTANT_GAP_AFTER_NOTIFY)
            atomic { if :: ringVersion < version -> raiseGap(version) :: else -> skip fi };
#endif
#ifdef MUTANT_WAKE_BEFORE_NOTIFY
            wakeAll();
            notify++;
#else
            notify++;
#ifdef MUTANT_GAP_AFTER_NOTIFY
            atomic { if :: ringVersion < version -> raiseGap(version) :: else -> skip fi };
#endif
            wakeAll();
#endif
        :: else -> skip
        fi;
        atomic { version = 0; key = 0; isDeletion = 0; isBoth = 0; isInRing = 0; isFlagged = 0 }
    :: changes == CHANGES -> goto done
    od;
stopped:
endStopped:
    false;
done:
    skip
    } unless { mustDie[me] -> skip };
    atomic { if :: mustDie[me] -> isDead[me] = 1 :: else -> skip fi }
}

/* MARK: Watchers */

/* What the daemon is asked for, again after it was started again. */
inline watch() {
    wants = 1;
    isAnswered
}

inline sleep(seen) {
    /* FUTEX_WAIT */
    atomic {
        if
        :: notify == seen -> isAsleep = 1
        :: else -> skip
        fi;
        seen = 0
    };
endAsleep:
    (!isAsleep)
}

#ifndef RING

/* currentVersion(of:bootTime:): a missing key's version is that of its stripe's last deletion, but for one that isn't
 * committed: that version may yet be another change's. */
inline currentVersion() {
#ifndef MUTANT_COMMIT_NUMBER_LOADED_LAST
    moment = commitNumber;
#endif
    atomic { itsSlot = slot[0]; its = itsSlot };
    if
    :: itsSlot == 0 ->
        its = lastDeletion;
#ifdef MUTANT_COMMIT_NUMBER_LOADED_LAST
        moment = commitNumber;
#endif
#ifndef MUTANT_DELETION_BELIEVED
        atomic { if :: its > moment -> its = moment :: else -> skip fi }
#endif
    :: else -> skip
    fi
}

/* wait(for:after:timeout:cancellation:), called again and again with what it has said. */
proctype Watcher() {
    byte after = 1, its, itsSlot, moment, seen;
    known[0] = 1;
    watch();
    do
    :: true ->
#ifndef MUTANT_NOTIFY_LOADED_AFTER
        seen = notify;
#endif
        currentVersion();
        if
        :: atomic { its > after -> after = its; known[0] = itsSlot; its = 0; itsSlot = 0; moment = 0; seen = 0 }
        :: atomic { its <= after -> its = 0; itsSlot = 0; moment = 0 };
#ifdef MUTANT_NOTIFY_LOADED_AFTER
            seen = notify;
#endif
            sleep(seen)
        fi
    od
}

#define IS_KNOWN (known[0] == slot[0])

#else

/* Watch.next(timeout:cancellation:) */
proctype Watcher() {
    byte at, from, version, its, until, seen;
    watch();
list:
    /* changeCursor(), then the keys */
#ifndef MUTANT_CURSOR_BEHIND_THE_LISTING
    at = position;
#endif
#ifndef MUTANT_VERSION_BEHIND_THE_LISTING
    atomic { from = commitNumber; version = from };
#endif
    known[0] = slot[0];
    known[1] = slot[1];
#ifdef MUTANT_CURSOR_BEHIND_THE_LISTING
    at = position;
#endif
#ifdef MUTANT_VERSION_BEHIND_THE_LISTING
    atomic { from = commitNumber; version = from };
#endif
    do
    :: true ->
#ifndef MUTANT_NOTIFY_LOADED_AFTER
        seen = notify;
#endif
        /* nextEntry(after:into:) */
next:
        until = position;
#ifndef MUTANT_GAP_IGNORED
        atomic { if :: gap > version -> at = 0; until = 0; seen = 0; goto list :: else -> skip fi };
#endif
        if
        :: at != until ->
            its = entry[at % LENGTH];
            atomic {
                until = position;
                if
#ifdef MUTANT_OVERRUN_UNNOTICED
                :: false
#else
                :: until - at >= LENGTH -> at = 0; its = 0; until = 0; seen = 0; goto list
#endif
                :: else ->
                    if
#ifndef MUTANT_OLDER_THAN_THE_LISTING_BELIEVED
                    :: its / 8 <= from -> skip
                    :: its / 8 > from ->
#else
                    :: true ->
#endif
                        known[(its / 2) % 2] = (its % 2 -> 0 : its / 8)
                    fi;
#ifdef MUTANT_KNOWN_BY_ITS_FIRST_KEY
                    its = its | 4;
#endif
                    /* A change is known when all its keys are. */
                    its = (its & 4 -> its / 8 : its / 8 - 1);
                    if :: its > version -> version = its :: else -> skip fi;
                    at++; its = 0; until = 0;
                    goto next
                fi
            }
        :: else -> until = 0
        fi;
#ifdef MUTANT_NOTIFY_LOADED_AFTER
        seen = notify;
#endif
        sleep(seen);
#if defined(STOPS) && !defined(MUTANT_SLICE_LOOKS_AT_NOTHING)
        /* isBehind(_:) */
        atomic { if :: isOver && commitNumber > version -> at = 0; goto list :: else -> skip fi }
#endif
    od
}

#define IS_KNOWN (known[0] == slot[0] && known[1] == slot[1])

#endif

/* MARK: The daemon */

inline setWatched() {
    atomic { nfull(flags); flags ! (table != 0) };
#ifndef MUTANT_DAEMON_NOT_FENCED
    empty(flags)
#else
    skip
#endif
}

/* notify(everything:): what is committed and not in the ring was a dead writer's, or is on its way there. */
inline notifyFlagged() {
#if defined(RING) && !defined(MUTANT_DEATH_WITHOUT_GAP)
    moment = commitNumber;
    atomic { if :: ringVersion < moment -> raiseGap(moment) :: else -> skip fi; moment = 0 };
#endif
    if
    :: flag -> notify++; wakeAll()
    :: else -> skip
    fi
}

/* recover(), endRecovery() */
inline repair() {
    atomic {
        if
        :: published > newCommitNumber ->
            STORE(DAEMON, AT_COMMIT_NUMBER, published);
            newCommitNumber = published
        :: else -> skip
        fi
    };
    FENCE(DAEMON);
#if !defined(MUTANT_FREED_BEFORE_THE_GAP) && !defined(MUTANT_DEATH_WITHOUT_GAP)
    raiseGap(commitNumber);
#endif
    owner = 0
}

proctype Daemon() {
    byte who, moment;
    {
    if
    :: crashes == 0 -> goto end
    :: else -> skip
    fi;
    empty(flags);
    setWatched();
    if
    :: owner == RECOVERY -> repair()
    :: else -> skip
    fi;
#ifndef STARTED_QUIETLY
    notifyFlagged();
#endif
end:
    do
    :: atomic { wants && !isAnswered -> skip };
#ifdef MUTANT_ANSWERED_BEFORE_THE_TABLE
        atomic { nfull(flags); flags ! 1 };
        empty(flags);
        isAnswered = 1;
        table = table | 1
#else
        table = table | 1;
        setWatched();
        isAnswered = 1
#endif
    :: atomic { leaves -> leaves = 0; table = table & 1 };
#ifdef MUTANT_TAKEN_BACK_WITH_THE_FIRST
        atomic { nfull(flags); flags ! 0 };
        empty(flags)
#else
        setWatched()
#endif
    :: atomic { isDead[1] && !isHandled[1] && FENCE(1) -> who = 1; goto dead }
    :: atomic { isDead[2] && !isHandled[2] && FENCE(2) -> who = 2; goto dead }
    od;
dead:
    atomic { if :: owner == who -> owner = RECOVERY :: else -> goto repaired fi };
#ifdef MUTANT_NOTIFIED_BEFORE_REPAIRED
    notifyFlagged();
    repair();
    goto told;
#endif
    repair();
repaired:
#ifndef MUTANT_DEATH_UNTOLD
    notifyFlagged();
#endif
told:
    atomic { isHandled[who] = 1; who = 0 };
    goto end
    } unless { daemonMustDie -> skip };
    atomic { daemonMustDie = 0; run Daemon() }
}

/* MARK: What goes wrong, and the end */

proctype Fate() {
    byte kills;
    bit hasLeft, hasMoved;
end:
    do
    :: kills < KILLS -> atomic { kills++; if :: mustDie[1] = 1 :: mustDie[2] = 1 fi }
    :: crashes < CRASHES && !daemonMustDie -> atomic { crashes++; daemonMustDie = 1 }
    :: crashes < CRASHES -> crashes = CRASHES
#ifdef LEAVER
    :: !hasLeft -> atomic { hasLeft = 1; leaves = 1 }
#endif
#ifdef HOSTILE
    :: atomic { isAsleep && !hasMoved -> hasMoved = 1; isElsewhere = 1 }
#endif
    od
}

active proctype End() {
    timeout;
#ifndef MUTANT_SLICES_LEFT_OUT
#if defined(HOSTILE) || defined(STOPS)
    atomic { isAsleep = 0; isElsewhere = 0; isOver = 1 };
    timeout;
#endif
#endif
    assert(IS_KNOWN)
}

init {
    atomic {
        slot[0] = 1; slot[1] = 2; newSlot[0] = 1; newSlot[1] = 2; published = 2;
#ifdef LEAVER
        table = 2; flag = 1;
#endif
        run Writer(1);
        run Writer(2);
        run Watcher();
        run Daemon();
        run Fate()
    }
}
