internal import SharedMemStore

/// The state of a notify word and of its generation, loaded before what was looked at.
struct WatchPlace {
    /// Where the generation's view is.
    let address: UInt
    /// The index of the notify word.
    let word: Int
    /// What it was.
    let value: UInt32
    /// Whether the daemon lives.
    let isOwned: Bool
    /// Whether writers are told to move the word.
    let isFlagged: Bool

    /// Loads what there is; only in the process that has the view mapped.
    @unsafe
    init(_ view: UnsafePointer<AttachedStore.View>, word: Int) {
        address = UInt(bitPattern: view)
        self.word = word
        value = unsafe view.pointee.store.notifyWord(word)
        isOwned = unsafe view.pointee.isOwned
        isFlagged = unsafe view.pointee.store.watched.contains(word)
    }
}
