internal import LinuxIPC
internal import SharedMemStore

// MARK: - Reading

/// What a read into a buffer found.
public struct ReadValue: Equatable, Sendable {
    /// Bytes of the value, which are the buffer's first.
    public let byteCount: Int
    /// The segment's commit number at which it was set.
    public let version: UInt64
}

extension Segment {
    /// Copies the value of `key` into `buffer`; nil: there is no such key.
    ///
    /// Takes no lock, allocates nothing and makes no system call; never waits for a writer. The buffer's bytes are
    /// undefined unless a value is returned. Throws `bufferTooSmall`, whose `needed` is the value's length.
    public func get(
        _ key: RawSpan, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SharedMemError) -> ReadValue? {
        try withStore { (store) throws(StoreError) in
            try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
                guard let info = try unsafe store.get(key, into: buffer) else { return nil }
                return ReadValue(byteCount: info.byteCount, version: info.version)
            }
        }
    }

    /// The value of `key`; nil: there is no such key.
    ///
    /// As `get(_:into:)`, but for the array it returns.
    public func get(_ key: [UInt8]) throws(SharedMemError) -> [UInt8]? { try unsafe value(key.span.bytes) }

    /// The value of the UTF-8 bytes of `key`; nil: there is no such key.
    public func get(_ key: String) throws(SharedMemError) -> [UInt8]? { try get([UInt8](key.utf8)) }

    /// The value of `key` as text, with U+FFFD for what isn't UTF-8; nil: there is no such key.
    public func string(_ key: String) throws(SharedMemError) -> String? {
        guard let bytes = try get(key) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func value(_ key: RawSpan) throws(SharedMemError) -> [UInt8]? {
        var capacity = 256
        while true {
            var found: ReadValue?
            var failure: SharedMemError?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                do throws(SharedMemError) {
                    found = try unsafe get(key, into: UnsafeMutableRawBufferPointer(buffer))
                } catch {
                    failure = error
                }
                count = found?.byteCount ?? 0
            }
            guard let failure else { return found == nil ? nil : bytes }
            // The value may have grown since: each round makes room for what was seen last.
            guard failure.code == .bufferTooSmall, let needed = Int(exactly: failure.needed) else { throw failure }
            capacity = needed
        }
    }

    /// The next key behind `cursor`, which starts at 0; nil at the end.
    ///
    /// In no order. A key that stays while the cursor passes comes exactly once, whatever writers do meanwhile.
    public func nextKey(after cursor: inout UInt64) throws(SharedMemError) -> [UInt8]? {
        var position = cursor
        let key: [UInt8]? = try withStore { (store) throws(StoreError) in
            var failure: StoreError?
            var isEnd = false
            let key = unsafe [UInt8](unsafeUninitializedCapacity: Self.keyLimit) { buffer, count in
                do throws(StoreError) {
                    let found = try unsafe store.nextKey(after: &position, into: UnsafeMutableRawBufferPointer(buffer))
                    isEnd = found == nil
                    count = found?.byteCount ?? 0
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            return isEnd ? nil : key
        }
        cursor = position
        return key
    }

    private static var keyLimit: Int { 512 }
}

// MARK: - Writing

extension Segment {
    /// Sets `key` to `value` and returns the version.
    ///
    /// When it has returned, every later get sees this value or a newer one. Waits for the lock word if another writer
    /// has it, `lockTimeoutMilliseconds` at most; makes no system call otherwise. Throws `full` (the old value stays),
    /// `lockTimeout`, `keyTooLong` or `readOnly`.
    @discardableResult
    public func set(_ key: RawSpan, to value: RawSpan) throws(SharedMemError) -> UInt64 {
        try writing { (store, time) throws(StoreError) in
            try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe value.withUnsafeBytes { (value) throws(StoreError) in
                    try unsafe store.set(key, to: value, at: time)
                }
            }
        }
    }

    /// Sets `key` to `value` and returns the version; as `set(_:to:)` of spans.
    @discardableResult
    public func set(_ key: [UInt8], to value: [UInt8]) throws(SharedMemError) -> UInt64 {
        try unsafe set(key.span.bytes, to: value.span.bytes)
    }

    /// Sets the UTF-8 bytes of `key` to `value` and returns the version.
    @discardableResult
    public func set(_ key: String, to value: [UInt8]) throws(SharedMemError) -> UInt64 {
        try set([UInt8](key.utf8), to: value)
    }

    /// Sets the UTF-8 bytes of `key` to those of `value` and returns the version.
    @discardableResult
    public func set(_ key: String, to value: String) throws(SharedMemError) -> UInt64 {
        try set([UInt8](key.utf8), to: [UInt8](value.utf8))
    }

    /// Deletes `key` and says whether there was one; waits and throws as `set(_:to:)`.
    @discardableResult
    public func delete(_ key: [UInt8]) throws(SharedMemError) -> Bool {
        let bytes = unsafe key.span.bytes
        return try writing { (store, _) throws(StoreError) in
            try unsafe bytes.withUnsafeBytes { (key) throws(StoreError) in try unsafe store.delete(key) }
        } != nil
    }

    /// Deletes the key of the UTF-8 bytes of `key` and says whether there was one.
    @discardableResult
    public func delete(_ key: String) throws(SharedMemError) -> Bool { try delete([UInt8](key.utf8)) }
}
