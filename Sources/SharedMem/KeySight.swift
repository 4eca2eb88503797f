internal import LinuxIPC
internal import SharedMemStore

/// What was seen of a key.
struct KeySight {
    /// Where changes of the key are said.
    let place: WatchPlace
    /// The version of the key, or of its absence.
    let current: CurrentVersion

    /// Whether the value's time is over; nobody has deleted it yet.
    var hasExpired: Bool { current.expiresAt != 0 && current.expiresAt <= SystemClock.boottime() }

    /// Whether there is a value that a get would return.
    var exists: Bool { current.exists && !hasExpired }

    /// When to look again if nothing is said: ns of the monotonic clock.
    var until: UInt64 {
        let now = SystemClock.monotonic()
        let slice = place.isOwned ? Rest.sliceNanoseconds : Rest.napNanoseconds
        let boottime = SystemClock.boottime()
        guard current.expiresAt > boottime else { return now + slice }
        return now + min(slice, current.expiresAt - boottime)
    }
}

extension KeySight {
    /// Where to sleep until the key changes; `isSoon`: for a moment only.
    func rest(in attachment: AttachedStore, isSoon: Bool = false) -> Rest {
        let until = isSoon ? SystemClock.monotonic() + Rest.napNanoseconds : until
        return Rest(attachment: attachment, word: place.word, value: place.value, until: until)
    }
}
