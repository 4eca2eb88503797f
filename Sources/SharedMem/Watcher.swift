internal import LinuxIPC
internal import SharedMemStore

/// What a `Watch` is made of; the thread that sleeps for all watches has it, too.
final class Watcher: Sendable {
    /// What is watched, and what is known of it.
    private enum Progress {
        case key(KeyProgress)
        case ring(RingProgress)
        /// The watch is gone.
        case ended

        mutating func look(in segment: Segment, isQuiet: Bool) throws(SharedMemError) -> Look {
            switch self {
            case .key(var progress):
                defer { self = .key(progress) }
                return try progress.look(in: segment, isQuiet: isQuiet)
            case .ring(var progress):
                self = .ended
                defer { self = .ring(progress) }
                return try progress.look(in: segment, isQuiet: isQuiet)
            case .ended: return .again
            }
        }

        var isEstablished: Bool {
            switch self {
            case .key(let progress): progress.isEstablished
            case .ring(let progress): progress.isEstablished
            case .ended: true
            }
        }
    }

    /// Since when nothing was said.
    private struct Quiet {
        var place: UInt = 0
        var value: UInt32 = 0
        var since: UInt64 = 0
    }

    /// How a program is told that there may be something to look at.
    private struct Alarm {
        var event: HeldEvent?
        var body: (@Sendable () -> Void)?
        /// Where the thread sleeps for this watch; nil: it waits until somebody has looked.
        var rest: Rest?
        /// In which process.
        var forkCount = ForkCounter.current

        /// Whether anybody is to be told in this process.
        var isSet: Bool { (event != nil || body != nil) && forkCount == ForkCounter.current }

        func ring() {
            event?.file.signal()
            body?()
        }
    }

    /// An event file that is shared.
    private final class HeldEvent: Sendable {
        let file: EventFile

        init(_ file: consuming EventFile) { self.file = file }
    }

    let segment: Segment
    private let progress: ForkSafeMutex<Progress>
    private let quiet = ForkSafeMutex(Quiet())
    private let alarm = ForkSafeMutex(Alarm())

    /// Watches a key.
    init(_ segment: Segment, _ progress: KeyProgress) throws(SharedMemError) {
        self.segment = segment
        self.progress = ForkSafeMutex(.key(progress))
        try establish()
    }

    /// Watches the keys with a prefix.
    init(_ segment: Segment, _ progress: RingProgress) throws(SharedMemError) {
        self.segment = segment
        self.progress = ForkSafeMutex(.ring(progress))
        try establish()
    }

    /// Waits until the daemon has said that it watches.
    private func establish() throws(SharedMemError) {
        while !progress.withLock({ $0.isEstablished }) {
            if case .nothing(let rest) = try look(isQuiet: false) { _ = rest.sleep(deadline: .max, cancellation: nil) }
        }
    }

    /// Looks once and hands what it finds to `body` before another thread looks.
    private func look(
        isQuiet: Bool, _ body: (SegmentChanges) -> Void = { _ in }
    ) throws(SharedMemError) -> Look {
        try progress.withLock { (progress) throws(SharedMemError) in
            let look = try progress.look(in: segment, isQuiet: isQuiet)
            if case .found(let changes, _) = look { body(changes) }
            return look
        }
    }

    /// Lets go of all that the daemon and the sleeping thread do for the watch.
    func end() {
        SleepingThread.shared.remove(self)
        // Let go outside of the locks: that may send a message, and close a file.
        let last = progress.withLock { progress in
            let last = progress
            progress = .ended
            return last
        }
        _ = consume last
        let lastAlarm = alarm.withLock { alarm in
            let last = alarm
            alarm = Alarm()
            return last
        }
        _ = consume lastAlarm
    }
}

// MARK: - Looking

extension Watcher {
    /// Looks until something has changed; nil: the time passed, or it was called off, or recalled since `mark`.
    ///
    /// `body` gets what was found, too, in the order in which the threads find it.
    func next(
        deadline: UInt64, cancellation: WaitCancellation?, mark: UInt32? = nil,
        _ body: (SegmentChanges) -> Void = { _ in }
    ) throws(SharedMemError) -> SegmentChanges? {
        var isQuiet = false
        while true {
            let look = try look(isQuiet: isQuiet, body)
            switch look {
            case .found(let changes, let isAll):
                WaitHook.note(isLate: isQuiet)
                if !isAll { ring() }
                return changes
            case .again, .nothing:
                if cancellation?.hasEnded(since: mark) == true || SystemClock.monotonic() >= deadline { return nil }
                isQuiet = false
                if case .nothing(let rest) = look {
                    isQuiet = rest.sleep(deadline: deadline, cancellation: cancellation, mark: mark)
                }
            }
        }
    }

