public import CSharedMem
internal import LinuxIPC
internal import SharedMem

// sharedmem.h: borrowing, and who has the lock. What each function promises stands there.

/// Lends a value.
@c @implementation
public func sharedmem_borrow(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int,
    _ ret_borrowed: UnsafeMutablePointer<OpaquePointer?>?, _ ret_value: UnsafeMutablePointer<UnsafeRawPointer?>?,
    _ ret_length: UnsafeMutablePointer<Int>?, _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length), let target = unsafe ret_borrowed else {
            return Errno.invalidArgument.outcome
        }
        guard unsafe !key.isTooLongForKey else { return Errno.fileNameTooLong.outcome }
        do throws(SharedMemError) {
            guard let lent = try unsafe segment.lend(key.copy) else { return Errno.noSuchFileOrDirectory.outcome }
            unsafe ret_value?.pointee = lent.bytes.baseAddress
            unsafe ret_length?.pointee = lent.bytes.count
            unsafe ret_version?.pointee = lent.value.version
            unsafe target.pointee = handle(of: lent)
            return 0
        } catch {
            return error.outcome
        }
    }
}

/// Gives a lent value back.
@c @implementation
public func sharedmem_return(_ borrowed: OpaquePointer?) { unsafe free(borrowed, LentValue.self) }

/// Says who has the lock word.
@c @implementation
public func sharedmem_lock_describe(
    _ segment: OpaquePointer?, _ ret_holder: UnsafeMutablePointer<sharedmem_lock_holder>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let target = unsafe Wanted(ret_holder, size: ret_holder?.pointee.size) else {
            return Errno.invalidArgument.outcome
        }
        do throws(SharedMemError) {
            guard let known = try segment.lockHolder() else { return Errno.noSuchFileOrDirectory.outcome }
            var holder = sharedmem_lock_holder()
            holder.size = unsafe target.size
            holder.taken_at = known.takenAtNanoseconds
            holder.session = known.session
            holder.pid = known.pid
            unsafe withUnsafeMutableBytes(of: &holder.program) { unsafe store(known.program, in: $0) }
            unsafe target.store(holder)
            return 0
        } catch {
            return error.outcome
        }
    }
}
