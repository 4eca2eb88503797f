/* Death: what the daemon knows of its clients, and what it repairs when one is gone, over its own deaths.
 *
 * Stands for:
 *   SharedMemStore/Store+Lock.swift: takeOver endRecovery
 *   SharedMemStore/Store+Recovery.swift: recover
 *
 * Two segments. Each client is a process that asks for the right to write both, locks the first, then the second, and
 * gives both back: so it may die as the owner of none, one or two lock words, and between an unlock and its wake-up
 * (KILLS). It may also hand back its first right while it is in there, as another of its threads would. How a word is
 * taken with others asleep is lock.pml's, how a change is repaired write.pml's.
 *
 * The daemon keeps a session table, which outlives it: a session's id, its process's identity, its rights, the next id.
 * It dies before any of its steps (CRASHES). For each death, in this order:
 *   1. for each segment that the process ever had the right to write, attached or not: CAS(its id -> RECOVERY); if that
 *      was it, repair, CAS(RECOVERY -> 0); in any case wake all who sleep on the word;
 *   2. forget the session.
 * Started again, it repairs and frees each word that is RECOVERY, and looks at all sessions' processes anew: whose
 * process isn't that of the table is dead. A session is in the table before it is answered, ids are never issued twice.
 * A word that names no session (HOSTILE: a writer stores anything but 0) is never freed, because its owner may live:
 * the segment gets a new generation (retire.pml). So does one whose owner is abandoned.
 *
 * Death is what the process's pidfd says. Its socket says nothing: a child may keep it open when the process is dead,
 * and the process may close it and go on.
 *
 * Claims: one owner at a time, and nobody owns a word before what a dead owner left is repaired; no generation is given
 * up without a hostile writer; everybody who lives comes to an end, who waits for a word too. The daemon needs not wake
 * anybody when it starts, because it forgets a session last (STARTED_QUIETLY).
 */
#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#define RECOVERY 8
#define ANYTHING 9
#define RETIRED 10

byte word[2];
byte sleepsOn[CLIENTS + 1];      /* segment + 1; 0: awake */
/* The table. */
byte session[CLIENTS + 1], rights[CLIENTS + 1], nextID = 1;
/* What the processes are. */
bit isDead[CLIENTS + 1], isHidden[CLIENTS + 1]; /* a dead one's socket is open in a child, its pid is another's now */
byte id[CLIENTS + 1], attached[CLIENTS + 1];
byte asks[CLIENTS + 1];          /* segment + 1; 0: nothing, or it is answered */
byte kills, crashes;

/* What the claims are checked against. */
byte inside[2];                  /* owners that work */
bit isDirty[2], isHostile;

inline wakeAll(which) {
    if :: sleepsOn[1] == which + 1 -> sleepsOn[1] = 0 :: else -> skip fi;
    if :: sleepsOn[2] == which + 1 -> sleepsOn[2] = 0 :: else -> skip fi;
    if :: sleepsOn[CLIENTS] == which + 1 -> sleepsOn[CLIENTS] = 0 :: else -> skip fi
}

inline wakeOne(which) {
    if
    :: sleepsOn[1] == which + 1 -> sleepsOn[1] = 0
    :: sleepsOn[2] == which + 1 -> sleepsOn[2] = 0
    :: sleepsOn[CLIENTS] == which + 1 -> sleepsOn[CLIENTS] = 0
    :: else -> skip
    fi
}

/* MARK: Clients */

#define STEP(store) if :: atomic { store } :: atomic { kills > 0 -> kills--; goto killed } fi

inline ask(which) {
    asks[me] = which + 1;
    (asks[me] == 0)
}

inline unlock(which) {
    STEP(assert(inside[which] == 1); isDirty[which] = 0; inside[which] = 0; isInside[which] = 0);
    STEP(if :: word[which] == id[me] -> word[which] = 0 :: else -> skip fi);
    STEP(wakeOne(which))
}

proctype Client(byte me) {
    bit isInside[2];
    byte at;
    ask(0);
    ask(1);
    do
    :: at < 2 ->
        atomic {
            if
            :: word[at] == 0 ->
                word[at] = id[me];
                inside[at]++;
                isInside[at] = 1;
                assert(inside[at] == 1 && !isDirty[at]);
                isDirty[at] = 1;
                at++
            :: word[at] == RETIRED -> goto leave
            :: else -> sleepsOn[me] = at + 1
            fi
        };
        (sleepsOn[me] == 0);
        if
        :: at == 1 && (attached[me] & 1) -> attached[me] = attached[me] & ~1
        :: true
        fi
    :: else -> break
    od;
    unlock(1);
leave:
    if :: isInside[0] -> unlock(0) :: else -> skip fi;
    goto done;
killed:
    atomic {
        inside[0] = inside[0] - isInside[0];
        inside[1] = inside[1] - isInside[1];
        isInside[0] = 0; isInside[1] = 0;
#if defined(MUTANT_HANG_UP_WAITED_FOR) || defined(MUTANT_IDENTITY_NOT_COMPARED)
        if :: isHidden[me] = 0 :: isHidden[me] = 1 fi;
#endif
        isDead[me] = 1
    };
done:
    skip
}

#ifdef HOSTILE
active proctype Hostile() {
    byte which;
    if :: which = 0 :: which = 1 fi;
    atomic { if :: word[which] != RETIRED -> word[which] = ANYTHING; isHostile = 1 :: else -> skip fi }
}
#endif

/* MARK: The daemon */

#define CRASHING(store) if :: atomic { store } :: atomic { crashes > 0 -> crashes--; goto crashed } fi

#define NAMES_NO_SESSION(which) \
    (word[which] != 0 && word[which] != RECOVERY && word[which] != RETIRED && word[which] != session[1] \
        && word[which] != session[2] && word[which] != session[CLIENTS])

