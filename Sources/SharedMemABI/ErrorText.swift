internal import CLinuxIPC
internal import CSharedMem

/// A sentence for an error.
@c @implementation
public func sharedmem_strerror(_ error: Int32) -> UnsafePointer<CChar>? {
    // The smallest number has no positive one.
    let number = error == .min ? .max : abs(error)
    let own: StaticString? =
        switch number {
        case 0: "success"
        case ENOENT: "no such key or segment"
        case EACCES, EPERM: "the permissions don't allow it"
        case EROFS: "the segment is attached read-only"
        case ENOSPC: "no room"
        case EMSGSIZE: "the buffer is too small for the value"
        case ESTALE: "the version is another one"
        case ETIMEDOUT: "the time is over"
        case ECANCELED: "the wait was cancelled"
        case EUCLEAN: "the segment is corrupted"
        case ENOTCONN: "no daemon: see that sharedmemd runs"
        case EIDRM: "the segment was removed"
        case EPROTONOSUPPORT: "the versions of library, daemon and segment don't understand each other"
        case EDQUOT: "the daemon keeps as many sessions as it can"
        case EEXIST: "there is a segment of that name"
        case EMEDIUMTYPE: "the value has another type"
        case ERANGE: "the sum doesn't fit into 64 bits"
        case ENAMETOOLONG: "the key has more than 512 bytes, or the socket's path more than 107"
        case EAGAIN: "writers have changed it again and again"
        case EINVAL: "an argument is missing or breaks a rule"
        default: nil
        }
    if let own { return unsafe characters(of: own) }
    return unsafe linuxipc_error_text(number) ?? characters(of: "an error that this system has no words for")
}

/// The text as C has it: it ends with a zero byte and is never freed.
private func characters(of text: StaticString) -> UnsafePointer<CChar> {
    unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
