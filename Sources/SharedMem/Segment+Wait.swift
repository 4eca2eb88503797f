internal import LinuxIPC
internal import SharedMemStore

extension Segment {
    /// Waits until `key` has a newer version than `version`, and returns it; nil: the time passed, or it was called off.
    ///
    /// A deletion has a version, too; so does the absence of a key, at least that of its deletion. May return early (with
    /// the version of another key's deletion, or when the segment was lost and made anew), never late: loop, with the
    /// version that was returned last. An expired value counts as absent; a handle that may write deletes it when its time
    /// comes, or, if another writer has the lock word then, up to a second after that one has given it back; one that may
    /// only read learns of it when somebody does.
    ///
    /// Returns at once, without a system call, if the version is newer already. Otherwise asks the daemon to watch the key
    /// (one round trip) and sleeps. What was asked is kept when a change ends the wait, because callers loop, until a wait
    /// for the key's stripe ends in vain or the handle goes; meanwhile, each set of a key of this stripe makes system
    /// calls. While the daemon is away the wait goes on, `graceTime` at most. `timeout` nil: for ever; zero: doesn't wait.
    /// Throws `notConnected`, `removed`, `keyTooLong`, or `versionSkew` if the daemon doesn't know how to watch.
    public func wait(
        for key: some SegmentKey, after version: UInt64, timeout: Duration? = nil, cancellation: WaitCancellation? = nil
    ) throws(SharedMemError) -> KeyVersion? {
        let deadline = Deadline.moment(in: timeout)
        return try key.withKeyBytes { (key) throws(SharedMemError) in
            try wait(for: key, after: version, deadline: deadline, cancellation: cancellation)
        }
    }

    private func wait(
        for key: RawSpan, after version: UInt64, deadline: UInt64, cancellation: WaitCancellation?
    ) throws(SharedMemError) -> KeyVersion? {
        guard key.byteCount <= Self.keyLimit else {
            throw SharedMemError(.keyTooLong(key.byteCount), segment: name)
        }
        var held: Registration?
        do throws(SharedMemError) {
            let found = try wait(for: key, after: version, deadline, cancellation, &held)
            if found == nil { giveBack(held) } else { keep(held) }
            return found
        } catch {
            giveBack(held)
            throw error
        }
    }

    /// Model: `watch.pml`.
    private func wait(
        for key: RawSpan, after version: UInt64, _ deadline: UInt64, _ cancellation: WaitCancellation?,
        _ held: inout Registration?
    ) throws(SharedMemError) -> KeyVersion? {
        var segmentID: UInt64?
        var isQuiet = false
        while true {
            let sight = try sight(of: key)
            if sight.current.exists, sight.hasExpired, access == .readWrite, try deleteExpired(key, isQuiet: isQuiet) {
                continue
            }
            if sight.current.version > version {
                WaitHook.note(isLate: isQuiet && sight.place.isOwned)
                return KeyVersion(version: sight.current.version, exists: sight.exists)
            }
            // Before the deadline is looked at: what is kept is given back when the wait ends in vain.
            if held == nil { held = kept(sight.place) }
            if cancellation?.isCancelled == true || SystemClock.monotonic() >= deadline { return nil }
            let rest: Rest
            switch try footing(at: sight.place, held, isQuiet: isQuiet) {
            case .firm(let attachment): rest = sight.rest(in: attachment)
            case .renewed(let registration):
                held = registration
                isQuiet = false
                continue
            case .none(let attachment): rest = sight.rest(in: attachment, isSoon: true)
            case .gone: continue
            }
            // Versions of another segment of that name can't be compared.
            if let segmentID, segmentID != rest.attachment.segmentID {
                return KeyVersion(version: sight.current.version, exists: sight.exists)
            }
            segmentID = rest.attachment.segmentID
            isQuiet = rest.sleep(deadline: deadline, cancellation: cancellation)
        }
    }
}

// MARK: - Registrations that are kept

extension Segment {
    /// What an earlier wait has left for a place.
    private func kept(_ place: WatchPlace) -> Registration? {
        guard let identity = attachment(at: place.address)?.identity else { return nil }
        return keptRegistrations.withLock { kept in
            kept.first { $0.word == place.word && $0.generation == identity }
        }
    }

    /// Leaves a registration to the next wait.
    private func keep(_ held: Registration?) {
        guard let held else { return }
        // What goes is let go outside of the lock: that may send a message.
        let old = keptRegistrations.withLock { kept in
            let old = kept
            guard !kept.contains(where: { $0 === held }) else { return old }
            kept.removeAll { $0.word == held.word || $0.generation != held.generation }
            kept.append(held)
            return old
        }
        _ = consume old
    }

    /// Leaves none.
    private func giveBack(_ held: Registration?) {
        guard let held else { return }
        let old = keptRegistrations.withLock { kept in
            let old = kept
            kept.removeAll { $0.word == held.word }
            return old
        }
        _ = consume old
    }
}
