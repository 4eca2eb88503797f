/* Lock and wake: the lock word, the writers that sleep on it, the daemon that repairs it.
 *
 * Stands for:
 *   SharedMemStore/Store+Lock.swift: tryLock unlock unlockWithWaiters announceWaiter takeOver endRecovery
 *   SharedMem/Segment+Lock.swift: writing lockSlowly
 *
 * Every writer wants the word once, the first one ROUNDS times. Every writer may be killed between any two steps (KILLS
 * of them), asleep, as the owner, or between its unlock and its wake-up. So may the daemon (RESTARTS times); it is
 * started again and looks at all sessions anew. FUTEX_WAIT compares and falls asleep in one step, FUTEX_WAKE wakes any
 * one sleeper. One try for the free word stands for all of the spin: those that fail leave no trace. A writer that was
 * woken may give up (IMPATIENT), because its time is over and somebody else has the word: it wakes another.
 *
 * Claims: one owner at a time; nobody owns the word before what a dead owner left is repaired; no wake-up is lost, which
 * would be an end state with a sleeper in it. The end of a sleeper's slice isn't modelled: nothing needs it.
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
#define RECOVERY 7

byte owner;              /* the lock word: bits 0-30 ... */
bit waiters;             /* ... and bit 31 */
bit asleep[WRITERS + 1];
bit mustDie[WRITERS + 1], isDead[WRITERS + 1], isHandled[WRITERS + 1];
bit daemonMustDie;
byte inside;             /* processes that work under the lock */
bit isDirty;             /* what they work on is half-done */

inline wakeOne() {
    atomic {
        if
        :: asleep[1] -> asleep[1] = 0
        :: asleep[2] -> asleep[2] = 0
        :: asleep[WRITERS] -> asleep[WRITERS] = 0
        :: else -> skip
        fi
    }
}
inline wakeAll() { d_step { asleep[1] = 0; asleep[2] = 0; asleep[WRITERS] = 0 } }

proctype Writer(byte me) {
    byte round, seen;
    bit seenWaiters, isInside, hasSlept;
    {
    do
    :: round < (me == 1 -> ROUNDS : 1) ->
        hasSlept = 0;
        /* tryLock(at:) */
        atomic {
            if
            :: owner == 0 -> owner = me; goto critical
            :: else -> skip
            fi
        };
again:
        /* tryLock(at:afterWaiting: true) */
        atomic {
            if
#ifdef MUTANT_BIT_DROPPED
            :: owner == 0 -> owner = me; goto critical
#else
            :: owner == 0 -> owner = me; waiters = 1; goto critical
#endif
            :: else -> seen = owner; seenWaiters = waiters
            fi
        };
#ifdef IMPATIENT
        if
        :: hasSlept ->
#ifndef MUTANT_WAKE_KEPT
            wakeOne();
#endif
            goto next
        :: skip
        fi;
#endif
        /* announceWaiter(seeing:) */
#ifdef MUTANT_UNANNOUNCED
        skip;
#else
        if
        :: seenWaiters -> skip
        :: else ->
            atomic {
                if
                :: owner == seen && !waiters -> waiters = 1
                :: else -> goto again
                fi
            }
        fi;
        seenWaiters = 1;
#endif
        /* FUTEX_WAIT */
        atomic {
            if
#ifdef MUTANT_NOT_COMPARED
            :: true -> asleep[me] = 1
#else
            :: owner == seen && waiters == seenWaiters -> asleep[me] = 1
            :: else -> goto again
#endif
            fi
        };
        if
        :: !asleep[me]
        fi;
        hasSlept = 1;
        goto again;
critical:
        atomic {
            inside++;
            isInside = 1;
            assert(inside == 1);
            assert(!isDirty);
            isDirty = 1
        };
        atomic { isDirty = 0; isInside = 0; inside-- };
#ifdef MUTANT_WAKE_BEFORE_UNLOCK
        if :: waiters -> wakeOne() :: else -> skip fi;
#endif
        /* unlock(), unlockWithWaiters(_:) */
        atomic {
            if
            :: owner == me && !waiters -> owner = 0; goto next
            :: else -> skip
            fi
        };
        atomic {
            assert(owner == me && waiters);
            owner = 0;
            waiters = 0
        };
#ifndef MUTANT_WAKE_BEFORE_UNLOCK
        wakeOne();
#endif
next:
        round++
    :: else -> break
    od
    } unless { mustDie[me] -> skip };
    atomic {
        if
        :: mustDie[me] ->
            asleep[me] = 0;
            if :: isInside -> inside-- :: else -> skip fi;
            isDead[me] = 1
        :: else -> skip
        fi
    }
}

proctype Killer() {
    byte kills;
    do
    :: kills < KILLS ->
        atomic {
            kills++;
#ifdef MUTANT_HANG_UP_TAKEN_FOR_DEATH
            isDead[1] = 1
#else
            if :: mustDie[1] = 1 :: WRITERS > 2 -> mustDie[2] = 1 fi
#endif
        }
    :: break
    od
}

/* recover() */
inline repairLeft() {
    atomic { inside++; assert(inside == 1) };
    atomic { isDirty = 0; inside-- }
}
inline endRecovery() {
    atomic {
        if
        :: owner == RECOVERY && !waiters -> owner = 0; goto freed
        :: else -> skip
        fi
    };
    atomic {
        if
        :: owner == RECOVERY && waiters -> owner = 0; waiters = 0
        :: else -> skip
        fi
    };
freed:
    skip
}

/* The daemon: on each death, takeOver(from:), recover(), endRecovery(), and then it wakes everybody whatever the word
 * says. A daemon that finds its own mark in the word goes on where it died. */
proctype Daemon() {
    byte who;
    {
    if
    :: atomic { owner == RECOVERY -> goto repair }
    :: owner != RECOVERY
    fi;
end:
    if
    :: atomic { isDead[1] && !isHandled[1] -> who = 1 }
    :: atomic { isDead[2] && !isHandled[2] -> who = 2 }
    fi;
    /* takeOver(from:) */
#ifdef MUTANT_TAKEN_OVER_WHOEVER_OWNS_IT
    atomic { if :: owner != 0 -> owner = RECOVERY; goto repair :: else -> skip fi };
#endif
    atomic { if :: owner == who && !waiters -> owner = RECOVERY; goto repair :: else -> skip fi };
    atomic { if :: owner == who && waiters -> owner = RECOVERY; goto repair :: else -> skip fi };
#ifndef MUTANT_WOKEN_ONLY_IF_REPAIRED
    wakeAll();
#endif
    goto handled;
repair:
#ifdef MUTANT_FREED_BEFORE_REPAIRED
    endRecovery();
    repairLeft();
#else
    repairLeft();
    endRecovery();
#endif
#ifndef MUTANT_REPAIRED_QUIETLY
    wakeAll();
#endif
handled:
    atomic { if :: who != 0 -> isHandled[who] = 1; who = 0 :: else -> skip fi };
    goto end
    } unless { daemonMustDie -> skip };
    atomic {
        if :: inside > 0 && owner == RECOVERY -> inside = 0 :: else -> skip fi;
        daemonMustDie = 0;
        isHandled[1] = 0;
        isHandled[2] = 0;
        run Daemon()
    }
}

proctype DaemonKiller() {
    byte kills;
    do
    :: kills < RESTARTS -> atomic { !daemonMustDie -> daemonMustDie = 1; kills++ }
    :: break
    od
}

init {
    atomic {
        run Writer(1);
        run Writer(2);
#if WRITERS > 2
        run Writer(3);
#endif
        run Daemon();
        run Killer();
        run DaemonKiller()
    }
}
