internal import LinuxIPC
internal import SharedMemStore

/// What a set is given beside key and value.
public struct SetOptions: Sendable {
    /// How long the value lives, suspended time included; nil: until it is replaced or deleted.
    ///
    /// Nobody sees a value that is set with zero or less; 584 years or more are as long as for ever.
    public var expiresIn: Duration?
    /// The version that the key must have, 0: it must not exist; nil: any.
    public var ifVersion: UInt64?
    /// Another tag than the value's own type; nil: its own.
    public var type: ValueType?

    /// Options with their defaults.
    public init() {}

    /// Sets under the condition that the key has `version`; 0: that it doesn't exist.
    public static func ifVersion(_ version: UInt64) -> SetOptions {
        var options = SetOptions()
        options.ifVersion = version
        return options
    }

    /// Sets a value with this tag.
    public static func typed(_ type: ValueType) -> SetOptions {
        var options = SetOptions()
        options.type = type
        return options
    }

    /// Sets a value that lives for `duration`.
    public static func expiring(in duration: Duration) -> SetOptions {
        var options = SetOptions()
        options.expiresIn = duration
        return options
    }

    /// The same as the store has it.
    func resolved(_ ownType: ValueType) -> SharedMemStore.SetOptions {
        var options = SharedMemStore.SetOptions()
        options.type = (type ?? ownType).rawValue
        options.expectedVersion = ifVersion
        if let expiresIn { options.expiresAt = Self.expiry(in: expiresIn) }
        return options
    }

    private static func expiry(in duration: Duration) -> UInt64 {
        // A duration can be longer than its components can say, which trap then.
        guard duration > .zero else { return 1 }
        guard duration < .seconds(UInt64.max / 1_000_000_000) else { return UInt64.max }
        let (seconds, attoseconds) = duration.components
        let nanoseconds = UInt64(seconds) &* 1_000_000_000 &+ UInt64(attoseconds / 1_000_000_000)
        let sum = nanoseconds.addingReportingOverflow(SystemClock.boottime())
        return sum.overflow ? UInt64.max : sum.partialValue
    }
}

extension Segment {
    /// Sets `key` to the bytes of `value` and returns the version.
    ///
    /// When it has returned, every later get sees this value or a newer one. Waits for the lock word if another writer
    /// has it, `lockTimeoutMilliseconds` at most; makes no system call and allocates nothing otherwise. Throws `full`
    /// (the old value stays), `lockTimeout`, `keyTooLong` or `readOnly`.
    @discardableResult
    public func set(_ key: RawSpan, to value: RawSpan) throws(SharedMemError) -> UInt64 {
        var hint = 0
        return try set(key, to: value, .bytes, SetOptions(), hint: &hint)
    }

    /// Sets `key` to `value` and returns the version; as `set(_:to:)` of spans, tagged with the value's type.
    ///
    /// Throws `versionDiffers` too, if the options name a version that the key doesn't have; its `available` is what it
    /// has.
    @discardableResult
    public func set(
        _ key: some SegmentKey, to value: some SegmentValue, _ options: SetOptions = SetOptions()
    ) throws(SharedMemError) -> UInt64 {
        let type = Self.type(of: value)
        return try key.withKeyBytes { (key) throws(SharedMemError) in
            try value.withValueBytes { (value) throws(SharedMemError) in
                var hint = 0
                return try set(key, to: value, type, options, hint: &hint)
            }
        }
    }

    /// Sets `key` to bytes; the same, for literals.
    @discardableResult
    public func set(
        _ key: some SegmentKey, to value: [UInt8], _ options: SetOptions = SetOptions()
    ) throws(SharedMemError) -> UInt64 {
        let bytes: some SegmentValue = value
        return try set(key, to: bytes, options)
    }

    static func type<Value: SegmentValue>(of value: Value) -> ValueType { Value.valueType }

    /// Sets `key` to bytes with options; as `set(_:to:_:)`.
    package func set(
        _ key: RawSpan, to value: RawSpan, _ type: ValueType, _ options: SetOptions
    ) throws(SharedMemError) -> UInt64 {
        var hint = 0
        return try set(key, to: value, type, options, hint: &hint)
    }

