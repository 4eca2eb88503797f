internal import SharedMemBroker
internal import SharedMemProtocol
internal import SharedMemStore

// Who watches what: the broker knows, writers look at flags in the data file, and who watches sleeps on notify words there.
// A failure costs time only: who watches looks for itself once a second.

extension Daemon {
    /// Has writers tell those who watch these words, and nobody else.
    func setWatched(_ words: WatchSet, in segmentID: UInt64) {
        changeWatched(in: segmentID) { (memory) throws(SegmentMemory.Failure) in
            try memory.setWatched(NotifyWords(words))
        }
    }

    /// Has writers tell those who watch these words, and nobody else, and has everybody who watched before look again.
    func restoreWatched(_ words: WatchSet, in segmentID: UInt64) {
        changeWatched(in: segmentID) { (memory) throws(SegmentMemory.Failure) in
            try memory.restoreWatched(NotifyWords(words))
        }
    }

    /// Changes which words are watched, or says in the log why it failed.
    private func changeWatched(in segmentID: UInt64, by change: (SegmentMemory) throws(SegmentMemory.Failure) -> Void) {
        guard let memory = memory[segmentID] else { return }
        do throws(SegmentMemory.Failure) {
            try change(memory)
        } catch {
            log.write(
                .error,
                "\(name(of: segmentID)): it can't be said what is watched: \(error.reason), so watchers wait longer")
        }
    }

    /// Has everybody look again who watches a segment, one of whose writers may have died before it told them.
    func notifyWatchers(of segmentID: UInt64) {
        do throws(SegmentMemory.Failure) {
            try memory[segmentID]?.notifyWatchers()
        } catch {
            log.write(.error, "\(name(of: segmentID)): who watches can't be woken: \(error.reason), ignoring")
        }
    }
}

extension NotifyWords {
    /// The words of a request, or of several.
    fileprivate init(_ words: WatchSet) { self.init(stripes: words.stripes, segment: words.segment) }
}
