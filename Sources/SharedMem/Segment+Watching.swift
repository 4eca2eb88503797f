internal import LinuxIPC
internal import SharedMemStore

// What all who watch have in common: a look at the memory, and the daemon's word that writers say what they change. The
// order is: the daemon's word, the notify word, the look, the sleep. Model: `watch.pml`.

extension Segment {
    /// Looks at a key.
    func sight(of key: RawSpan) throws(SharedMemError) -> KeySight {
        try unsafe withView { (view) throws(StoreError) in
            try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
                let place = unsafe WatchPlace(view, word: view.pointee.store.notifyIndex(of: key))
                return KeySight(place: place, current: try unsafe view.pointee.store.currentVersion(of: key))
            }
        }
    }

    /// Deletes a value whose time is over, if this handle may: that's a change, which is said to all who watch.
    ///
    /// False if another writer has the lock word, which isn't waited for: the waiter has a time-out of its own, and tries
    /// again when it wakes. `isQuiet`: a whole slice has passed, so that the daemon is asked for the holder, too.
    func deleteExpired(_ key: RawSpan, isQuiet: Bool) throws(SharedMemError) -> Bool {
        do throws(SharedMemError) {
            _ = try deleteIfExpired(key, isWaiting: false)
            return true
        } catch {
            guard error.code == .lockTimeout else { throw error }
            // The daemon repairs unasked what a dead holder leaves. One that lives and never gives the word back is
            // replaced only when somebody asks: writers do, but there may be none.
            if isQuiet, let attachment = currentAttachment() { askForHolder(attachment) }
            return false
        }
    }

    /// Whether nothing has happened to a registration's generation, the daemon and the flag, without asking anybody.
    func isUndisturbed(_ registration: Registration) -> Bool {
        guard let view = unsafe currentView(),
            unsafe attachment(of: view)?.identity == registration.generation
        else { return false }
        return unsafe view.pointee.store.isLive && view.pointee.store.watched.contains(registration.word)
            && registration.isConfirmed
    }

    /// Sees to it that writers say what they change at a place; `held` is what was registered before.
    ///
    /// `isQuiet`: nothing was said for a whole slice, so that the flag is looked at, too.
    func footing(
        at place: WatchPlace, _ held: Registration?, isQuiet: Bool
    ) throws(SharedMemError) -> Footing {
        guard let attachment = attachment(at: place.address) else { return .gone }
        if let held, held.word == place.word, held.generation == attachment.identity {
            // A daemon that is gone has left the flags as they are.
            if !place.isOwned { return .firm(attachment) }
            if isQuiet, !place.isFlagged { held.distrust() }
            if held.isConfirmed { return .firm(attachment) }
        }
        switch try Registration.attempt(place.word, of: attachment.identity, session: session) {
        case .registered(let registration): return .renewed(registration)
        case .away: return .none(attachment)
        case .moved:
            try askForGeneration(insteadOf: place.address)
            return isCurrent(place.address) ? .none(attachment) : .gone
        }
    }
}
