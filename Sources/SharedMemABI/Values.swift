public import CSharedMem
internal import LinuxIPC
internal import SharedMem

// sharedmem.h: values. What each function promises stands there.

/// Copies the value of a key.
@c @implementation
public func sharedmem_get(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ buffer: UnsafeMutableRawPointer?,
    _ capacity: Int, _ ret_length: UnsafeMutablePointer<Int>?, _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length), let buffer = unsafe ForeignBuffer(buffer, capacity) else {
            return Errno.invalidArgument.outcome
        }
        do throws(SharedMemError) {
            if let value = try unsafe segment.inlinedGet(key.bytes.bytes, into: buffer.bytes) {
                unsafe ret_length?.pointee = value.byteCount
                unsafe ret_version?.pointee = value.version
                return 0
            }
            return unsafe absence(of: key, in: segment, buffer, ret_length, ret_version)
        } catch {
            return unsafe failure(error, ret_length)
        }
    }
}

/// Answers a get that has found nothing: with the version from which on a wait misses nothing, or with the value that has
/// come since.
@inline(never)
func absence(
    of key: ForeignBytes, in segment: Segment, _ buffer: ForeignBuffer, _ ret_length: UnsafeMutablePointer<Int>?,
    _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    do throws(SharedMemError) {
        while true {
            let version = try unsafe segment.version(of: key.bytes.bytes)
            if !version.exists {
                unsafe ret_version?.pointee = version.version
                return Errno.noSuchFileOrDirectory.outcome
            }
            guard let value = try unsafe segment.get(key.bytes.bytes, into: buffer.bytes) else { continue }
            unsafe ret_length?.pointee = value.byteCount
            unsafe ret_version?.pointee = value.version
            return 0
        }
    } catch {
        return unsafe failure(error, ret_length)
    }
}

/// What a read that failed returns; with a buffer that is too small it says what is needed.
@inline(never)
func failure(_ error: SharedMemError, _ ret_length: UnsafeMutablePointer<Int>?) -> Int32 {
    if error.code == .bufferTooSmall { unsafe ret_length?.pointee = Int(clamping: error.needed) }
    return error.outcome
}

/// Sets a key.
@c @implementation
public func sharedmem_set(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ value: UnsafeRawPointer?, _ length: Int,
    _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length), let value = unsafe ForeignBytes(value, length) else {
            return Errno.invalidArgument.outcome
        }
        return outcome { () throws(SharedMemError) in
            let version = try unsafe segment.set(key.bytes.bytes, to: value.bytes.bytes)
            unsafe ret_version?.pointee = version
        }
    }
}

/// Sets a key if it has a version.
@c @implementation
public func sharedmem_compare_and_set(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ value: UnsafeRawPointer?, _ length: Int,
    _ expected_version: UInt64, _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe set(segment, key, key_length, value, length, .ifVersion(expected_version), ret_version)
}

/// Sets a key with options.
@c @implementation
public func sharedmem_set_with(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ value: UnsafeRawPointer?, _ length: Int,
    _ options: UnsafePointer<sharedmem_set_options>?, _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    do throws(Errno) {
        return try unsafe set(segment, key, key_length, value, length, SetOptions(foreign: options), ret_version)
    } catch {
        return error.outcome
    }
}

private func set(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ value: UnsafeRawPointer?, _ length: Int,
    _ options: SetOptions, _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length), let value = unsafe ForeignBytes(value, length) else {
            return Errno.invalidArgument.outcome
        }
        return outcome { () throws(SharedMemError) in
            let version = try unsafe segment.set(key.bytes.bytes, to: value.bytes.bytes, .bytes, options)
            unsafe ret_version?.pointee = version
        }
    }
}

/// Deletes a key.
@c @implementation
public func sharedmem_delete(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe delete(segment, key, key_length, nil, ret_version)
}

/// Deletes a key if it has a version.
@c @implementation
public func sharedmem_compare_and_delete(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ expected_version: UInt64,
    _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    // No key has version 0: what isn't there has no version, either.
    let result = unsafe delete(segment, key, key_length, expected_version, ret_version)
    return result == Errno.noSuchFileOrDirectory.outcome ? Errno.stale.outcome : result
}

