internal import ArgumentParser
internal import SharedMemStore

/// Sees that the heap neither wears out nor leaks.
struct Heap: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set, set again and delete at 80 % fill and see that the heap doesn't wear out.",
        discussion: """
            First the heap is filled with values of 1 KiB and emptied, and one value of 90 % of it must fit. Then the \
            operations, with sizes log-uniform from 1 byte to 1 MiB. One value in eight is read back at once, all of \
            them at the end; every 100,000 operations all invariants must hold, and every granule must belong to a \
            record, to limbo or to a free block.

            Waste is the share of the free bytes in blocks too small for a value of 1 MiB. It is sampled 100 times; \
            the mean of the last fifth must not be above that of the second by more than a tenth of it and 2 % of the \
            free bytes. Nor may a set be refused while 1.25 times what it needs is free.

            Exit codes: 0 nothing wrong was seen, 1 something was, 64 usage.
            """)

    /// A fault by its name on the command line.
    enum Fault: String, ExpressibleByArgument, CaseIterable {
        case join, fit
    }

    @Option(help: "Operations at 80 % fill.")
    var operations = 200_000

    @Option(help: "Size of the data file in MiB.")
    var mebibytes = 1024

    @Option(help: "Where the random numbers begin.")
    var seed: UInt64 = 1

    @Option(help: "A fault to put into the store, which the run must then find: join or fit; needs a debug build.")
    var fault: Fault?

    func validate() throws {
        guard (1000...1_000_000_000).contains(operations) else {
            throw ValidationError("--operations is 1000 to 1000000000, not \(operations)")
        }
        guard (32...65_536).contains(mebibytes) else {
            throw ValidationError("--mebibytes is 32 to 65536, not \(mebibytes)")
        }
        guard fault == nil || SeededFault.areBuiltIn else {
            throw ValidationError("--fault needs a debug build: a release build has no faults to seed")
        }
    }

    func run() throws {
        #if SHAREDMEM_TEST_HOOKS
            switch fault {
            case .join: SeededFault.ofThisProcess = .joinLeftOut
            case .fit: SeededFault.ofThisProcess = .fitLeftOut
            case nil: break
            }
        #endif
        let findings = Findings()
        findings.note("fill") { () throws(Wrong) in try fillAndEmpty() }
        let beginning = ContinuousClock.now
        var wear = Wear()
        findings.note("values") { () throws(Wrong) in try churn(&wear, findings) }
        findings.note("waste") { () throws(Wrong) in try wear.judge() }
        let seconds = (ContinuousClock.now - beginning) / .seconds(1)
        print("\(operations) operations in \(oneDecimal(seconds)) s: \(wear.summary)")
        if !findings.areNone { throw ExitCode(1) }
    }

    private var byteCount: UInt64 { UInt64(mebibytes) << 20 }
}

// MARK: - Parts

extension Heap {
    /// Fills the heap with values of 1 KiB, deletes all and sets one value of 90 % of the heap.
    private func fillAndEmpty() throws(Wrong) {
        do throws(StoreError) {
            let segment = try PrivateSegment(byteCount: byteCount, entryCount: 0)
            let kilobyte = [UInt8](repeating: 7, count: 1024)
            var count = 0
            var isFull = false
            while !isFull {
                do throws(StoreError) {
                    try segment.set(count, to: kilobyte)
                    count += 1
                } catch {
                    guard case .full = error else { throw error }
                    isFull = true
                }
            }
            for number in 0..<count { try segment.delete(number) }
            let heap = segment.store.geometry.heapGranuleCount * 64
            let share = Double(count * Geometry.granules(keyByteCount: 4, valueByteCount: 1024) * 64) / Double(heap)
            try segment.set(0, to: [UInt8](repeating: 9, count: heap / 10 * 9))
            print("\(count) values of 1 KiB took \(percent(share)) of the heap; then one of 90 % fitted")
        } catch {
            throw Wrong(description: "\(error)")
        }
    }

    private func churn(_ wear: inout Wear, _ findings: Findings) throws(Wrong) {
        let segment: PrivateSegment
        do throws(StoreError) {
            segment = try PrivateSegment(byteCount: byteCount, entryCount: UInt64(mebibytes) * 64)
        } catch {
            throw Wrong(description: "\(error)")
        }
        let churn = Churn(segment, share: 0.8, seed: seed)
        try churn.fill()
        let sampleInterval = max(1, operations / 100)
        for number in 1...operations {
            try churn.step()
            if number % sampleInterval == 0 { wear.sample(segment.store, churn) }
            if number % 100_000 == 0 || number == operations {
                findings.note("invariants") { () throws(Wrong) in try audit(segment.store, churn) }
                print("\(number) operations, fill \(percent(churn.usedShare)), \(wear.last)")
            }
        }
        try churn.compareAll()
    }

    private func audit(_ store: Store, _ churn: Churn) throws(Wrong) {
        let audit: Audit
        do throws(AuditFailure) {
            audit = try store.audit()
        } catch {
            throw Wrong(description: error.description)
        }
        guard audit.recordCount == churn.keyCount, audit.recordGranuleCount == churn.usedGranuleCount else {
            throw Wrong(
                description: "the segment has \(audit.recordCount) records of \(audit.recordGranuleCount) granules, "
                    + "expected \(churn.keyCount) of \(churn.usedGranuleCount)")
        }
        let sum = audit.recordGranuleCount + audit.limboGranuleCount + audit.freeGranuleCount
        guard sum == store.geometry.heapGranuleCount else {
            throw Wrong(description: "\(store.geometry.heapGranuleCount - sum) granules belong to nothing")
        }
    }
}

extension PrivateSegment {
    /// Sets the key of a number.
    fileprivate func set(_ number: Int, to value: [UInt8]) throws(StoreError) {
        _ = try writing { (store) throws(StoreError) in
            try unsafe withUnsafeBytes(of: UInt32(number)) { (key) throws(StoreError) in
                try unsafe value.span.bytes.withUnsafeBytes { (value) throws(StoreError) in
                    try unsafe store.set(key, to: value, at: 1)
                }
            }
        }
    }

    /// Deletes the key of a number.
    fileprivate func delete(_ number: Int) throws(StoreError) {
        _ = try writing { (store) throws(StoreError) in
            try unsafe withUnsafeBytes(of: UInt32(number)) { (key) throws(StoreError) in try unsafe store.delete(key) }
        }
    }
}
