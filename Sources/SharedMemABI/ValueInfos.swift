public import CSharedMem
internal import LinuxIPC
internal import SharedMem

// sharedmem.h: what is known of a value beside its bytes. What each function promises stands there.

/// Says what is known of a value.
@c @implementation
public func sharedmem_value_describe(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int,
    _ ret_info: UnsafeMutablePointer<sharedmem_value_info>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length),
            let target = unsafe Wanted(ret_info, size: ret_info?.pointee.size)
        else { return Errno.invalidArgument.outcome }
        guard unsafe !key.isTooLongForKey else { return Errno.fileNameTooLong.outcome }
        do throws(SharedMemError) {
            guard let known = try unsafe segment.metadata(key.copy) else { return Errno.noSuchFileOrDirectory.outcome }
            unsafe target.store(sharedmem_value_info(known, size: target.size))
            return 0
        } catch {
            return error.outcome
        }
    }
}

/// Copies the value of a key, and says what is known of it.
@c @implementation
public func sharedmem_get_with(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ buffer: UnsafeMutableRawPointer?,
    _ capacity: Int, _ ret_info: UnsafeMutablePointer<sharedmem_value_info>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length), let buffer = unsafe ForeignBuffer(buffer, capacity),
            let target = unsafe Wanted(ret_info, size: ret_info?.pointee.size)
        else { return Errno.invalidArgument.outcome }
        guard unsafe !key.isTooLongForKey else { return Errno.fileNameTooLong.outcome }
        do throws(SharedMemError) {
            while true {
                if let known = try unsafe segment.get(key.bytes.bytes, withMetadataInto: buffer.bytes) {
                    unsafe target.store(sharedmem_value_info(known, size: target.size))
                    return 0
                }
                // A value may have come since.
                let version = try unsafe segment.version(of: key.bytes.bytes)
                if !version.exists {
                    unsafe target.update { $0.version = version.version }
                    return Errno.noSuchFileOrDirectory.outcome
                }
            }
        } catch {
            if error.code == .bufferTooSmall { unsafe target.update { $0.length = error.needed } }
            return error.outcome
        }
    }
}

extension sharedmem_value_info {
    /// What is known of a value, for a caller whose structure has `size` bytes.
    fileprivate init(_ known: ValueMetadata, size: Int) {
        self.init()
        self.size = size
        length = UInt64(known.byteCount)
        version = known.version
        written_at = known.writtenAtNanoseconds
        expires_at = known.expiresAtNanoseconds
        session = known.session
        type = UInt32(known.type.rawValue)
    }
}