    /// Looks once; nil: nothing has changed.
    ///
    /// `body` as in `next(deadline:cancellation:mark:_:)`.
    func poll(_ body: (SegmentChanges) -> Void = { _ in }) throws(SharedMemError) -> SegmentChanges? {
        alarm.withLock { if $0.isSet { $0.event?.file.clear() } }
        let start = SystemClock.monotonic()
        var isQuiet = quiet.withLock { $0.since != 0 && start &- $0.since >= Rest.sliceNanoseconds }
        for _ in 0..<Self.roundLimit {
            switch try look(isQuiet: isQuiet, body) {
            case .found(let changes, let isAll):
                if !isAll || !isArmed { ring() }
                return changes
            case .again: isQuiet = false
            case .nothing(let rest):
                quiet.withLock { quiet in
                    let isSame = quiet.place == rest.attachment.address && quiet.value == rest.value
                    if isSame, !isQuiet { return }
                    quiet = Quiet(place: rest.attachment.address, value: rest.value, since: start)
                }
                arm(rest)
                return nil
            }
        }
        // Whatever goes on there: the caller has other things to do.
        ring()
        return nil
    }

    /// Looks that one poll takes at most.
    private static var roundLimit: Int { 64 }
}

// MARK: - Being told

extension Watcher {
    /// A descriptor that is readable when there may be something to look at; the watch's, of this process.
    func eventDescriptor() throws(SharedMemError) -> Int32 {
        let old = alarm.withLock { alarm in
            alarm.forkCount == ForkCounter.current ? alarm.event?.file.descriptor.rawValue : nil
        }
        if let old { return old }
        let event: HeldEvent
        do throws(Errno) {
            event = HeldEvent(try EventFile.make())
        } catch {
            throw SharedMemError(error, "making an event descriptor")
        }
        let descriptor = try tell { alarm in
            if let event = alarm.event { return event.file.descriptor.rawValue }
            alarm.event = event
            return event.file.descriptor.rawValue
        }
        return descriptor
    }

    /// Calls `body` when there may be something to look at, from another thread or this one; it must not look itself.
    func onChange(_ body: @escaping @Sendable () -> Void) throws(SharedMemError) { try tell { $0.body = body } }

    private func tell<Result>(_ change: (inout Alarm) -> Result) throws(SharedMemError) -> Result {
        // First, because it may fail; until there is an alarm it does nothing for this watch.
        try SleepingThread.shared.add(self)
        let result = alarm.withLock { alarm in
            // What a parent is told by isn't this process's.
            if alarm.forkCount != ForkCounter.current { alarm = Alarm() }
            return change(&alarm)
        }
        // Who is told begins with a look.
        ring()
        return result
    }

    /// Tells the program that there may be something to look at.
    func ring() { alarm.withLock { if $0.isSet { $0.ring() } } }

    /// Whether the thread sleeps for this watch in the current generation.
    private var isArmed: Bool {
        let address = alarm.withLock { $0.isSet ? $0.rest?.attachment.address : 0 }
        guard let address else { return false }
        return address == 0 || segment.isCurrent(address)
    }

    /// Has the thread sleep there.
    private func arm(_ rest: Rest) {
        let isNew = alarm.withLock { alarm in
            guard alarm.isSet else { return false }
            if let old = alarm.rest, old.attachment === rest.attachment, old.word == rest.word {
                guard rest.until < old.until else { return false }
                alarm.rest?.until = rest.until
            } else {
                alarm.rest = rest
            }
            return true
        }
        if isNew { SleepingThread.shared.call() }
    }

    /// Tells the program if the word has moved, or if it's time and there is something to look at; for the sleeping thread.
    ///
    /// Returns where to sleep; nil: nowhere, until somebody has looked.
    func check(at now: UInt64) -> Rest? {
        var isOver = false
        let rest: Rest? = alarm.withLock { alarm in
            guard alarm.isSet, let rest = alarm.rest else { return nil }
            let value = rest.attachment.notifyWord(rest.word)
            if value != rest.value {
                alarm.rest?.value = value
                alarm.ring()
            }
            isOver = now >= rest.until
            return alarm.rest
        }
        guard isOver, rest != nil else { return rest }
        // Held by somebody who looks just now, or by nobody.
        let next = progress.withLockIfFree { progress in
            switch progress {
            case .key(let progress): progress.nextLook(in: segment)
            case .ring(let progress): progress.nextLook(in: segment)
            case .ended: now + Rest.sliceNanoseconds
            }
        }
        return alarm.withLock { alarm in
            guard alarm.isSet, alarm.rest != nil else { return nil }
            if case .some(.none) = next {
                WaitHook.note(isLate: true)
                alarm.ring()
            }
            alarm.rest?.until = (next ?? nil) ?? now + Rest.sliceNanoseconds
            return alarm.rest
        }
    }
}
