internal import CSharedMem
internal import Synchronization

// The copy of a generation's values into a new one. Nothing in the old one is believed: an abandoned owner may store
// into it all the time, a hostile one whatever it likes. Every reference and every length is read once and checked
// against private geometry, every granule is copied at most once, and what was copied is validated as a reader does it.
// What comes out is a valid generation, whatever the old one holds. Model: `retire.pml`.

/// A copy of everything that a generation holds into a new one that nobody else has.
package struct GenerationCopy: ~Copyable {
    /// Where the values come from.
    let old: Store
    /// Where they go.
    var new: Store
    /// Whether somebody may still store into the old one.
    let mayChange: Bool
    /// ns of CLOCK_BOOTTIME: what has expired by then is left out.
    let bootTime: UInt64
    /// How keys get their slots in the new index.
    var placement = Placement.hashed(seedsLeft: 3)

    /// The commit number that the values are copied as of.
    var moment: UInt64 = 0
    /// The heap's granules that were copied.
    var claims = Claims(granuleCount: 0)
    /// The newest version that was copied.
    var newest: UInt64 = 0
    /// What came of it so far.
    var report = Report()

    /// What came of a copy.
    package struct Report: Equatable, Sendable {
        /// Values that the new generation holds.
        package var copiedCount = 0
        /// Slots of the old index that hold no valid value: its writers have spoiled them.
        package var leftOutCount = 0
        /// Values that had expired.
        package var expiredCount = 0
        /// The newest change of the old generation that is in the new one.
        package var retiredAt: UInt64 = 0

        package init() {}
    }

    /// How keys get their slots.
    enum Placement {
        /// By their hash; so many other seeds may be tried if the index has no room for one.
        case hashed(seedsLeft: Int)
        /// In the same slot as in the old index, under the same seed.
        case asBefore
        /// By their hash; what has no room is left out.
        case lossy
    }

    /// Prepares a copy into `new`, which was just formatted.
    ///
    /// `mayChange`: somebody may still store into the old generation, which says RETIRED to its readers already.
    /// Otherwise the lock word is the daemon's.
    package init(from old: Store, into new: Store, mayChange: Bool, bootTime: UInt64) {
        self.old = old
        self.new = new
        self.mayChange = mayChange
        self.bootTime = bootTime
    }

    /// Where everything is in the new generation: its hash may have got another seed.
    package var geometry: Geometry { new.geometry }

    /// Copies everything and notes in the old generation what was taken along; the new one then passes its audit.
    ///
    /// Can be done again, in this copy or in another one. Throws `corrupted` if the new generation isn't what it should
    /// be, which is a fault of the daemon's.
    ///
    /// Model: `retire.pml`.
    package mutating func run() throws(StoreError) -> Report {
        for attempt in 1...Self.attemptLimit {
            // SYNC: before the first entry: a change that is published and not yet committed now counts if it is met.
            moment = old.moment
            try pass()
            atomicMemoryFence(ordering: .acquiring)
            // An owner that goes on makes one change at most; a transaction that it commits meanwhile would be torn.
            let isUnchanged = old.data.load(Int(sharedmem_at_commit_number)) == moment
            if isUnchanged || !mayChange || attempt == Self.attemptLimit { break }
            new = new.emptied(hashSeed: new.geometry.hashSeed)
        }
        let met = newest == moment &+ 1 || isLastDeletionTakenAlong()
        report.retiredAt = met ? moment &+ 1 : moment
        finish()
        do throws(AuditFailure) {
            _ = try new.audit()
        } catch {
            throw .corrupted(.heap)
        }
        old.noteRetirement(at: report.retiredAt)
        return report
    }

    /// How often a copy is begun again because the old generation changes: an honest owner changes it once.
    private static var attemptLimit: Int { 4 }

    /// Copies everything once, with as many seeds as it takes.
    private mutating func pass() throws(StoreError) {
        while true {
            do throws(StoreError) {
                return try copySlots()
            } catch {
                guard error == .indexFull else { throw error }
                placement = nextPlacement()
                let seed = new.geometry.hashSeed
                if case .asBefore = placement {
                    new = new.emptied(hashSeed: old.geometry.hashSeed)
                } else {
                    // Another number that has nothing to do with the old one.
                    new = new.emptied(hashSeed: (seed ^ seed >> 31) &* 0x9e37_79b9_7f4a_7c15 &+ 1)
                }
            }
        }
    }

    private func nextPlacement() -> Placement {
        if case .hashed(let seedsLeft) = placement, seedsLeft > 0 { return .hashed(seedsLeft: seedsLeft - 1) }
        if case .hashed = placement, new.geometry.homeBucketCount == old.geometry.homeBucketCount { return .asBefore }
        return .lossy
    }
}
