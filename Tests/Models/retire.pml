/* The switch to a new generation: the daemon, the writers and the readers of a segment, whichever of them dies when.
 *
 * Stands for:
 *   SharedMemStore/Store+Lock.swift: unlock unlockWithWaiters isRetired
 *   SharedMemStore/Store.swift: checkState
 *   SharedMem/Segment.swift: withView attachAgain
 *
 * THE SWITCH, from the generation `old` to `new` = old + 1. A word is old's unless new is named. All stores are the
 * daemon's. CLOSED means: it answers no attach to this segment, neither a reader's nor a writer's; they wait.
 *
 *   1. Build the new pair of files; copy what is there, as a reader does. Nobody but the daemon has its descriptors.
 *   2. Store these descriptors with the service manager and wait for its barrier. (Any time before 5 will do.)
 *   3. Take the lock word:
 *      - it is 0: CAS(0 -> RECOVERY), on to 4;
 *      - a living session's: wait, up to a deadline; then take back 2, and that was it;
 *      - a dead session's: the ordinary repair, then again;
 *      - an ABANDONED session's (its socket is closed, its process lives and may store for ever): close; CAS(exactly
 *        this word, with or without waiters -> RETIRED); on to 4a. If that fails: open, and again from the top of 3.
 *   4. Copy what is newer, versions kept. (No room: free the word, wake all, take back 2.) new's commit number :=
 *      the commit number; retired_at := the same. Close. On to 5.
 *   4a. In this order: state := RETIRED; load the commit number c; copy what is newer as a consistent read at c does (a
 *      change c + 1 that is published and not committed counts if it is met); retired_at := c + 1 if one was met,
 *      otherwise c; new's commit number := c + 1 in both cases, so that the owner's version is burnt.
 *   5. The session table's current generation := new. Before this store nothing has happened, after it everything has.
 *   6. state := RETIRED (after 4a it is).
 *   7. Lock word := RETIRED (after 4a it is).
 *   8. Wake all who sleep on the lock word.
 *   9. Open.
 *  10. Punch the data file empty but for its header. Then take the old descriptors out of the store, not before 8.
 *
 * A DAEMON THAT STARTS is closed, and takes the table's word alone for which generation is current.
 *   a. In an older generation: 6, 7, 8 and 10 again. RECOVERY there becomes RETIRED, it is never repaired or freed.
 *   b. A newer generation's descriptors are taken out of the store.
 *   c. In the current one: wake all. If its lock word is RETIRED, the switch was on its way from an abandoned owner: 1
 *      and 2, then on at 4a, closed all the time. If it is RECOVERY: repair, free, wake all.
 *   d. Open.
 *
 * A WRITER locks by CAS(0 -> own), issues at most one version while the word is its own, unlocks by CAS(own -> 0). It
 * finds RETIRED: it attaches again. Its unlock fails: it attaches again, which ends after 9, and then looks into the
 * header of the OLD generation: its version <= retired_at means that the change was taken along, so it succeeds with
 * this version; otherwise the change is done again, in the new generation. It is, too, if it has changed nothing (no
 * such key, another version, no room): what was found under a word that was lost by then means nothing.
 *
 * A READER copies, then loads state (acquire). It is RETIRED: it attaches again and reads again.
 *
 * One key, and a record is one step: for many keys, the copy is a read of one moment. An unlock wakes all here, in the
 * same step: lock.pml has more of that. Any owner may hang up (HANG_UPS), and then stop for ever; it may die before any
 * step (KILLS). So may the daemon (CRASHES), which is started again. It is asked to switch (REQUESTS), and does so on
 * its own for an abandoned owner. Some operations change nothing (LOOKS).
 *
 * Claims. Gets and sets are linearisable in the order of their versions: what begins after a set or a get has ended
 * sees or makes no older version; a version has one value, a value has one version; no version is issued twice. Who
 * takes a lock word has the current generation's, so there is only one. Who attaches again gets a newer generation. The
 * table's generation is in the store. Everybody comes to an end who doesn't stop.
 */
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef GETS
#define GETS 2
#endif
#ifndef REQUESTS
#define REQUESTS 0
#endif
#ifndef HANG_UPS
#define HANG_UPS 0
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#define GENERATIONS (1 + REQUESTS + HANG_UPS)
#define RECOVERY 8
#define RETIRED 9

