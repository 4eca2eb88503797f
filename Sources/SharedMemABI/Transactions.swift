public import CSharedMem
internal import LinuxIPC
internal import SharedMem

// sharedmem.h: transactions. What each function promises stands there.

/// A transaction behind a handle.
private final class HeldTransaction {
    /// nil: it was committed.
    var transaction: Transaction?

    init(_ segment: Segment) { transaction = Transaction(segment) }
}

/// Begins a transaction.
@c @implementation
public func sharedmem_begin(
    _ segment: OpaquePointer?, _ ret_transaction: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let target = unsafe ret_transaction else { return Errno.invalidArgument.outcome }
        unsafe target.pointee = handle(of: HeldTransaction(segment))
        return 0
    }
}

/// Copies the value that a key has in the transaction.
@c @implementation
public func sharedmem_transaction_get(
    _ transaction: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ buffer: UnsafeMutableRawPointer?,
    _ capacity: Int, _ ret_length: UnsafeMutablePointer<Int>?, _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe with(transaction) { (held: HeldTransaction) in
        guard let key = unsafe ForeignBytes(key, key_length), let buffer = unsafe ForeignBuffer(buffer, capacity) else {
            return Errno.invalidArgument.outcome
        }
        do throws(SharedMemError) {
            let found = try unsafe held.transaction?.reading(of: key.copy)
            guard let bytes = found?.bytes else {
                unsafe ret_version?.pointee = 0
                return Errno.noSuchFileOrDirectory.outcome
            }
            unsafe ret_length?.pointee = bytes.count
            guard unsafe buffer.take(bytes) else { return Errno.messageTooLong.outcome }
            unsafe ret_version?.pointee = found?.version ?? 0
            return 0
        } catch {
            return error.outcome
        }
    }
}

/// Sets a key when the transaction is committed.
@c @implementation
public func sharedmem_transaction_set(
    _ transaction: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ value: UnsafeRawPointer?,
    _ length: Int
) -> Int32 {
    unsafe sharedmem_transaction_set_with(transaction, key, key_length, value, length, nil)
}

/// Sets a key with options when the transaction is committed.
@c @implementation
public func sharedmem_transaction_set_with(
    _ transaction: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ value: UnsafeRawPointer?,
    _ length: Int, _ options: UnsafePointer<sharedmem_set_options>?
) -> Int32 {
    unsafe with(transaction) { (held: HeldTransaction) in
        guard let key = unsafe ForeignBytes(key, key_length), let value = unsafe ForeignBytes(value, length) else {
            return Errno.invalidArgument.outcome
        }
        let chosen: SetOptions
        do throws(Errno) {
            chosen = try unsafe SetOptions(foreign: options)
        } catch {
            return error.outcome
        }
        return outcome { () throws(SharedMemError) in
            try unsafe held.transaction?.set(key.copy, to: value.copy, chosen)
        }
    }
}

/// Deletes a key when the transaction is committed.
@c @implementation
public func sharedmem_transaction_delete(
    _ transaction: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int
) -> Int32 {
    unsafe with(transaction) { (held: HeldTransaction) in
        guard let key = unsafe ForeignBytes(key, key_length) else { return Errno.invalidArgument.outcome }
        return outcome { () throws(SharedMemError) in try unsafe held.transaction?.delete(key.copy) }
    }
}

/// Commits a transaction and frees it.
@c @implementation
public func sharedmem_commit(_ transaction: OpaquePointer?, _ ret_version: UnsafeMutablePointer<UInt64>?) -> Int32 {
    let result = unsafe with(transaction) { (held: HeldTransaction) in
        outcome { () throws(SharedMemError) in
            guard let taken = held.transaction.take() else { return }
            let version = try taken.commit()
            unsafe ret_version?.pointee = version
        }
    }
    unsafe free(transaction, HeldTransaction.self)
    return result
}

/// Frees a transaction.
@c @implementation
public func sharedmem_abort(_ transaction: OpaquePointer?) { unsafe free(transaction, HeldTransaction.self) }
