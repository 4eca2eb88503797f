internal import LinuxIPC
internal import SharedMemBroker

/// What an earlier daemon left with the service manager, looked through and taken over.
///
/// Whatever is wrong with a piece costs that piece alone, and is a sentence in `problems`.
struct Inheritance: ~Copyable {
    /// The session table; nil: there is none that can be used.
    var table: SessionTable?
    /// What the table says; nil: nothing.
    private(set) var state: SavedState?
    /// The life file; nil: there is none that can be used.
    var life: LifeFile?
    /// The generations that count, by segment id.
    private(set) var memory: [UInt64: SegmentMemory] = [:]
    /// Generations that no longer count, of segments whose newer one does: they may not be retired yet.
    private(set) var replaced: [SegmentMemory] = []
    /// Generations of segments that the table doesn't name: clients may still have them.
    private(set) var orphans: [SegmentMemory] = []
    /// What the service manager keeps for nothing.
    private(set) var surplus: [String] = []
    /// What is wrong, in sentences without a full stop.
    private(set) var problems: [String] = []

    /// A generation of a segment.
    private struct Place: Hashable {
        let segmentID: UInt64
        let generation: UInt64
    }

    /// Looks through what was passed; throws if a newer program has left it, which then stays as it is.
    init(of passed: [ServiceManager.Slot]) throws(DaemonError) {
        var data: [Place: [ServiceManager.Slot]] = [:]
        var locks: [Place: [ServiceManager.Slot]] = [:]
        for slot in passed {
            switch StoredName(slot.name) {
            case .table: try adoptTable(slot)
            case .life: adoptLife(slot)
            case .data(let segmentID, let generation):
                data[Place(segmentID: segmentID, generation: generation), default: []].append(slot)
            case .lock(let segmentID, let generation):
                locks[Place(segmentID: segmentID, generation: generation), default: []].append(slot)
            case nil: drop(slot, because: "no daemon gives a descriptor that name")
            }
        }
        if state == nil, !data.isEmpty || !locks.isEmpty {
            problems.append("no session table says what the \(data.count) data files kept are, so they are given up")
        }
        let order = { (left: Place, right: Place) in
            (left.segmentID, left.generation) < (right.segmentID, right.generation)
        }
        for place in Set(data.keys).union(locks.keys).sorted(by: order) {
            adopt(place, data[place, default: []], locks[place, default: []])
        }
    }

    /// Takes the session table over.
    private mutating func adoptTable(_ slot: ServiceManager.Slot) throws(DaemonError) {
        guard table == nil, let descriptor = slot.take() else { return drop(slot, because: "there is another one") }
        var contents = SessionTable.Contents.nothing
        do throws(Errno) {
            table = try SessionTable.adopting(MemoryFile(adopting: descriptor), contents: &contents)
        } catch {
            return drop(slot, because: "it can't be read: \(error)")
        }
        switch contents {
        case .state(let saved): state = saved
        case .nothing: break
        case .damaged: problems.append("the session table is damaged, expected one slot at least that is whole")
        case .newer(let version):
            throw DaemonError(
                .configuration,
                "the session table has format \(version), expected at most \(SessionTable.version): a newer sharedmemd "
                    + "left it, and the segments that it names are kept for that one")
        }
    }

    /// Takes the life file over.
    private mutating func adoptLife(_ slot: ServiceManager.Slot) {
        guard life == nil, let descriptor = slot.take() else { return drop(slot, because: "there is another one") }
        do throws(Errno) {
            life = try LifeFile(adopting: MemoryFile(adopting: descriptor))
        } catch {
            drop(slot, because: "it can't be used: \(error)")
        }
    }

    /// Takes the files of one generation over, as what the table says that they are.
    private mutating func adopt(_ place: Place, _ data: [ServiceManager.Slot], _ locks: [ServiceManager.Slot]) {
        let segment = state?.segments.first { $0.id == place.segmentID }
        let isCurrent = segment?.generation == place.generation
        for surplus in data.dropFirst() + locks.dropFirst() {
            // A name is given up with everything that has it.
            problems.append("descriptor \(surplus.name) is kept more than once, ignoring all but the first")
        }
        guard let data = data.first, let lock = locks.first else {
            let half = data.first ?? locks.first
            if let half { drop(half, because: isCurrent ? "the other file of its generation is missing" : nil) }
            return
        }
        if let segment, place.generation > segment.generation {
            // Nobody was told of it.
            drop(data, because: nil)
            drop(lock, because: nil)
            return
        }
        guard let dataDescriptor = data.take(), let lockDescriptor = lock.take() else { return }
        do throws(SegmentMemory.Failure) {
            let adopted = try SegmentMemory(
                adopting: MemoryFile(adopting: dataDescriptor), lock: MemoryFile(adopting: lockDescriptor),
                segmentID: place.segmentID, generation: place.generation)
            if isCurrent {
                memory[place.segmentID] = adopted
            } else if segment != nil {
                replaced.append(adopted)
            } else {
                drop(data, because: nil)
                drop(lock, because: nil)
                orphans.append(adopted)
            }
        } catch {
            drop(data, because: "it can't be taken over: \(error.reason)")
            drop(lock, because: nil)
        }
    }

    /// Gives a descriptor up; nil: that is nothing to speak of.
    private mutating func drop(_ slot: ServiceManager.Slot, because reason: String?) {
        surplus.append(slot.name)
        if let reason { problems.append("descriptor \(slot.name.quoted) is kept, but \(reason)") }
    }
}
