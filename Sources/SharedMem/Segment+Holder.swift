internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore

/// Who has a segment's lock word, as the daemon says.
public struct LockHolder: Sendable {
    /// The session, as the daemon numbers them.
    public let session: UInt32
    /// Its process, in the daemon's pid namespace; 0: not known.
    public let pid: Int32
    /// What it says it is.
    public let program: String
    /// When it took the word: ns since the epoch; 0: not known.
    public let takenAtNanoseconds: UInt64
}

extension Segment {
    /// Asks the daemon who has the lock word; nil: nobody.
    ///
    /// One round trip. Only through a handle that may write; throws `readOnly` otherwise, or `notConnected`.
    public func lockHolder() throws(SharedMemError) -> LockHolder? {
        guard access == .readWrite else { throw readOnlyError }
        // Looks for the daemon and for the newest generation first.
        _ = try withStore { store in store.commitNumber }
        guard let attachment = currentAttachment() else { return nil }
        let answer = try session.exchange(.whoHolds(segmentID: attachment.segmentID))
        guard case .holder(let holder) = answer.reply else { throw Connection.unexpected("who has the lock word") }
        guard holder.session != 0 else { return nil }
        return LockHolder(
            session: holder.session, pid: holder.pid, program: String(decoding: holder.program, as: UTF8.self),
            takenAtNanoseconds: holder.takenAt)
    }

    /// What a write through a read-only handle throws.
    var readOnlyError: SharedMemError {
        SharedMemError(.readOnly, errno: Errno.readOnly.rawValue, "segment '" + name + "' is attached read-only")
    }
}
