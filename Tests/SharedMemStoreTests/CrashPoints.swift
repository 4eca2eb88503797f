import SharedMemStore
import Testing

/// Stops a writer after every single store of an operation, recovers, and compares with the legal states; stops the
/// recovery after every single store too, and recovers again.
struct CrashPoints {
    /// The files before the operation.
    private let before: TestSegment.Image
    /// The operation's stores.
    private let steps: [StoreRecorder.Step]
    private let fault: SeededFault?
    private let old: Contents
    private let new: Contents

    /// All that a user can see of a segment.
    struct Contents: Equatable {
        var values: [[UInt8]: [UInt8]]
        /// Not compared: an undone transaction burns its version.
        var commitNumber: UInt64

        static func == (left: Contents, right: Contents) -> Bool { left.values == right.values }
    }

    /// Runs `prepare`, then `operation` with its stores recorded.
    init(
        heapGranuleCount: Int = 40, fault: SeededFault? = nil, prepare: (Store) throws -> Void,
        operation: (Store) throws -> Void
    ) throws {
        let segment = TestSegment(
            Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: heapGranuleCount))
        try prepare(segment.writer())
        before = segment.image
        self.fault = fault
        old = try Self.contents(segment)
        let recorder = StoreRecorder()
        try operation(segment.writer(recorder: recorder, fault: fault))
        steps = recorder.steps
        new = try Self.contents(segment)
        _ = try segment.writer().audit()
    }

    private static func contents(_ segment: TestSegment) throws -> Contents {
        let store = try segment.reader()
        var values: [[UInt8]: [UInt8]] = [:]
        for key in try store.keys() { values[key] = try store.value(key, capacity: 8192) }
        return Contents(values: values, commitNumber: store.commitNumber)
    }

    /// What was seen of all crash points.
    struct Report {
        /// Points at which the operation was stopped.
        var pointCount = 0
        /// Points at which a recovery was stopped.
        var recoveryPointCount = 0
        /// Points after which the old state was found, and the new one.
        var oldCount = 0
        var newCount = 0
    }

    /// A state that must not be.
    struct Illegal: Error, CustomStringConvertible {
        let description: String
    }

    /// Checks every `stride`-th point, beginning with `first`, and every `recoveryStride`-th one of each recovery; throws
    /// at the first illegal state.
    func check(from first: Int = 0, stride: Int = 1, recoveryStride: Int = 1) throws -> Report {
        var report = Report()
        for count in Swift.stride(from: first, through: steps.count, by: stride) {
            let crashed = TestSegment(before)
            crashed.apply(steps[..<count])
            let image = crashed.image
            // A reader beside a writer that was stopped here must see one of the two states, too.
            let seen = try Self.contents(crashed)
            guard seen == old || seen == new else {
                throw Illegal(description: "store \(count): a reader sees neither the old state nor the new one")
            }
            let recorder = StoreRecorder()
            let outcome = try judge(crashed, recorder, at: "store \(count) of \(steps.count)")
            if outcome == old { report.oldCount += 1 } else { report.newCount += 1 }
            if outcome == old, old != new, report.newCount > 0 {
                throw Illegal(description: "store \(count): the old state came back after the new one")
            }
            report.pointCount += 1
            for partial in Swift.stride(from: 0, to: recorder.steps.count, by: recoveryStride) {
                let again = TestSegment(image)
                again.apply(recorder.steps[..<partial])
                let place = "store \(count), recovery stopped after store \(partial) of \(recorder.steps.count)"
                guard try judge(again, nil, at: place) == outcome else {
                    throw Illegal(description: "\(place): another state than without the stop")
                }
                report.recoveryPointCount += 1
            }
        }
        return report
    }

    /// Recovers a segment, audits it, and finds it in one of the legal states and usable.
    private func judge(_ segment: TestSegment, _ recorder: StoreRecorder?, at place: String) throws -> Contents {
        let store = try segment.writer(session: 2, recorder: recorder, fault: fault)
        do {
            _ = try store.recover()
            let audited = try segment.writer()
            _ = try audited.audit()
            let contents = try Self.contents(segment)
            guard contents == old || contents == new else {
                throw Illegal(description: "neither the old state nor the new one")
            }
            guard contents.commitNumber >= old.commitNumber, contents.commitNumber <= old.commitNumber + 1,
                contents != new || contents == old || contents.commitNumber == new.commitNumber
            else { throw Illegal(description: "the commit number is \(contents.commitNumber)") }
            let probe = TestSegment(segment.image)
            probe.freeLock()
            let writer = try probe.writer()
            do throws(StoreError) {
                try writer.put([0xff, 0xfe], [1])
            } catch {
                guard case .full = error else { throw error }
            }
            _ = try probe.writer().audit()
            return contents
        } catch {
            throw Illegal(description: "\(place): \(error)")
        }
    }
}
