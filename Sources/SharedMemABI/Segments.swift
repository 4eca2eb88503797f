public import CSharedMem
internal import LinuxIPC
internal import SharedMem

// sharedmem.h: segments. What each function promises stands there.

/// Attaches to a segment.
@c @implementation
public func sharedmem_open(
    _ socket_path: UnsafePointer<CChar>?, _ segment: UnsafePointer<CChar>?, _ flags: UInt32,
    _ ret_segment: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    guard let name = unsafe text(segment), let target = unsafe ret_segment else {
        return Errno.invalidArgument.outcome
    }
    let access: Segment.Access
    switch flags {
    case SHAREDMEM_READ_ONLY: access = .readOnly
    case SHAREDMEM_READ_WRITE: access = .readWrite
    default:
        // Another bit may be one of a newer header.
        let known = SHAREDMEM_READ_ONLY | SHAREDMEM_READ_WRITE
        return flags & ~known == 0 ? Errno.invalidArgument.outcome : Errno.protocolNotSupported.outcome
    }
    return unsafe outcome(at: socket_path) { (path) throws(SharedMemError) in
        let opened = try Segment.open(name, access: access, socketPath: path)
        unsafe target.pointee = handle(of: opened)
    }
}

/// Makes a segment and attaches to it.
@c @implementation
public func sharedmem_create(
    _ socket_path: UnsafePointer<CChar>?, _ segment: UnsafePointer<CChar>?,
    _ options: UnsafePointer<sharedmem_options>?,
    _ ret_segment: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    guard let name = unsafe text(segment) else { return Errno.invalidArgument.outcome }
    var chosen = SegmentOptions()
    if let options = unsafe options {
        do throws(Errno) {
            let known = try unsafe Known(options, size: options.pointee.size).value
            guard known.snapshots == 0 else { throw .invalidArgument }
            if known.byte_count != 0 { chosen.byteCount = known.byte_count }
            chosen.entryCount = known.entry_count
            if known.mode != 0 { chosen.mode = known.mode }
            if known.owner != 0 { chosen.owner = known.owner - 1 }
            if known.group != 0 { chosen.group = known.group - 1 }
        } catch {
            return error.outcome
        }
    }
    return unsafe outcome(at: socket_path) { (path) throws(SharedMemError) in
        let session = try Session(socketPath: path)
        try session.create(name, options: chosen)
        if let target = unsafe ret_segment { unsafe target.pointee = handle(of: try session.open(name)) }
    }
}

/// Detaches.
@c @implementation
public func sharedmem_close(_ segment: OpaquePointer?) { unsafe free(segment, Segment.self) }

/// Removes a segment's name.
@c @implementation
public func sharedmem_remove(_ socket_path: UnsafePointer<CChar>?, _ segment: UnsafePointer<CChar>?) -> Int32 {
    guard let name = unsafe text(segment) else { return Errno.invalidArgument.outcome }
    return unsafe outcome(at: socket_path) { (path) throws(SharedMemError) in
        try Session(socketPath: path).remove(name)
    }
}

/// Describes a segment.
@c @implementation
public func sharedmem_describe(
    _ socket_path: UnsafePointer<CChar>?, _ segment: UnsafePointer<CChar>?,
    _ ret_info: UnsafeMutablePointer<sharedmem_info>?
) -> Int32 {
    guard let name = unsafe text(segment), let target = unsafe Wanted(ret_info, size: ret_info?.pointee.size) else {
        return Errno.invalidArgument.outcome
    }
    return unsafe outcome(at: socket_path) { (path) throws(SharedMemError) in
        let info = try Session(socketPath: path).info(of: name)
        unsafe target.store(sharedmem_info(info, size: target.size))
    }
}

/// Describes the next segment by name.
@c @implementation
public func sharedmem_next_segment(
    _ socket_path: UnsafePointer<CChar>?, _ after: UnsafePointer<CChar>?,
    _ ret_info: UnsafeMutablePointer<sharedmem_info>?
) -> Int32 {
    guard let target = unsafe Wanted(ret_info, size: ret_info?.pointee.size) else {
        return Errno.invalidArgument.outcome
    }
    let last = unsafe text(after) ?? ""
    var isFound = false
    let result = unsafe outcome(at: socket_path) { (path) throws(SharedMemError) in
        guard let info = try Session(socketPath: path).segment(after: last) else { return }
        isFound = true
        unsafe target.store(sharedmem_info(info, size: target.size))
    }
    return result == 0 && !isFound ? Errno.noSuchFileOrDirectory.outcome : result
}

/// How long a write waits for the lock word.
@c @implementation
public func sharedmem_set_lock_timeout(_ segment: OpaquePointer?, _ milliseconds: UInt64) {
    _ = unsafe with(segment) { (segment: Segment) in
        segment.lockTimeoutMilliseconds = milliseconds
        return 0
    }
}

/// How long calls go on without a daemon.
@c @implementation
public func sharedmem_set_grace_time(_ segment: OpaquePointer?, _ milliseconds: UInt64) {
    _ = unsafe with(segment) { (segment: Segment) in
        // Longer than a duration can say is for ever, too.
        segment.graceTime = milliseconds > UInt64(Int64.max) / 1000 ? nil : .milliseconds(Int64(milliseconds))
        return 0
    }
}

extension sharedmem_info {
    /// What is known of a segment, for a caller whose structure has `size` bytes.
    fileprivate init(_ info: SegmentInfo, size: Int) {
        self.init()
        self.size = size
        segment_id = info.segmentID
        generation = info.generation
        byte_count = info.byteCount
        created_at = info.createdAtNanoseconds
        mode = info.mode
        owner = info.owner
        group = info.group
        sessions = UInt32(clamping: info.sessionCount)
        access =
            switch info.access {
            case .none: 0
            case .readOnly: SHAREDMEM_READ_ONLY
            case .readWrite: SHAREDMEM_READ_WRITE
            }
        unsafe withUnsafeMutableBytes(of: &name) { bytes in
            unsafe SharedMemABI.store(info.name, in: bytes)
        }
    }
}
