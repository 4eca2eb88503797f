internal import LinuxIPC
internal import SharedMemStore

extension Segment {
    /// Copies the value of `key` into `buffer`; nil: there is no such key.
    ///
    /// Takes no lock, allocates nothing and makes no system call; never waits for a writer. Only a read that writers
    /// have overtaken 8 times pins, for which a read-only handle asks the daemon. The buffer's bytes are undefined
    /// unless a value is returned. Throws `bufferTooSmall`, whose `needed` is the value's length.
    public func get(
        _ key: RawSpan, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SharedMemError) -> ReadValue? {
        try unsafe inlinedGet(key, into: buffer)
    }

    /// The same, in the frame of a function that does nothing else.
    @inline(__always)
    package func inlinedGet(
        _ key: RawSpan, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SharedMemError) -> ReadValue? {
        if let view = unsafe currentView() {
            let value = unsafe Store.plainGet(AttachedStore.View.store(view), key.pointer, into: buffer)
            if value.type >= 0 { return ReadValue(value) }
            if value.type == PlainValue.absent.type { return nil }
        }
        return try unsafe getAnywhere(key, into: buffer).map { ReadValue($0) }
    }

    /// Copies the value of `key` into `buffer`, and says all that is known of this very value; nil: there is no such key.
    ///
    /// As `get(_:into:)`, some nanoseconds slower.
    package func get(
        _ key: RawSpan, withMetadataInto buffer: UnsafeMutableRawBufferPointer
    ) throws(SharedMemError) -> ValueMetadata? {
        try unsafe getAnywhere(key, into: buffer).map { ValueMetadata($0) }
    }

    /// Looks a key up in whatever state it is; nil: there is no such key.
    @inline(never)
    func getAnywhere(
        _ key: RawSpan, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SharedMemError) -> ValueInfo? {
        try unsafe withView { (view) throws(StoreError) in
            try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
                let info = try unsafe Self.find(key, view, into: buffer)
                // Nobody needs room for a value whose time is over.
                guard let info, !info.hasExpired else { return nil }
                guard info.byteCount <= buffer.count else { throw .bufferTooSmall(needed: info.byteCount) }
                return info
            }
        }
    }

    /// Reads that writers may overtake before the read goes on under a pin.
    private static var attemptsWithoutPin: Int { 8 }

    /// Looks a key up, and copies its value if the buffer is large enough.
    private static func find(
        _ key: UnsafeRawBufferPointer, _ view: UnsafePointer<AttachedStore.View>,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> ValueInfo? {
        let store = unsafe view.pointee.store
        let hash = unsafe KeyHash(key, seed: store.geometry.hashSeed)
        do throws(StoreError) {
            return try unsafe store.find(key, hash, attempts: attemptsWithoutPin, into: buffer)
        } catch {
            guard error == .busy else { throw error }
        }
        return try unsafe findOvertaken(key, hash, view, into: buffer)
    }

    /// Reads a key whose memory was reused again and again while it was read: under a pin, which stops the reuse.
    ///
    /// Where there is no pin to be had, it goes on trying.
    @inline(never)
    private static func findOvertaken(
        _ key: UnsafeRawBufferPointer, _ hash: KeyHash, _ view: UnsafePointer<AttachedStore.View>,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> ValueInfo? {
        let store = unsafe view.pointee.store
        guard let pin = unsafe view.pointee.pin() else {
            return try unsafe store.find(key, hash, attempts: Store.readLimit, into: buffer)
        }
        defer { pin.end() }
        guard let value = try unsafe store.findPinned(key, hash) else { return nil }
        if value.info.byteCount <= buffer.count { unsafe store.copy(value, into: buffer) }
        return value.info
    }

    /// The bytes of the value of `key`, whatever its type; nil: there is no such key.
    ///
    /// As `get(_:into:)`, but for the array it returns.
    public func get(_ key: some SegmentKey) throws(SharedMemError) -> [UInt8]? {
        try key.withKeyBytes { (key) throws(SharedMemError) in try bytes(key)?.bytes }
    }

    /// The value of `key` as a `Value`; nil: there is no such key.
    ///
    /// Throws `wrongType` if the value is tagged with another type.
    public func get<Value: SegmentValue>(
        _ key: some SegmentKey, as type: Value.Type
    ) throws(SharedMemError) -> Value? {
        let found = try key.withKeyBytes { (key) throws(SharedMemError) in try bytes(key) }
        guard let found else { return nil }
        return try value(found.bytes, found.info.type)
    }

    /// What bytes are as a `Value`; throws `wrongType` if they aren't one.
    func value<Value: SegmentValue>(_ bytes: [UInt8], _ type: ValueType) throws(SharedMemError) -> Value {
        guard let value = unsafe Value(valueBytes: bytes.span.bytes, type: type) else {
            throw SharedMemError(.wrongType(type.rawValue), segment: name)
        }
        return value
    }

    /// The value of `key` as text; nil: there is no such key.
    ///
    /// Throws `wrongType` if it is a number.
    public func string(_ key: some SegmentKey) throws(SharedMemError) -> String? { try get(key, as: String.self) }

    /// What is known of the value of `key`, without its bytes; nil: there is no such key.
    public func metadata(_ key: some SegmentKey) throws(SharedMemError) -> ValueMetadata? {
        try key.withKeyBytes { (key) throws(SharedMemError) in
            try withStore { (store) throws(StoreError) in
                try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
                    let hash = unsafe KeyHash(key, seed: store.geometry.hashSeed)
                    guard let info = unsafe try store.info(of: key, hash), !info.hasExpired else { return nil }
                    return ValueMetadata(info)
                }
            }
        }
    }

    /// A value's bytes and what is known of it, of one and the same version.
    func bytes(_ key: RawSpan) throws(SharedMemError) -> CopiedBytes<ReadValue>? {
        let copied = try unsafe CopiedBytes<ReadValue?>.filled { (buffer) throws(SharedMemError) in
            let value = try unsafe get(key, into: buffer)
            return (value, value?.byteCount ?? 0)
        }
        return copied.info.map { CopiedBytes(bytes: copied.bytes, info: $0) }
    }
}