    /// Sets a key; `hint` is the slot where it stood before, 0 if that isn't known, and becomes the one it has now.
    @inline(__always)
    func set(
        _ key: RawSpan, to value: RawSpan, _ type: ValueType, _ options: SetOptions, hint: inout Int
    ) throws(SharedMemError) -> UInt64 {
        if let view = unsafe currentView(), access == .readWrite, options.expiresIn == nil, options.ifVersion == nil {
            let slot = hint
            let tag = (options.type ?? type).rawValue
            // Read before the lock: a precise clock would double the cost of a set.
            let time = SystemClock.realtimeCoarse()
            let plain = unsafe key.withUnsafeBytes { key in
                unsafe value.withUnsafeBytes { value in
                    unsafe Store.plainSet(
                        AttachedStore.View.store(view), key, hint: slot, to: value, type: tag, at: time)
                }
            }
            if !plain.audience.isEmpty { unsafe wake(plain, key, view) }
            if plain.version != 0 {
                if plain.slotOffset != 0 {
                    hint = plain.slotOffset
                    return plain.version
                }
                if try unsafe wasTakenAlong(plain.version, in: view.pointee.store, of: view) { return plain.version }
            }
        }
        return try setAnywhere(key, to: value, options.resolved(type), hint: &hint)
    }

    /// Sets a key in whatever state it and the lock word are.
    @inline(never)
    private func setAnywhere(
        _ key: RawSpan, to value: RawSpan, _ options: SharedMemStore.SetOptions, hint: inout Int
    ) throws(SharedMemError) -> UInt64 {
        var slot = hint
        let version = try writing(key) { (store, time) throws(StoreError) in
            try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe value.withUnsafeBytes { (value) throws(StoreError) in
                    try unsafe store.set(
                        key, to: value, at: time, options, hint: &slot, bootTime: SystemClock.boottime)
                }
            }
        }
        hint = slot
        return version
    }

    /// Deletes `key` and says whether there was one; waits and throws as `set(_:to:)`.
    ///
    /// With a version, only if the key has that one; otherwise throws `versionDiffers`.
    @discardableResult
    public func delete(_ key: some SegmentKey, ifVersion version: UInt64? = nil) throws(SharedMemError) -> Bool {
        try key.withKeyBytes { (key) throws(SharedMemError) in try deletion(of: key, ifVersion: version) != nil }
    }

    /// Deletes `key` and returns the version of the deletion; nil: there was no such key.
    package func deletion(of key: RawSpan, ifVersion version: UInt64?) throws(SharedMemError) -> UInt64? {
        try writing(key) { (store, _) throws(StoreError) in
            try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe store.delete(key, expectedVersion: version, bootTime: SystemClock.boottime)
            }
        }
    }

    /// Adds `delta` to the integer at `key`, 0 if there is none, and returns the sum.
    ///
    /// Works on integers and on text that is a whole decimal number, which becomes an integer; its expiry stays. Throws
    /// `wrongType` or `outOfRange` and leaves the value; waits as `set(_:to:)`.
    @discardableResult
    public func add(_ delta: Int64, to key: some SegmentKey) throws(SharedMemError) -> Int64 {
        try key.withKeyBytes { (key) throws(SharedMemError) in
            try writing(key) { (store, time) throws(StoreError) in
                try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
                    try unsafe store.add(delta, to: key, at: time, bootTime: SystemClock.boottime)
                }
            }
        }
    }

    /// Deletes every value that has expired, one lock at a time, and returns how many there were.
    ///
    /// Nobody sees an expired value; this gives its memory back. Costs time in proportion to the index.
    @discardableResult
    public func sweepExpired() throws(SharedMemError) -> Int {
        var cursor: UInt64 = 0
        var count = 0
        while let found = try nextKeyInfo(after: &cursor) {
            guard found.hasExpired else { continue }
            if try unsafe deleteIfExpired(found.key.span.bytes) { count += 1 }
        }
        return count
    }

    /// Deletes `key` if its time is over, and says whether it was; waits and throws as `set(_:to:)`.
    ///
    /// Without `isWaiting` it throws `lockTimeout` at once.
    @inline(never)
    func deleteIfExpired(_ key: RawSpan, isWaiting: Bool = true) throws(SharedMemError) -> Bool {
        let now = SystemClock.boottime()
        return try writing(key, isWaiting: isWaiting) { (store, _) throws(StoreError) in
            try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe store.deleteIfExpired(key, bootTime: now)
            }
        }
    }
}
