#if SHAREDMEM_TEST_HOOKS
    internal import Synchronization
#endif

/// A fault that a test puts into the store on purpose, to show that it would be caught; a release build has none.
@usableFromInline
package enum SeededFault: UInt32, CaseIterable, Sendable {
    /// Writers don't take the lock word.
    case lockLeftOut = 1
    /// Readers believe what they copied.
    case validationLeftOut = 2
    /// Writers don't say that they publish.
    case intentLeftOut = 3
    /// Changes of the heap aren't logged.
    case undoLeftOut = 4
    /// The reference is stored before the record is filled.
    case publishedTooEarly = 5
    /// A replaced record goes behind what is limbo's tail now, not behind the one that the intent names.
    case retiredRelatively = 6
    /// The intent is forgotten before limbo is assigned.
    case forgottenTooEarly = 7
    /// An aborted transaction burns its version before the entries are restored.
    case burntTooEarly = 8
    /// A record's value may end one byte behind the heap.
    case overrun = 9
    /// Writers reuse what is pinned.
    case pinsIgnored = 10
    /// Memory that is given back isn't joined with its free neighbours.
    case joinLeftOut = 11
    /// From the 65,536th change on the heap serves from its largest block.
    case fitLeftOut = 12
    /// A replaced record may be used again by the very next write.
    case limboLeftOut = 13
    /// A read as of one moment takes whatever it finds.
    case momentIgnored = 14
    /// Reads of a read-only session believe that the daemon has pinned, and don't ask it.
    case daemonNotAsked = 15
    /// The lock word is given back by an exchange, whoever has it.
    case unlockedByExchange = 16
    /// A generation is retired before its values are copied.
    case retiredBeforeTheCopy = 17
    /// The copy of a generation believes what it finds.
    case copiedUnchecked = 18
    /// Operations of clients don't look whether the daemon lives.
    case lifeIgnored = 19
    /// Notify words aren't moved, and nobody is woken.
    case wakeLeftOut = 20
    /// Writers look whether anybody watches before their change is visible.
    case flagReadTooEarly = 21
    /// Changes don't go into the ring, and nobody is told so.
    case ringLeftOut = 22
    /// Who reads the ring believes an entry that was overwritten meanwhile.
    case overrunIgnored = 23
    /// Who waits for a change sleeps until somebody wakes it, however long that is.
    case slicesLeftOut = 24
    /// The version of a key that isn't there is the newest deletion's, though that may not be committed.
    case deletionBelieved = 25
    /// The lock word of a dead writer is freed before the ring is said to lack its change.
    case gapAfterRepair = 26
    /// Who has listed the keys believes older entries of the ring.
    case floorIgnored = 27

    #if SHAREDMEM_TEST_HOOKS
        /// Whether this build can seed faults.
        package static var areBuiltIn: Bool { true }

        private static let current = Atomic<UInt32>(0)

        /// The fault of every store that is made from now on in this process; nil: none.
        package static var ofThisProcess: SeededFault? {
            get { SeededFault(rawValue: current.load(ordering: .relaxed)) }
            set { current.store(newValue?.rawValue ?? 0, ordering: .relaxed) }
        }
    #else
        /// Whether this build can seed faults.
        package static var areBuiltIn: Bool { false }
    #endif
}

extension Store {
    /// Whether a fault is seeded in this store; never in a release build.
    @inlinable @inline(__always)
    package func has(_ fault: SeededFault) -> Bool {
        #if SHAREDMEM_TEST_HOOKS
            seededFault == fault
        #else
            false
        #endif
    }

    /// Whether any fault is seeded in this store.
    @inline(__always)
    var hasAnyFault: Bool {
        #if SHAREDMEM_TEST_HOOKS
            seededFault != nil
        #else
            false
        #endif
    }
}
