internal import SharedMemStore
internal import Synchronization

/// A key of a segment that is used often: it knows where the key stood last, and finds it there without hashing.
///
/// May be used by many threads at once. What it knows is checked at each use: a key that has moved, was deleted or is
/// new is looked up by its name.
@safe
public final class Key: @unchecked Sendable {
    // Proof of @unchecked: `name` is filled once, before anybody else has the object.

    /// The segment.
    public let segment: Segment
    // What a read needs stands together: it is one cache line, or two.

    /// The slot where the key stood last; 0: not known.
    private let slot = Atomic<Int>(0)
    /// Where the record was then: asked for while the slot is loaded, so that a get waits for both at once.
    private let recordOffset = Atomic<Int>(0)
    /// The key, if it is short.
    private let short: ShortKey

    /// The key's bytes, here and not in an array: reaching an array's bytes would count references at each use.
    private let name: UnsafeRawBufferPointer

    /// A handle of `key`, which needn't exist yet; keeps the segment attached.
    ///
    /// Throws `keyTooLong`.
    public convenience init(_ key: some SegmentKey, in segment: Segment) throws(SharedMemError) {
        let bytes = key.withKeyBytes { key in unsafe key.withUnsafeBytes { unsafe [UInt8]($0) } }
        guard bytes.count <= Segment.keyLimit else {
            throw SharedMemError(.keyTooLong(bytes.count), segment: segment.name)
        }
        self.init(bytes: bytes, segment: segment)
    }

    // Embedded Swift has no generic designated initialisers of classes.
    private init(bytes: [UInt8], segment: Segment) {
        self.segment = segment
        let name = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
        unsafe name.copyBytes(from: bytes)
        unsafe self.name = UnsafeRawBufferPointer(name)
        short = unsafe ShortKey(UnsafeRawBufferPointer(name)) ?? .none
    }

    deinit { unsafe name.deallocate() }

    /// The key's bytes where they are, as long as the handle lives.
    @unsafe package var memory: UnsafeRawBufferPointer { unsafe name }

    /// The key's bytes.
    public var bytes: [UInt8] { unsafe [UInt8](name) }

    /// Copies the value into `buffer`; nil: there is no such key.
    ///
    /// As `Segment.get(_:into:)`.
    public func get(into buffer: UnsafeMutableRawBufferPointer) throws(SharedMemError) -> ReadValue? {
        // Relaxed: whatever slot is read, its key is compared; and nothing is believed of a record's place.
        let hint = slot.load(ordering: .relaxed)
        if let view = unsafe segment.currentView() {
            let value = unsafe Store.plainGet(
                AttachedStore.View.store(view), hint: hint, recordOffset: recordOffset.load(ordering: .relaxed),
                keyByteCount: short.byteCount, into: buffer
            ) { data, offset in short.isKey(in: data, at: offset) }
            if value.type >= 0 {
                // Stored only if it is another one: other threads have this line, too.
                if value.recordOffset != recordOffset.load(ordering: .relaxed) {
                    recordOffset.store(value.recordOffset, ordering: .relaxed)
                }
                return ReadValue(value)
            }
        }
        return try unsafe getOtherwise(into: buffer)
    }

    /// Reads a key that isn't short, or is being changed, where it stood; or looks it up and notes where it stands.
    @inline(never)
    private func getOtherwise(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SharedMemError) -> ReadValue? {
        if let view = unsafe segment.currentView() {
            let value = unsafe Store.plainGet(
                AttachedStore.View.store(view), name, hint: slot.load(ordering: .relaxed), into: buffer)
            if value.type >= 0 { return ReadValue(value) }
        }
        guard let info = try unsafe segment.getAnywhere(name.bytes, into: buffer) else { return nil }
        slot.store(info.slotOffset, ordering: .relaxed)
        return ReadValue(info)
    }

    /// The bytes of the value, whatever its type; nil: there is no such key.
    public func get() throws(SharedMemError) -> [UInt8]? { try copied()?.bytes }

    /// The value as a `Value`; nil: there is no such key.
    ///
    /// Throws `wrongType` if the value is tagged with another type.
    public func get<Value: SegmentValue>(as type: Value.Type) throws(SharedMemError) -> Value? {
        guard let copied = try copied() else { return nil }
        return try segment.value(copied.bytes, copied.info.type)
    }

    private func copied() throws(SharedMemError) -> CopiedBytes<ReadValue>? {
        let copied = try unsafe CopiedBytes<ReadValue?>.filled { (buffer) throws(SharedMemError) in
            let value = try unsafe get(into: buffer)
            return (value, value?.byteCount ?? 0)
        }
        return copied.info.map { CopiedBytes(bytes: copied.bytes, info: $0) }
    }

    /// Sets the key to the bytes of `value` and returns the version.
    ///
    /// As `Segment.set(_:to:)`.
    @discardableResult
    public func set(to value: RawSpan) throws(SharedMemError) -> UInt64 {
        try set(to: value, .bytes, SetOptions())
    }

    /// Sets the key to `value` and returns the version; as `Segment.set(_:to:_:)`.
    @discardableResult
    public func set(
        to value: some SegmentValue, _ options: SetOptions = SetOptions()
    ) throws(SharedMemError) -> UInt64 {
        let type = Segment.type(of: value)
        return try value.withValueBytes { (value) throws(SharedMemError) in try set(to: value, type, options) }
    }

    @inline(__always)
    private func set(to value: RawSpan, _ type: ValueType, _ options: SetOptions) throws(SharedMemError) -> UInt64 {
        let hint = slot.load(ordering: .relaxed)
        var found = hint
        let version = try unsafe segment.set(name.bytes, to: value, type, options, hint: &found)
        if found != hint { slot.store(found, ordering: .relaxed) }
        return version
    }
}

extension Segment {
    /// A handle of `key`, for one that is used often.
    public func key(_ key: some SegmentKey) throws(SharedMemError) -> Key { try Key(key, in: self) }
}
