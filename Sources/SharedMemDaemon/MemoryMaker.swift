internal import Glibc
internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore
internal import Synchronization

/// A thread that makes and releases memory files, one after another: 0.6 s for each GiB would stop the loop.
struct MemoryMaker: ~Copyable {
    /// What both threads share.
    private let shared: Shared

    /// What the thread has to do.
    private enum Job: Sendable {
        /// Make a generation of a segment's memory.
        case make(segmentID: UInt64, SegmentDefinition, generation: UInt64)
        /// Move a segment's values to a new generation.
        case move(from: SegmentMemory, to: SegmentMemory, SwitchStart)
        /// Give the memory of a retired generation's values back.
        case punch(SegmentMemory)
        /// Close a segment's memory.
        case release(SegmentMemory)
        /// End.
        case stop
    }

    /// What came out of a job.
    enum Outcome: Sendable {
        /// The memory exists.
        case made(segmentID: UInt64, SegmentMemory)
        /// It doesn't.
        case failed(segmentID: UInt64, SegmentMemory.Failure)
        /// The values are in the new generation too, and the old one changes no more.
        case moved(segmentID: UInt64, from: UInt64, to: UInt64, GenerationCopy.Report)
        /// They aren't; `SegmentMemory.move(to:_:)` says what follows.
        case notMoved(segmentID: UInt64, from: UInt64, to: UInt64, SegmentMemory.Failure)
        /// The memory of a retired generation's values was given back.
        case punched(segmentID: UInt64, generation: UInt64)
        /// It wasn't.
        case notPunched(segmentID: UInt64, generation: UInt64, SegmentMemory.Failure)
    }

    /// Two queues, each with a counter that tells the other thread.
    private final class Shared: Sendable {
        let jobs = Mutex<[Job]>([])
        let outcomes = Mutex<[Outcome]>([])
        let jobsWait: EventCounter
        let outcomesWait: EventCounter

        init() throws(Errno) {
            jobsWait = try EventCounter(isBlocking: true)
            outcomesWait = try EventCounter(isBlocking: false)
        }

        /// Does jobs until one says stop.
        func work() {
            while true {
                jobsWait.take()
                for job in jobs.withLock({ $0.takeAll() }) {
                    switch job {
                    case .stop: return
                    case .release: continue
                    case .make(let segmentID, let definition, let generation):
                        finish(make(segmentID, definition, generation))
                    case .move(let old, let new, let start): finish(move(from: old, to: new, start))
                    case .punch(let memory): finish(punch(memory))
                    }
                }
            }
        }

        /// Makes one segment's memory.
        private func make(_ segmentID: UInt64, _ definition: SegmentDefinition, _ generation: UInt64) -> Outcome {
            do throws(SegmentMemory.Failure) {
                return .made(
                    segmentID: segmentID,
                    try SegmentMemory(segmentID: segmentID, definition: definition, generation: generation))
            } catch {
                return .failed(segmentID: segmentID, error)
            }
        }

        /// Moves one segment's values.
        private func move(from old: SegmentMemory, to new: SegmentMemory, _ start: SwitchStart) -> Outcome {
            do throws(SegmentMemory.Failure) {
                return .moved(
                    segmentID: old.segmentID, from: old.generation, to: new.generation,
                    try old.move(to: new, start))
            } catch {
                return .notMoved(segmentID: old.segmentID, from: old.generation, to: new.generation, error)
            }
        }

        /// Gives one retired generation's memory back.
        private func punch(_ memory: SegmentMemory) -> Outcome {
            do throws(SegmentMemory.Failure) {
                try memory.punch()
                return .punched(segmentID: memory.segmentID, generation: memory.generation)
            } catch {
                return .notPunched(segmentID: memory.segmentID, generation: memory.generation, error)
            }
        }

        /// Hands an outcome to the loop.
        private func finish(_ outcome: Outcome) {
            outcomes.withLock { $0.append(outcome) }
            outcomesWait.raise()
        }

        /// Gives the thread a job.
        func submit(_ job: Job) {
            jobs.withLock { $0.append(job) }
            jobsWait.raise()
        }
    }

    /// Starts the thread; signals that are to go to the loop must be blocked before.
    init() throws(Errno) {
        let shared = try Shared()
        var thread = pthread_t()
        // The thread owns one reference, and gives it back when it ends.
        let context = unsafe Unmanaged.passRetained(shared)
        let error = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Shared>.fromOpaque(context).takeRetainedValue().work()
                return nil
            }, context.toOpaque())
        guard error == 0 else {
            unsafe context.release()
            throw Errno(rawValue: error)
        }
        pthread_detach(thread)
        self.shared = shared
    }

    // The thread isn't waited for: it may be in the middle of reserving gigabytes, and the process is about to end.
    deinit { shared.submit(.stop) }

    /// Watches for outcomes.
    func watched(by loop: borrowing EventLoop) throws(Errno) -> EventLoop.Source {
        try loop.watch(shared.outcomesWait.descriptor, as: .worker)
    }

    /// Takes what has come out since the last time.
    func outcomes() -> [Outcome] {
        shared.outcomesWait.take()
        return shared.outcomes.withLock { $0.takeAll() }
    }

    /// Makes a generation of a segment's memory; ends in an outcome.
    func make(segmentID: UInt64, _ definition: SegmentDefinition, generation: UInt64 = 1) {
        shared.submit(.make(segmentID: segmentID, definition, generation: generation))
    }

    /// Moves a segment's values to a generation that was just made; ends in an outcome.
    func move(from old: SegmentMemory, to new: SegmentMemory, _ start: SwitchStart) {
        shared.submit(.move(from: old, to: new, start))
    }

    /// Gives the memory of a retired generation's values back; ends in an outcome.
    func punch(_ memory: SegmentMemory) { shared.submit(.punch(memory)) }

    /// Closes a segment's memory, which the caller has let go of.
    func release(_ memory: consuming SegmentMemory) {
        shared.submit(.release(memory))
    }
}

extension Array {
    /// Empties the array and returns what it held.
    mutating func takeAll() -> [Element] {
        let all = self
        self = []
        return all
    }
}
