internal import LinuxIPC
internal import SharedMemStore

extension Segment {
    /// Lends the bytes of the value of `key` where they are, without copying them; nil: there is no such key.
    ///
    /// Nothing changes them until `body` returns, whatever writers do: the value is pinned. Meanwhile the memory of
    /// values that are replaced isn't used again, so keep `body` short in a segment that is nearly full; a writer that
    /// finds no room throws `full`, which names the session that holds the pin. Worth it for values of some KiB and
    /// more. Through a read-only handle the daemon is asked for the pin and again to take it back, which two
    /// round trips make worth it from 4 MiB on only: `body` gets a private copy of smaller values, and when every pin
    /// of the segment is taken or the daemon is gone.
    public func withValue<Result>(
        of key: some SegmentKey, _ body: (RawSpan, ReadValue) throws(SharedMemError) -> Result
    ) throws(SharedMemError) -> Result? {
        if let loan = try loan(of: key) {
            defer { loan.pin.end() }
            guard let value = loan.value else { return nil }
            return try unsafe loan.store.withBytes(of: value) { (bytes) throws(SharedMemError) in
                try unsafe body(bytes.bytes, ReadValue(value.info))
            }
        }
        let copied = try key.withKeyBytes { (key) throws(SharedMemError) in try bytes(key) }
        guard let copied else { return nil }
        return try unsafe body(copied.bytes.span.bytes, copied.info)
    }

    /// A pin that is held, and what was found under it.
    struct Loan {
        let store: Store
        let pin: HeldPin
        let value: PinnedValue?
    }

    /// Pins and looks `key` up; nil: there is no pin to be had, or copying is cheaper.
    func loan(of key: some SegmentKey) throws(SharedMemError) -> Loan? {
        try key.withKeyBytes { (key) throws(SharedMemError) in
            try unsafe withView { (view) throws(StoreError) in
                let store = unsafe view.pointee.store
                return try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
                    let hash = unsafe KeyHash(key, seed: store.geometry.hashSeed)
                    if !store.isWritable {
                        guard let info = try unsafe store.info(of: key, hash),
                            info.byteCount >= DaemonPin.worthwhileByteCount
                        else { return nil }
                    }
                    guard let pin = unsafe view.pointee.pin() else { return nil }
                    do throws(StoreError) {
                        let value = try unsafe store.findPinned(key, hash).flatMap { $0.info.hasExpired ? nil : $0 }
                        return Loan(store: store, pin: pin, value: value)
                    } catch {
                        pin.end()
                        throw error
                    }
                }
            }
        }
    }
}
