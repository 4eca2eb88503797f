internal import CSharedMem
internal import LinuxIPC
internal import SharedMemStore
internal import TestSupport

/// Honest users of a spoiled segment, who do everything that can be done.
struct Victim {
    private let segment: HostileSegment
    let buffers: Buffers
    private let isVerbose: Bool
    var random: SplitMix
    private var stores: [Store] = []
    /// Where the ring was followed to.
    var cursors: [ChangeCursor] = []
    /// What no operation may do, if one did it.
    var fault: String?

    /// Private memory whose end is guarded too.
    final class Buffers {
        /// Where values are read to.
        let output: GuardedFile
        /// Where values come from.
        let input: GuardedFile

        init(byteCount: Int) throws(Errno) {
            output = try GuardedFile(byteCount: byteCount)
            input = try GuardedFile(byteCount: byteCount)
        }
    }

    /// What is done.
    private enum Operation: CaseIterable {
        case get, plainGet, sight, pin, list, set, plainSet, add, delete, transact, lock, recover, audit, watch, look
    }

    init(_ segment: HostileSegment, _ buffers: Buffers, seed: UInt64, isVerbose: Bool) {
        self.segment = segment
        self.buffers = buffers
        self.isVerbose = isVerbose
        random = SplitMix(seed: seed)
    }

    /// Attaches for reading and for writing, beside what is attached already, if the headers allow it.
    mutating func attach() {
        if stores.count > 4 { stores.removeLast(2) }
        do throws(StoreError) {
            stores.append(try segment.reader())
            stores.append(try segment.writer())
        } catch {
            say("attaching: \(error)")
        }
    }

    /// Whether a header with other regions was believed.
    var isMisled: Bool {
        let honest = segment.geometry
        return stores.contains {
            $0.geometry.ringOffset != honest.ringOffset || $0.geometry.heapOffset != honest.heapOffset
        }
    }

    /// Does everything once with each store, in any order.
    mutating func suffer() {
        for store in stores {
            for operation in Operation.allCases.shuffled(using: &random) {
                if !store.isWritable, ![.get, .plainGet, .sight, .list, .watch, .look].contains(operation) { continue }
                say("\(operation) of a \(store.isWritable ? "writable" : "read-only") store")
                do throws(StoreError) {
                    try perform(operation, store)
                } catch {
                    say("  \(error)")
                }
            }
        }
    }

    func say(_ text: @autoclosure () -> String) {
        if isVerbose { Trace.say(text()) }
    }

    mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

    private mutating func perform(_ operation: Operation, _ store: Store) throws(StoreError) {
        switch operation {
        case .get: for key in HostileSegment.keys { get(key, store) }
        case .plainGet: for key in HostileSegment.keys { plainGet(key, store) }
        case .sight: for key in HostileSegment.keys { sight(key, store) }
        case .pin: pin(store)
        case .list: list(store)
        case .set: for _ in 0..<6 { set(store) }
        case .plainSet: for _ in 0..<6 { plainSet(store) }
        case .add: for _ in 0..<3 { add(store) }
        case .transact: for _ in 0..<3 { transact(store) }
        case .delete: for _ in 0..<3 { delete(store) }
        case .lock: lock(store)
        case .recover:
            for _ in 0..<2 {
                let outcome = try store.recover()
                say("  \(outcome)")
            }
        case .audit: audit(store)
        case .watch: watch(store)
        case .look: try look(store)
        }
    }
}

// MARK: - Operations

extension Victim {
    private mutating func get(_ key: [UInt8], _ store: Store) {
        let capacity = [0, 8, 100, buffers.output.byteCount][below(4)]
        do throws(StoreError) {
            let info = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe store.get(key, into: buffers.output.suffix(capacity))
            }
            if let info, info.byteCount > capacity { fault = "\(info.byteCount) bytes were read into \(capacity)" }
        } catch {
            check(error)
        }
    }

    private mutating func list(_ store: Store) {
        let end = UInt64(store.geometry.bucketCount * Int(SHAREDMEM_BUCKET_SLOTS))
        var cursor = below(4) == 0 ? random.next() : 0
        // A key that can't be read is passed over, as a user would.
        var steps: UInt64 = 0
        while steps <= end + 1 {
            steps += 1
            let before = cursor
            do throws(StoreError) {
                let count = unsafe try store.nextKey(after: &cursor, into: buffers.output.suffix(512))
                guard let count else { return }
                if count.byteCount > 512 { fault = "a key of \(count.byteCount) bytes was listed" }
                if cursor <= before { fault = "the cursor stays at \(before)" }
            } catch {
                check(error)
                if error == .retired || error == .removed { return }
                cursor &+= 1
            }
        }
        fault = "listing the keys doesn't end"
    }

    private mutating func set(_ store: Store) {
        let heap = store.geometry.heapGranuleCount * 64
        let counts = [0, 1, 30, 64, 100, 300, 1000, heap / 2, heap - 64, heap, buffers.input.byteCount]
        let count = min(counts[below(counts.count)], buffers.input.byteCount)
        let key = HostileSegment.keys[below(HostileSegment.keys.count)]
        do throws(StoreError) {
            _ = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe store.set(key, to: UnsafeRawBufferPointer(buffers.input.suffix(count)), at: 1)
            }
        } catch {
            check(error)
        }
    }

    private mutating func delete(_ store: Store) {
        let key = HostileSegment.keys[below(HostileSegment.keys.count)]
        do throws(StoreError) {
            _ = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in try unsafe store.delete(key) }
        } catch {
            check(error)
        }
    }

    /// Says an error; its description must work as well.
    func check(_ error: StoreError) {
        let text = error.description
        say("  \(text)")
    }

    private mutating func lock(_ store: Store) {
        let found = store.tryLock(at: 1, afterWaiting: below(2) == 0)
        _ = store.announceWaiter(seeing: found)
        _ = Store.owner(of: found)
        if below(2) == 0 { _ = store.takeOver(from: Store.owner(of: found)) }
        store.endRecovery()
        _ = store.unlock()
    }

    private func audit(_ store: Store) {
        do throws(AuditFailure) {
            _ = try store.audit()
        } catch {
            say("  \(error)")
        }
    }

    private func look(_ store: Store) throws(StoreError) {
        _ = store.commitNumber
        if store.isWritable {
            store.moveEpoch()
            _ = store.recordCount
            _ = store.freeGranuleCount
            _ = store.lockTakenAt
            _ = try store.largestFreeGranuleCount()
        }
        try store.checkState()
    }
}