/* Each generation's memory. */
byte word[GENERATIONS];
bit isRetired[GENERATIONS];     /* the state */
byte version[GENERATIONS], value[GENERATIONS]; /* the record that the index names */
byte commitNumber[GENERATIONS], retiredAt[GENERATIONS];
/* What outlives the daemon. */
byte table;
bit isStored[GENERATIONS];

bit isOpen;
byte sleepsOn[3]; /* generation + 1; 0: awake */
bit isDead[3], hasHungUp[3];
byte requests = REQUESTS, hangUps = HANG_UPS, kills, crashes;

/* What the claims are checked against. */
byte newest;              /* the highest version that somebody was told */
byte valueOf[16], versionOf[8];
short issued;

inline told(itsVersion, itsValue) {
    assert(valueOf[itsVersion] == 0 || valueOf[itsVersion] == itsValue);
    assert(versionOf[itsValue] == 0 || versionOf[itsValue] == itsVersion);
    valueOf[itsVersion] = itsValue;
    versionOf[itsValue] = itsVersion;
    if :: itsVersion > newest -> newest = itsVersion :: else -> skip fi
}

inline wakeAll(which) {
    if :: sleepsOn[1] == which + 1 -> sleepsOn[1] = 0 :: else -> skip fi;
    if :: sleepsOn[2] == which + 1 -> sleepsOn[2] = 0 :: else -> skip fi
}


/* MARK: Writers */

/* What an owner does: done, or it dies before, or it stops. */
#define STEP(store) \
    if \
    :: atomic { store } \
    :: atomic { kills > 0 -> kills--; goto killed } \
    :: hasHungUp[me] -> goto stopped \
    fi

inline tell() {
    assert(mine > from || isLook && mine == from);
    told(mine, own)
}

inline attachAgain() {
    atomic { isOpen -> before = at; at = table; hasHungUp[me] = 0; assert(at > before) }
}

proctype Writer(byte me) {
    byte round, at, before, from, mine, own;
    bit isLook;
    atomic { isOpen -> at = table };
    do
    :: round < (me == 2 -> ROUNDS : 1) ->
        atomic {
            from = newest;
            own = 2 * round + me + 1;
#ifdef LOOKS
            if :: isLook = 0 :: isLook = 1 fi
#endif
        };
lock:
        atomic {
            if
            :: word[at] == 0 ->
                word[at] = me;
                assert(at == table);
                if :: hangUps > 0 -> hangUps--; hasHungUp[me] = 1 :: true fi;
                goto locked
            :: word[at] == RETIRED -> goto again
            :: else -> sleepsOn[me] = at + 1
            fi
        };
        (sleepsOn[me] == 0);
        goto lock;
locked:
        if
        :: isLook -> STEP(mine = version[at]; own = value[at])
        :: else ->
            STEP(mine = commitNumber[at] + 1);
            STEP(assert(!(issued & (1 << mine))); issued = issued | (1 << mine); version[at] = mine; value[at] = own);
            STEP(commitNumber[at] = mine)
        fi;
        /* unlock() */
#ifdef MUTANT_UNLOCKED_BY_EXCHANGE
        STEP(before = word[at]; word[at] = 0; wakeAll(at); tell(); goto next);
#else
        STEP(
            if
            :: word[at] == me -> word[at] = 0; hasHungUp[me] = 0; wakeAll(at); tell(); goto next
            :: else -> skip
            fi);
#endif
#ifdef MUTANT_FAILURE_BELIEVED
        atomic { if :: isLook -> tell() :: else -> skip fi };
#endif
        attachAgain();
        atomic {
            if
#ifndef MUTANT_DONE_AGAIN_BLINDLY
#if defined(MUTANT_SUCCEEDS_ALL_THE_SAME)
            :: !isLook -> tell(); goto next
#elif defined(MUTANT_KEY_ASKED_FOR_THE_VERSION)
            :: !isLook && version[at] == mine -> tell(); goto next
#elif defined(MUTANT_ANSWER_IN_THE_NEW_GENERATION)
            :: !isLook && mine <= retiredAt[at - 1] -> tell(); goto next
#else
            :: !isLook && mine <= retiredAt[before] -> tell(); goto next
#endif
#endif
            :: else -> before = 0; mine = 0; goto lock
            fi
        };
again:
        attachAgain();
        atomic { before = 0; goto lock };
next:
        atomic { round++; mine = 0; own = 0; before = 0; from = 0; isLook = 0 }
    :: else -> break
    od;
    goto done;
killed:
    atomic { isDead[me] = 1; goto done };
stopped:
endStopped:
    false;
done:
    skip
}

