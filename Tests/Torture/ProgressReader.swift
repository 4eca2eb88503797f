internal import Foundation
internal import SharedMem
internal import SharedMemStore
internal import Synchronization

/// The reader of `progress`: gets one key and looks at what that takes.
@safe final class ProgressReader: @unchecked Sendable {
    // Proof of @unchecked: one thread at a time uses it: `read` hands it to a thread and waits for that thread's end.
    private let segment: Segment
    private let pattern: ProgressPattern
    private let buffer: UnsafeMutableRawBufferPointer

    init(_ segment: Segment, _ pattern: ProgressPattern) {
        self.segment = segment
        self.pattern = pattern
        unsafe buffer = .allocate(byteCount: pattern.byteCount, alignment: 64)
    }

    deinit { unsafe buffer.deallocate() }

    /// What a number of gets took.
    struct Report {
        /// The attempts of each get, sorted; empty: this build doesn't count them.
        var attempts: [UInt64] = []
        /// ns of each get, sorted.
        var durations: [Double] = []
        /// What the writer set meanwhile.
        var setCount: UInt64 = 0
        /// All of it, in seconds.
        var seconds = 0.0

        /// What half of the gets needed at most.
        var medianAttemptCount: UInt64? { attempts.isEmpty ? nil : attempts[attempts.count / 2] }
        /// What the worst get needed.
        var mostAttempts: UInt64? { attempts.last }

        /// The report in words.
        var text: String {
            let count = durations.count
            var text = "\(count) gets beside \(setCount) sets in \(oneDecimal(seconds)) s"
            if count > 0 {
                text += ", µs median \(oneDecimal(durations[count / 2] / 1000))"
                text += ", p99 \(oneDecimal(durations[count * 99 / 100] / 1000))"
                text += ", most \(oneDecimal(durations[count - 1] / 1000))"
            }
            if let median = medianAttemptCount, let most = mostAttempts {
                text += "; attempts median \(median), p99 \(attempts[attempts.count * 99 / 100]), most \(most)"
            }
            return text
        }
    }

    /// Waits until the writer has set the key.
    func waitForAValue(within seconds: Int, _ writer: StoppableProcess) throws(Wrong) {
        let end = ContinuousClock.now + .seconds(seconds)
        while try !get() {
            guard ContinuousClock.now < end, writer.isRunning else {
                throw Wrong(description: "the writer set nothing")
            }
            sched_yield()
        }
    }

    /// Gets `count` times; kills the writer, so that a starving get ends, and throws if that takes more than `seconds`.
    func read(_ count: Int, within seconds: Int, endingAtTimeout writer: StoppableProcess) throws(Wrong) -> Report {
        let outcome = Outcome()
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            do throws(Wrong) {
                outcome.report = try self.measure(count, outcome)
            } catch {
                outcome.failure = error
            }
            done.signal()
        }
        thread.start()
        if done.wait(timeout: .now() + .seconds(seconds)) == .timedOut {
            let sofar = outcome.progress
            outcome.isLate = true
            writer.end()
            done.wait()
            throw Wrong(description: "starved: \(sofar) of \(count) gets in \(seconds) s")
        }
        if let failure = outcome.failure { throw failure }
        return outcome.report
    }

    private func measure(_ count: Int, _ outcome: Outcome) throws(Wrong) -> Report {
        var report = Report()
        report.durations.reserveCapacity(count)
        let before = try commitNumber()
        let start = ContinuousClock.now
        while report.durations.count < count, !outcome.isLate {
            let overtaken = ReadHook.overtakenCount
            let begin = ContinuousClock.now
            guard try get() else { throw Wrong(description: "the key is gone, nobody deletes it") }
            report.durations.append((ContinuousClock.now - begin) / .nanoseconds(1))
            if let overtaken, let now = ReadHook.overtakenCount { report.attempts.append(1 + now - overtaken) }
            outcome.progress = report.durations.count
        }
        report.seconds = (ContinuousClock.now - start) / .seconds(1)
        report.setCount = try commitNumber() - before
        report.durations.sort()
        report.attempts.sort()
        return report
    }

    private func commitNumber() throws(Wrong) -> UInt64 {
        do throws(SharedMemError) {
            return try segment.withStore { (store) throws(StoreError) in store.commitNumber }
        } catch {
            throw Wrong(description: "\(error)")
        }
    }

    /// Gets the key once and checks what came; false: it isn't there.
    private func get() throws(Wrong) -> Bool {
        let found: ReadValue?
        do throws(SharedMemError) {
            let key = ProgressPattern.key
            found = try unsafe segment.get(key.span.bytes, into: buffer)
        } catch {
            throw Wrong(description: "a get failed: \(error)")
        }
        guard let found else { return false }
        guard found.byteCount == pattern.byteCount, let start = unsafe buffer.baseAddress else {
            throw Wrong(description: "a value has \(found.byteCount) bytes")
        }
        // Every word is the first one.
        guard unsafe memcmp(start, start + 8, found.byteCount - 8) == 0 else {
            throw Wrong(description: "version \(found.version) is torn")
        }
        return true
    }
}

extension ProgressReader {
    /// What the reading thread and the one that waits for it tell each other.
    private final class Outcome: @unchecked Sendable {
        // Proof of @unchecked: `report` and `failure` are read after the semaphore that follows their store; the others
        // are atomic.
        var report = Report()
        var failure: Wrong?
        private let late = Atomic<Bool>(false)
        private let gets = Atomic<Int>(0)

        /// Whether the time is up.
        var isLate: Bool {
            get { late.load(ordering: .relaxed) }
            set { late.store(newValue, ordering: .relaxed) }
        }

        /// Gets so far.
        var progress: Int {
            get { gets.load(ordering: .relaxed) }
            set { gets.store(newValue, ordering: .relaxed) }
        }
    }
}