// MARK: - Keys

extension Segment {
    /// The next key behind `cursor`, which starts at 0; nil at the end.
    ///
    /// In no order. A key that stays while the cursor passes comes exactly once, whatever writers do meanwhile; only when
    /// the segment moves to a new generation, the cursor begins again, and keys come twice. Costs time in proportion to
    /// the index for a whole pass, not to the keys that begin with `prefix`.
    public func nextKey(
        after cursor: inout UInt64, prefix: [UInt8] = []
    ) throws(SharedMemError) -> [UInt8]? {
        while let found = try nextKeyInfo(after: &cursor) {
            if found.hasExpired || !found.key.starts(with: prefix) { continue }
            return found.key
        }
        return nil
    }

    /// A key and whether it has expired.
    struct ListedKey {
        let key: [UInt8]
        let hasExpired: Bool
    }

    func nextKeyInfo(after cursor: inout UInt64) throws(SharedMemError) -> ListedKey? {
        let start = cursor
        var end = cursor
        let key: ListedKey? = try unsafe withView { (view) throws(StoreError) in
            // Places are those of one generation.
            let mark = unsafe view.pointee.generation << Self.placeBitCount
            let place = start & (1 << Self.placeBitCount - 1)
            var position = start ^ place == mark ? place : 0
            defer { end = position | mark }
            let store = unsafe view.pointee.store
            var failure: StoreError?
            var info: KeyInfo?
            let key = unsafe [UInt8](unsafeUninitializedCapacity: Self.keyLimit) { buffer, count in
                do throws(StoreError) {
                    info = try unsafe store.nextKey(after: &position, into: UnsafeMutableRawBufferPointer(buffer))
                } catch {
                    failure = error
                }
                count = info?.byteCount ?? 0
            }
            if let failure { throw failure }
            guard let info else { return nil }
            return ListedKey(
                key: key, hasExpired: info.expiresAt != 0 && info.expiresAt <= SystemClock.boottime())
        }
        cursor = end
        return key
    }

    /// Bits of a cursor that say where it stands; the others tell generations apart.
    private static var placeBitCount: Int { 48 }

    /// Bytes of the longest key.
    static var keyLimit: Int { 512 }
}
