internal import SharedMemStore
internal import TestSupport

// What an honest user does who watches, and who tells others.

extension Victim {
    /// Follows the ring to its end, or until the keys have to be listed again, and asks for versions.
    mutating func watch(_ store: Store) {
        // From anywhere: an attacker may have moved the ring's ends since the cursor was taken.
        var cursor = store.changeCursor()
        if let kept = cursors.randomElement(using: &random), below(2) == 0 { cursor = kept }
        cursors = cursors.suffix(3) + [cursor]
        var steps = 0
        reading: while steps < 100_000 {
            steps += 1
            switch unsafe store.nextChange(after: &cursor, into: buffers.output.suffix(below(8) == 0 ? 8 : 512)) {
            case .changed(_, _, let count): if count > 512 { fault = "a key of \(count) bytes was noted" }
            case .end, .listAgain: break reading
            }
        }
        if steps == 100_000 { say("  the ring goes on and on: a writer who moves it is ahead for ever") }
        _ = store.isBehind(cursor)
        for key in HostileSegment.keys { askVersion(of: key, store) }
        guard store.isWritable else { return }
        _ = store.notify(stripes: random.next(), version: random.next())
        _ = store.notify(everything: below(4) == 0)
    }

    private func askVersion(of key: [UInt8], _ store: Store) {
        do throws(StoreError) {
            try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                _ = store.notifyWord(unsafe store.notifyIndex(of: key))
                _ = unsafe try store.currentVersion(of: key)
            }
        } catch {
            check(error)
        }
    }
}