/* MARK: A reader */

proctype Reader() {
    byte gets, at, before, from, seen, its;
    atomic { isOpen -> at = table };
    do
    :: gets < GETS ->
#ifdef MUTANT_STATE_LOOKED_AT_FIRST
        atomic { from = newest; if :: isRetired[at] -> goto again :: else -> skip fi };
        atomic { seen = version[at]; its = value[at] };
        atomic { assert(seen >= from); told(seen, its); gets++; seen = 0; its = 0; goto next };
#else
        atomic { from = newest; seen = version[at]; its = value[at] };
        /* checkState() */
        atomic {
            if
            :: isRetired[at] -> goto again
            :: else -> assert(seen >= from); told(seen, its); gets++; seen = 0; its = 0; from = 0; goto next
            fi
        };
#endif
again:
        atomic { isOpen -> before = at; at = table; assert(at > before); before = 0; seen = 0; its = 0; from = 0 };
next:
        skip
    :: else -> break
    od
}

/* MARK: The daemon */

#define CRASHING(store) if :: atomic { store } :: atomic { crashes > 0 -> crashes--; goto crashed } fi

/* recover(), endRecovery() */
inline repair() {
    CRASHING(if :: version[table] > commitNumber[table] -> commitNumber[table] = version[table] :: else -> skip fi);
    CRASHING(assert(word[table] == RECOVERY); word[table] = 0);
    CRASHING(wakeAll(table))
}

#define IS_OWNED_BY_THE_DEAD (word[table] == 1 && isDead[1] || word[table] == 2 && isDead[2])
#define IS_ABANDONED (word[table] == 1 && hasHungUp[1] || word[table] == 2 && hasHungUp[2])

