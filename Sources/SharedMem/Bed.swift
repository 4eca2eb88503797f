internal import LinuxIPC
internal import SharedMemStore

/// The notify words on which one thread sleeps for many watches.
///
/// A thread can sleep on 128 words. When there are more, it sleeps on the segments' own words, which move with every
/// change, in the place of the stripes'; the daemon is asked to watch those, too. What is too much even so is looked at in
/// short slices.
struct Bed: ~Copyable {
    /// A segment's own word, which stands for its stripes.
    fileprivate struct Whole {
        let attachment: AttachedStore
        let registration: Registration
        /// What it was before the stripes' words were looked at.
        var value: UInt32
    }

    private var rests: [Rest] = []
    /// Through which session each of them is watched.
    private var sessions: [Session] = []
    private var wholes: [Whole] = []
    private var words = FutexWords()

    /// Words of watches at most; one more is the thread's own.
    static var limit: Int { 120 }

    /// Begins anew, before the words are looked at.
    mutating func begin() {
        rests.removeAll(keepingCapacity: true)
        sessions.removeAll(keepingCapacity: true)
        for index in wholes.indices {
            wholes[index].value = wholes[index].attachment.notifyWord(NotifyWords.segmentIndex)
        }
    }

    /// Adds a word, as it was when it was looked at.
    mutating func add(_ rest: Rest, _ session: Session) {
        rests.append(rest)
        sessions.append(session)
    }

    /// Sleeps until one of the words changes or it's time to look; not at all if `word` has left `value`.
    mutating func sleep(unless word: PrivateWord, hasLeft value: UInt32) {
        var until = UInt64.max
        for rest in rests { until = min(until, rest.until) }
        words.removeAll()
        switch fill() {
        case .whole: break
        case .again: return
        case .partly: until = min(until, SystemClock.monotonic() + Rest.napNanoseconds)
        }
        words.append(word, while: value)
        if words.wait(until: until) == .failed { ThisProcess.pause(nanoseconds: Rest.napNanoseconds) }
    }

    /// How many words there was room for.
    private enum Filling {
        /// All.
        case whole
        /// Not all.
        case partly
        /// All, once they are looked at again.
        case again
    }

    private mutating func fill() -> Filling {
        if rests.count <= Self.limit {
            wholes = []
            for rest in rests { append(rest) }
            return .whole
        }
        let distinct = distinctRests()
        if distinct.count <= Self.limit {
            wholes = []
            for index in distinct { append(rests[index]) }
            return .whole
        }
        wholes.removeAll { whole in !rests.contains { $0.attachment === whole.attachment } }
        var isComplete = true
        var isNew = false
        for index in distinct where !isCovered(rests[index]) {
            switch Whole.attempt(rests[index].attachment, sessions[index]) {
            case .some(let whole):
                wholes.append(whole)
                isNew = true
            case .none: isComplete = false
            }
        }
        if isNew { return .again }
        for whole in wholes where words.count < Self.limit {
            whole.attachment.append(NotifyWords.segmentIndex, while: whole.value, to: &words)
        }
        for index in distinct where !isCovered(rests[index]) && words.count < Self.limit { append(rests[index]) }
        return isComplete && wholes.count <= Self.limit ? .whole : .partly
    }

    private mutating func append(_ rest: Rest) { rest.attachment.append(rest.word, while: rest.value, to: &words) }

    private func isCovered(_ rest: Rest) -> Bool { wholes.contains { $0.attachment === rest.attachment } }

    /// The indices of the rests whose words differ.
    private func distinctRests() -> [Int] {
        // No address of a process has more than 57 bits, and no segment more than 128 words.
        let order = Ranking.order(of: rests.map { UInt64($0.attachment.address) << 7 | UInt64($0.word) })
        var distinct: [Int] = []
        for index in order {
            if let last = distinct.last, rests[last].attachment === rests[index].attachment,
                rests[last].word == rests[index].word
            {
                continue
            }
            distinct.append(index)
        }
        return distinct
    }
}

extension Bed.Whole {
    /// Has the daemon watch a segment's own word, if that can be asked now.
    fileprivate static func attempt(_ attachment: AttachedStore, _ session: Session) -> Bed.Whole? {
        do throws(SharedMemError) {
            let attempt = try Registration.attempt(
                NotifyWords.segmentIndex, of: attachment.identity, session: session, isWaiting: false)
            guard case .registered(let registration) = attempt else { return nil }
            return Bed.Whole(
                attachment: attachment, registration: registration,
                value: attachment.notifyWord(NotifyWords.segmentIndex))
        } catch {
            // Short slices do as well.
            return nil
        }
    }
}
