internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore

/// Which notify words this process wants watched, and which of them the daemon is known to watch.
///
/// The daemon keeps a set for each session and segment, without counting; so it's counted here, and the daemon is asked
/// once, however many wait.
final class WatchTable: Sendable {
    /// The words of one generation.
    private struct Entry {
        let generation: AttachedGeneration
        /// How many want each word.
        var counts = [UInt32](repeating: 0, count: NotifyWords.limit)
        /// What somebody wants.
        var wanted = WatchSet()
        /// What the daemon has said that it watches.
        var confirmed = WatchSet()
        /// What the daemon may watch: it was asked for, and wasn't taken back since.
        var asked = WatchSet()
    }

    /// What the threads of a process share.
    private struct State {
        var entries: [Entry] = []
        /// In which process.
        var forkCount = ForkCounter.current

        /// Forgets what belongs to the parent, in a forked child.
        mutating func beginInChild() { if forkCount != ForkCounter.current { self = State() } }

        func index(of generation: AttachedGeneration) -> Int? {
            entries.firstIndex { $0.generation == generation }
        }
    }

    private let state = ForkSafeMutex(State())

    /// Runs `body` with what there is in this process.
    private func with<Result>(_ body: (inout State) -> Result) -> Result {
        state.withLock { state in
            state.beginInChild()
            return body(&state)
        }
    }
}

// MARK: - Who wants it

extension WatchTable {
    /// Counts one more who wants a word; whether the daemon watches it already.
    func add(_ word: Int, of generation: AttachedGeneration) -> Bool {
        with { state in
            var index = state.index(of: generation)
            if index == nil {
                // What is left of older generations of the segment has gone with them.
                state.entries.removeAll { $0.wanted.isEmpty && $0.generation.segmentID == generation.segmentID }
                state.entries.append(Entry(generation: generation))
                index = state.entries.count - 1
            }
            guard let index else { return false }
            state.entries[index].counts[word] += 1
            state.entries[index].wanted = state.entries[index].wanted.union(WatchSet(word: word))
            return state.entries[index].confirmed.contains(word)
        }
    }

    /// Counts one less; whether the daemon is to be told that nobody is left.
    func remove(_ word: Int, of generation: AttachedGeneration) -> Bool {
        with { state in
            guard let index = state.index(of: generation), state.entries[index].counts[word] > 0 else { return false }
            state.entries[index].counts[word] -= 1
            guard state.entries[index].counts[word] == 0 else { return false }
            state.entries[index].wanted = state.entries[index].wanted.subtracting(WatchSet(word: word))
            return state.entries[index].asked.contains(word)
        }
    }

    /// Whether the daemon watches a word, as far as is known.
    func isConfirmed(_ word: Int, of generation: AttachedGeneration) -> Bool {
        with { state in
            state.index(of: generation).map { state.entries[$0].confirmed.contains(word) } ?? false
        }
    }

    /// Notes that the daemon doesn't watch a word, whatever it has said.
    func distrust(_ word: Int, of generation: AttachedGeneration) {
        with { state in
            guard let index = state.index(of: generation) else { return }
            state.entries[index].confirmed = state.entries[index].confirmed.subtracting(WatchSet(word: word))
        }
    }
}

// MARK: - What the daemon is told, for the thread that has the connection

extension WatchTable {
    /// The words that are wanted and not known to be watched; the caller asks for them.
    func takeUnconfirmed(of generation: AttachedGeneration) -> WatchSet {
        with { state in
            guard let index = state.index(of: generation) else { return WatchSet() }
            let words = state.entries[index].wanted.subtracting(state.entries[index].confirmed)
            state.entries[index].asked = state.entries[index].asked.union(words)
            return words
        }
    }

    /// Notes that the daemon watches words.
    func confirm(_ words: WatchSet, of generation: AttachedGeneration) {
        with { state in
            guard let index = state.index(of: generation) else { return }
            state.entries[index].confirmed = state.entries[index].confirmed.union(words)
        }
    }

    /// Words that the daemon may watch and nobody wants any more, for the caller to take back; nil: there are none.
    func takeSurplus(of lineage: Lineage) -> WatchRequest? {
        with { state in
            for index in state.entries.indices where state.entries[index].generation.lineage === lineage {
                let words = state.entries[index].asked.subtracting(state.entries[index].wanted)
                if words.isEmpty { continue }
                state.entries[index].asked = state.entries[index].asked.subtracting(words)
                state.entries[index].confirmed = state.entries[index].confirmed.subtracting(words)
                let generation = state.entries[index].generation
                return WatchRequest(
                    segmentID: generation.segmentID, generation: generation.generation, words: words)
            }
            return nil
        }
    }

    /// Begins a connection of a lineage: nothing is known of what the daemon watches.
    func begin(_ lineage: Lineage) {
        with { state in
            state.entries.removeAll { $0.generation.lineage !== lineage }
            for index in state.entries.indices {
                state.entries[index].confirmed = WatchSet()
                state.entries[index].asked = WatchSet(stripes: .max, segment: true)
            }
        }
    }

    /// The generations of a lineage of which something was ever wanted.
    func generations(of lineage: Lineage) -> [AttachedGeneration] {
        with { state in
            var found: [AttachedGeneration] = []
            for entry in state.entries where entry.generation.lineage === lineage { found.append(entry.generation) }
            return found
        }
    }
}

extension WatchSet {
    /// One notify word, by its index.
    fileprivate init(word: Int) {
        let isSegment = word == NotifyWords.segmentIndex
        self.init(stripes: isSegment ? 0 : 1 << UInt64(word), segment: isSegment)
    }

    /// Whether the word with this index is among them.
    fileprivate func contains(_ word: Int) -> Bool {
        word == NotifyWords.segmentIndex ? segment : stripes >> UInt64(word) & 1 != 0
    }
}
