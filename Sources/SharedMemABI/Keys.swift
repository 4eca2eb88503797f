internal import CSharedMem
internal import LinuxIPC
internal import SharedMem

// sharedmem.h: key handles. What each function promises stands there.

/// Makes a handle of a key.
@c @implementation
public func sharedmem_key(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int,
    _ ret_key: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length), let target = unsafe ret_key else {
            return Errno.invalidArgument.outcome
        }
        return outcome { () throws(SharedMemError) in
            unsafe target.pointee = handle(of: try segment.key(key.copy))
        }
    }
}

/// Copies the value of a handle's key.
@c @implementation
public func sharedmem_key_get(
    _ key: OpaquePointer?, _ buffer: UnsafeMutableRawPointer?, _ capacity: Int,
    _ ret_length: UnsafeMutablePointer<Int>?,
    _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe with(key) { (key: Key) in
        guard let buffer = unsafe ForeignBuffer(buffer, capacity) else { return Errno.invalidArgument.outcome }
        do throws(SharedMemError) {
            if let value = try unsafe key.get(into: buffer.bytes) {
                unsafe ret_length?.pointee = value.byteCount
                unsafe ret_version?.pointee = value.version
                return 0
            }
            guard let name = unsafe ForeignBytes(key.memory.baseAddress, key.memory.count) else {
                return Errno.invalidArgument.outcome
            }
            return unsafe absence(of: name, in: key.segment, buffer, ret_length, ret_version)
        } catch {
            return unsafe failure(error, ret_length)
        }
    }
}

/// Sets a handle's key.
@c @implementation
public func sharedmem_key_set(
    _ key: OpaquePointer?, _ value: UnsafeRawPointer?, _ length: Int, _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe with(key) { (key: Key) in
        guard let value = unsafe ForeignBytes(value, length) else { return Errno.invalidArgument.outcome }
        return outcome { () throws(SharedMemError) in
            let version = try unsafe key.set(to: value.bytes.bytes)
            unsafe ret_version?.pointee = version
        }
    }
}

/// Frees a handle.
@c @implementation
public func sharedmem_key_free(_ key: OpaquePointer?) { unsafe free(key, Key.self) }