#if defined(MUTANT_HANG_UP_WAITED_FOR)
#define IS_GONE(who) (session[who] != 0 && isDead[who] && !isHidden[who])
#elif defined(MUTANT_IDENTITY_NOT_COMPARED)
#define IS_GONE(who) (session[who] != 0 && isDead[who] && !(taken & (1 << who)))
#else
#define IS_GONE(who) (session[who] != 0 && isDead[who])
#endif

inline repair() {
    CRASHING(assert(inside[which] == 0));
    CRASHING(assert(inside[which] == 0); isDirty[which] = 0);
    CRASHING(if :: word[which] == RECOVERY -> word[which] = 0 :: else -> skip fi)
}

inline giveUp() {
    CRASHING(
        if
        :: NAMES_NO_SESSION(which) -> assert(isHostile); word[which] = RETIRED
        :: else -> skip
        fi);
    CRASHING(wakeAll(which))
}

proctype Daemon() {
    byte which, who, taken, lastID, issued;
    goto idle;

start:
#ifdef MUTANT_IDENTITY_NOT_COMPARED
    atomic {
        who = 1;
        do
        :: who > CLIENTS -> break
        :: who <= CLIENTS && isDead[who] && isHidden[who] -> taken = taken | (1 << who); who++
        :: who <= CLIENTS && !(isDead[who] && isHidden[who]) -> who++
        od;
        who = 0
    };
#endif
    do
    :: which < 2 ->
#ifndef MUTANT_RECOVERY_OVERLOOKED
        if
        :: word[which] == RECOVERY ->
#ifdef MUTANT_RECOVERY_FREED_UNREPAIRED
            CRASHING(word[which] = 0)
#else
            repair()
#endif
        :: NAMES_NO_SESSION(which) -> giveUp()
        :: else -> skip
        fi;
#endif
#ifndef STARTED_QUIETLY
        CRASHING(wakeAll(which));
#endif
        which++
    :: else -> break
    od;

idle:
    atomic { which = 0; who = 0 };
endIdle:
    if
    :: atomic { asks[1] != 0 -> who = 1 }; goto attach
    :: atomic { asks[2] != 0 -> who = 2 }; goto attach
    :: atomic { asks[CLIENTS] != 0 -> who = CLIENTS }; goto attach
    :: atomic { IS_GONE(1) -> who = 1 }
    :: atomic { IS_GONE(2) -> who = 2 }
    :: atomic { IS_GONE(CLIENTS) -> who = CLIENTS }
#if defined(MUTANT_NO_SESSION_TAKEN_FOR_DEAD)
    :: atomic { NAMES_NO_SESSION(0) -> which = 0; word[which] = RECOVERY };
        repair();
        CRASHING(wakeAll(which));
        goto idle
    :: atomic { NAMES_NO_SESSION(1) -> which = 1; word[which] = RECOVERY };
        repair();
        CRASHING(wakeAll(which));
        goto idle
#elif !defined(MUTANT_NO_SESSION_LEFT_ALONE)
    /* Who waits for it asks, and then it is seen. */
    :: atomic { NAMES_NO_SESSION(0) -> which = 0 }; giveUp(); goto idle
    :: atomic { NAMES_NO_SESSION(1) -> which = 1 }; giveUp(); goto idle
#endif
    :: atomic { crashes > 0 -> crashes--; goto crashed }
    fi;

    /* A death. */
#ifdef MUTANT_FORGOTTEN_FIRST
    CRASHING(lastID = session[who]; session[who] = 0);
#else
    lastID = session[who];
#endif
    do
    :: which < 2 ->
#ifdef MUTANT_ONLY_WHAT_IS_ATTACHED
        if :: attached[who] & (1 << which) -> skip :: else -> goto next fi;
#else
        if :: rights[who] & (1 << which) -> skip :: else -> goto next fi;
#endif
        atomic { if :: word[which] == lastID -> word[which] = RECOVERY :: else -> goto wake fi };
        repair();
wake:
#ifndef MUTANT_FORGOTTEN_BEFORE_THE_WAKE
        CRASHING(wakeAll(which));
#endif
next:
        which++
    :: else -> break
    od;
    CRASHING(session[who] = 0; rights[who] = 0);
#ifdef MUTANT_FORGOTTEN_BEFORE_THE_WAKE
    CRASHING(wakeAll(0));
    CRASHING(wakeAll(1));
#endif
    lastID = 0;
    goto idle;

attach:
    which = asks[who] - 1;
#ifdef MUTANT_ANSWERED_BEFORE_THE_TABLE
    CRASHING(if :: id[who] == 0 -> id[who] = nextID :: else -> skip fi; asks[who] = 0);
#endif
    CRASHING(
        if
#ifdef MUTANT_ID_ISSUED_AGAIN
        :: session[who] == 0 -> issued++; session[who] = issued
#else
        :: session[who] == 0 -> session[who] = nextID; nextID++
#endif
        :: else -> skip
        fi;
        rights[who] = rights[who] | (1 << which));
#ifndef MUTANT_ANSWERED_BEFORE_THE_TABLE
    CRASHING(id[who] = session[who]; attached[who] = attached[who] | (1 << which); asks[who] = 0);
#endif
    goto idle;

crashed:
    atomic { which = 0; who = 0; taken = 0; lastID = 0; issued = 0; goto start }
}

init {
    atomic {
        do :: kills < KILLS -> kills++ :: break od;
        do :: crashes < CRASHES -> crashes++ :: break od;
        run Client(1);
        run Client(2);
#if CLIENTS > 2
        run Client(3);
#endif
        run Daemon()
    }
}
