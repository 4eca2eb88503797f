internal import LinuxIPC
internal import SharedMemStore

// What the daemon does for those who watch. Each takes a moment only: a system call for each word that is watched.

extension SegmentMemory {
    /// Has writers move and wake these notify words, and no other ones; behind it no change goes unnoticed.
    func setWatched(_ words: NotifyWords) throws(Failure) {
        try withStore { (store, _) throws(StoreError) in store.setWatched(words) }
    }

    /// The same where an earlier daemon may have stopped half-way: wakes who sleeps on these words, and on those that
    /// were watched before.
    func restoreWatched(_ words: NotifyWords) throws(Failure) {
        try withStore { (store, mapping) throws(StoreError) in
            let found = store.watched
            store.setWatched(
                NotifyWords(stripes: found.stripes | words.stripes, segment: found.segment || words.segment))
            mapping.wakeWatchers(of: store.notify(everything: false))
            store.setWatched(words)
        }
    }

    /// Wakes who watches what a dead writer may have changed: its own wake-ups may have died with it.
    func notifyWatchers() throws(Failure) {
        try withStore { (store, mapping) throws(StoreError) in
            mapping.wakeWatchers(of: store.notify(everything: false))
        }
    }

    /// Tells everybody who has the data file mapped, asleep or not, that the segment is gone.
    func markRemoved() throws(Failure) {
        try withStore { (store, mapping) throws(StoreError) in
            store.markRemoved()
            mapping.wakeWatchers(of: store.notify(everything: true))
        }
    }
}
