import SharedMemStore

/// A generation and the one that its values are moved to, and what a user can see of each.
struct SwitchedSegment {
    let old: TestSegment
    let new: TestSegment
    let report: GenerationCopy.Report
    /// The new generation's, whose hash may have got another seed.
    let geometry: Geometry

    /// Moves the values of `old` as the daemon does: it has the lock word, or the owner has lost it and may go on.
    init(
        _ old: TestSegment, to geometry: Geometry? = nil, mayChange: Bool = false, bootTime: UInt64 = 0,
        hashSeed: UInt64 = 0x5eed2, fault: SeededFault? = nil
    ) throws {
        self.old = old
        new = TestSegment(geometry ?? old.geometry, generation: 2, hashSeed: hashSeed)
        var source = old.store()
        source.seededFault = fault
        var target = new.store(hashSeed: hashSeed)
        target.seededFault = fault
        if mayChange { source.retireState() }
        var copy = GenerationCopy(from: source, into: target, mayChange: mayChange, bootTime: bootTime)
        report = try copy.run()
        self.geometry = copy.geometry
    }

    /// All that a user can see of a value.
    struct Value: Equatable {
        let bytes: [UInt8]
        let version: UInt64
        let writtenAt: UInt64
        let expiresAt: UInt64
        let session: UInt32
        let type: UInt8
    }

    /// All that a user can see of a generation.
    static func contents(_ store: Store) throws -> [[UInt8]: Value] {
        var contents: [[UInt8]: Value] = [:]
        for key in try store.keys() {
            guard let info = try store.info(key), let bytes = try store.value(key, capacity: 1 << 16) else { continue }
            contents[key] = Value(
                bytes: bytes, version: info.version, writtenAt: info.writtenAt, expiresAt: info.expiresAt,
                session: info.session, type: info.type)
        }
        return contents
    }

    /// What a client that attaches to the new generation sees.
    func newContents() throws -> [[UInt8]: Value] { try Self.contents(new.reader()) }
}

extension TestSegment {
    /// The generation as the daemon sees it, whatever its header says.
    func store(hashSeed: UInt64 = 0x5eed) -> Store {
        var geometry = geometry
        geometry.hashSeed = hashSeed
        return Store(trusting: geometry, data: dataBytes, lock: lockBytes)
    }
}