proctype Daemon() {
    byte old, new, now;
    goto idle;

start:
#ifdef MUTANT_NEWEST_TAKEN
    atomic { if :: table < GENERATIONS - 1 && isStored[table + 1] -> table++ :: else -> skip fi };
#endif
#ifdef MUTANT_OPENED_TOO_EARLY
    CRASHING(isOpen = 1);
#endif
    assert(isStored[table]);
    do
    :: old < GENERATIONS ->
        if
        :: old < table && isStored[old] ->
#ifdef MUTANT_OLD_ONE_REPAIRED
            atomic { if :: word[old] == RECOVERY -> word[old] = 0 :: else -> skip fi };
            CRASHING(isRetired[old] = 1);
#else
            CRASHING(isRetired[old] = 1);
            CRASHING(word[old] = RETIRED);
#endif
#ifndef MUTANT_STARTED_QUIETLY
            CRASHING(wakeAll(old));
#endif
            CRASHING(version[old] = 0; value[old] = 0);
            CRASHING(isStored[old] = 0)
        :: old > table && isStored[old] -> CRASHING(isStored[old] = 0)
        :: else -> skip
        fi;
        old++
    :: else -> break
    od;
#ifndef MUTANT_STARTED_QUIETLY
    CRASHING(wakeAll(table));
#endif
    if
    :: word[table] == RETIRED -> goto build
    :: word[table] == RECOVERY -> repair()
    :: else -> skip
    fi;
    CRASHING(isOpen = 1);

idle:
    atomic { old = 0; new = 0; now = 0 };
endIdle:
    if
    :: atomic { requests > 0 -> requests-- }
    :: IS_ABANDONED
    :: atomic { IS_OWNED_BY_THE_DEAD -> word[table] = RECOVERY }; repair(); goto idle
    :: atomic { crashes > 0 -> crashes--; goto crashed }
    fi;

build:
    atomic { old = table; new = table + 1 };
    CRASHING(version[new] = version[old]; value[new] = value[old]; commitNumber[new] = 0; retiredAt[new] = 0;
             word[new] = 0; isRetired[new] = 0);
#if !defined(MUTANT_STORED_AFTER_THE_TABLE) && !defined(STORED_LATE)
    CRASHING(isStored[new] = 1);
#endif
locking:
    if
    :: word[old] == RETIRED -> goto abandoned
    :: atomic { word[old] == 0 -> word[old] = RECOVERY }
#if defined(MUTANT_ABANDONED_TAKEN_FOR_DEAD)
    :: atomic { IS_ABANDONED -> word[old] = RECOVERY }; repair(); goto locking
#elif defined(MUTANT_ABANDONED_LOCKED_LIKE_FREE)
    :: atomic { IS_ABANDONED -> isOpen = 0; word[old] = RECOVERY; goto abandoned }
#else
    :: atomic { IS_ABANDONED -> isOpen = 0; word[old] = RETIRED; goto abandoned }
#endif
    :: atomic { IS_OWNED_BY_THE_DEAD -> word[old] = RECOVERY }; repair(); goto locking
    :: atomic { word[old] != 0 && word[old] != RETIRED && !IS_ABANDONED }; CRASHING(isStored[new] = 0); goto idle
    fi;
#ifdef MUTANT_STATE_BEFORE_THE_COPY
    CRASHING(isRetired[old] = 1);
#endif
#ifndef MUTANT_NEWER_NOT_COPIED
    CRASHING(version[new] = version[old]; value[new] = value[old]);
#endif
    if
    :: /* There's no room for it. */ repair(); CRASHING(isStored[new] = 0); goto idle
    :: true
    fi;
    CRASHING(commitNumber[new] = commitNumber[old]; retiredAt[old] = commitNumber[old]);
#ifndef MUTANT_OPEN_MEANWHILE
    CRASHING(isOpen = 0);
#endif
    goto switch;

abandoned:
#ifndef MUTANT_READ_UNTIL_THE_SWITCH
    CRASHING(isRetired[old] = 1);
#endif
#ifndef MUTANT_COMMIT_NUMBER_LOADED_LAST
    CRASHING(now = commitNumber[old]);
#endif
    CRASHING(version[new] = version[old]; value[new] = value[old]);
#ifdef MUTANT_COMMIT_NUMBER_LOADED_LAST
    CRASHING(now = commitNumber[old]);
#endif
    CRASHING(retiredAt[old] = (version[new] > now -> version[new] : now));
#ifdef MUTANT_VERSION_NOT_BURNT
    CRASHING(commitNumber[new] = retiredAt[old]);
#else
    CRASHING(commitNumber[new] = now + 1);
#endif

switch:
#ifdef STORED_LATE
    CRASHING(isStored[new] = 1);
#endif
#ifdef MUTANT_OLD_ONE_LET_GO_TOO_EARLY
    CRASHING(table = new; isStored[old] = 0);
#endif
#ifdef MUTANT_PUNCHED_TOO_EARLY
    CRASHING(table = new);
    CRASHING(version[old] = 0; value[old] = 0);
#endif
#ifdef MUTANT_TABLE_LAST
    CRASHING(isRetired[old] = 1);
    CRASHING(word[old] = RETIRED);
#endif
    CRASHING(table = new);
#ifdef MUTANT_STORED_AFTER_THE_TABLE
    CRASHING(isStored[new] = 1);
#endif
    CRASHING(isRetired[old] = 1);
    CRASHING(word[old] = RETIRED);
#ifndef MUTANT_RETIRED_QUIETLY
    CRASHING(wakeAll(old));
#endif
    CRASHING(isOpen = 1);
    CRASHING(version[old] = 0; value[old] = 0);
    CRASHING(isStored[old] = 0);
    goto idle;

crashed:
    atomic { isOpen = 0; old = 0; new = 0; now = 0; goto start }
}

init {
    atomic {
        version[0] = 1; value[0] = 1; commitNumber[0] = 1; isStored[0] = 1;
        newest = 1; issued = 2; valueOf[1] = 1; versionOf[1] = 1;
        isOpen = 1;
        do :: kills < KILLS -> kills++ :: break od;
        do :: crashes < CRASHES -> crashes++ :: break od;
        run Writer(1);
        run Writer(2);
        run Reader();
        run Daemon()
    }
}