private func delete(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ expected: UInt64?,
    _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length) else { return Errno.invalidArgument.outcome }
        do throws(SharedMemError) {
            guard let version = try unsafe segment.deletion(of: key.bytes.bytes, ifVersion: expected) else {
                return Errno.noSuchFileOrDirectory.outcome
            }
            unsafe ret_version?.pointee = version
            return 0
        } catch {
            return error.outcome
        }
    }
}

/// Adds to an integer.
@c @implementation
public func sharedmem_add(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ delta: Int64,
    _ ret_value: UnsafeMutablePointer<Int64>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length) else { return Errno.invalidArgument.outcome }
        return outcome { () throws(SharedMemError) in
            let sum = try unsafe segment.add(delta, to: key.copy)
            unsafe ret_value?.pointee = sum
        }
    }
}

/// Deletes all values that have expired.
@c @implementation
public func sharedmem_sweep_expired(_ segment: OpaquePointer?, _ ret_count: UnsafeMutablePointer<UInt64>?) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        outcome { () throws(SharedMemError) in
            let count = try segment.sweepExpired()
            unsafe ret_count?.pointee = UInt64(count)
        }
    }
}

// MARK: - Many keys

/// Copies the values of many keys as of one moment.
@c @implementation
public func sharedmem_get_many(
    _ segment: OpaquePointer?, _ items: UnsafeMutablePointer<sharedmem_item>?, _ count: Int,
    _ buffer: UnsafeMutableRawPointer?, _ stride: Int, _ ret_length: UnsafeMutablePointer<Int>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        let total = count.multipliedReportingOverflow(by: stride)
        guard count >= 0, stride >= 0, !total.overflow, unsafe count == 0 || items != nil,
            let buffer = unsafe ForeignBuffer(buffer, total.partialValue)
        else { return Errno.invalidArgument.outcome }
        let items = unsafe UnsafeMutableBufferPointer(start: items, count: count)
        var keys: [[UInt8]] = []
        keys.reserveCapacity(count)
        for index in 0..<count {
            let item = unsafe items[index]
            guard let key = unsafe ForeignBytes(item.key, item.key_length) else { return Errno.invalidArgument.outcome }
            guard unsafe !key.isTooLongForKey else { return Errno.fileNameTooLong.outcome }
            unsafe keys.append(key.copy)
        }
        do throws(SharedMemError) {
            let found = try unsafe segment.get(keys, into: buffer.bytes, stride: stride)
            for (index, value) in found.enumerated() {
                unsafe items[index].length = value.map { Int64($0.byteCount) } ?? -1
                unsafe items[index].version = value?.version ?? 0
            }
            return 0
        } catch {
            return unsafe failure(error, ret_length)
        }
    }
}

/// Copies the next key.
@c @implementation
public func sharedmem_next_key(
    _ segment: OpaquePointer?, _ prefix: UnsafeRawPointer?, _ prefix_length: Int,
    _ cursor: UnsafeMutablePointer<UInt64>?,
    _ buffer: UnsafeMutableRawPointer?, _ capacity: Int, _ ret_length: UnsafeMutablePointer<Int>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let prefix = unsafe ForeignBytes(prefix, prefix_length), let cursor = unsafe cursor,
            let buffer = unsafe ForeignBuffer(buffer, capacity)
        else { return Errno.invalidArgument.outcome }
        do throws(SharedMemError) {
            var next = unsafe cursor.pointee
            guard let key = try unsafe segment.nextKey(after: &next, prefix: prefix.copy) else {
                unsafe cursor.pointee = next
                return Errno.noSuchFileOrDirectory.outcome
            }
            guard unsafe buffer.take(key) else {
                unsafe ret_length?.pointee = key.count
                return Errno.messageTooLong.outcome
            }
            unsafe cursor.pointee = next
            unsafe ret_length?.pointee = key.count
            return 0
        } catch {
            return error.outcome
        }
    }
}
