internal import CLinuxIPC

/// Is the error number that a system call failed with.
package struct Errno: RawRepresentable, Error, Equatable, Sendable {
    /// The number, always positive; `errno(3)`.
    package let rawValue: CInt

    /// Takes a number as the kernel gave it.
    package init(rawValue: CInt) { self.rawValue = rawValue }

    /// Reads what the calling thread's last failed call left.
    static var current: Errno { Errno(rawValue: linuxipc_errno()) }
}

extension Errno {
    /// EPERM: the operation isn't permitted.
    package static var notPermitted: Errno { Errno(rawValue: EPERM) }
    /// ENOENT: nothing has that name.
    package static var noSuchFileOrDirectory: Errno { Errno(rawValue: ENOENT) }
    /// ESRCH: there is no such process.
    package static var noSuchProcess: Errno { Errno(rawValue: ESRCH) }
    /// EINTR: a signal came first.
    package static var interrupted: Errno { Errno(rawValue: EINTR) }
    /// EIO: the device failed.
    package static var ioError: Errno { Errno(rawValue: EIO) }
    /// EBADF: the descriptor isn't open, or not for this.
    package static var badFileDescriptor: Errno { Errno(rawValue: EBADF) }
    /// EAGAIN: a call that mustn't wait would have to, or a time-out passed.
    package static var wouldBlock: Errno { Errno(rawValue: EAGAIN) }
    /// ENOMEM: there isn't that much memory.
    package static var noMemory: Errno { Errno(rawValue: ENOMEM) }
    /// EACCES: the file's mode forbids it.
    package static var permissionDenied: Errno { Errno(rawValue: EACCES) }
    /// EEXIST: the name is taken.
    package static var fileExists: Errno { Errno(rawValue: EEXIST) }
    /// EXDEV: the path leads out of the directory.
    package static var improperLink: Errno { Errno(rawValue: EXDEV) }
    /// ENOTDIR: a directory was expected.
    package static var notDirectory: Errno { Errno(rawValue: ENOTDIR) }
    /// EISDIR: it is a directory.
    package static var isDirectory: Errno { Errno(rawValue: EISDIR) }
    /// EINVAL: an argument makes no sense.
    package static var invalidArgument: Errno { Errno(rawValue: EINVAL) }
    /// EMFILE: the process has no descriptors left.
    package static var tooManyOpenFiles: Errno { Errno(rawValue: EMFILE) }
    /// ENFILE: the machine has no descriptors left.
    package static var tooManyOpenFilesInSystem: Errno { Errno(rawValue: ENFILE) }
    /// EFBIG: the file is larger than allowed.
    package static var fileTooLarge: Errno { Errno(rawValue: EFBIG) }
    /// ESTALE: it isn't what it was.
    package static var stale: Errno { Errno(rawValue: ESTALE) }
    /// EMEDIUMTYPE: it has another type.
    package static var wrongMediumType: Errno { Errno(rawValue: EMEDIUMTYPE) }
    /// EDQUOT: a limit of the user is reached.
    package static var quotaExceeded: Errno { Errno(rawValue: EDQUOT) }
    /// EIDRM: the object was removed.
    package static var identifierRemoved: Errno { Errno(rawValue: EIDRM) }
    /// EROFS: it can only be read.
    package static var readOnly: Errno { Errno(rawValue: EROFS) }
    /// EUCLEAN: the structure is damaged.
    package static var structureNeedsCleaning: Errno { Errno(rawValue: EUCLEAN) }
    /// EPROTONOSUPPORT: no version in common.
    package static var protocolNotSupported: Errno { Errno(rawValue: EPROTONOSUPPORT) }
    /// ENOSPC: there is no room.
    package static var noSpace: Errno { Errno(rawValue: ENOSPC) }
    /// EPIPE: the peer closed its end.
    package static var brokenPipe: Errno { Errno(rawValue: EPIPE) }
    /// ERANGE: the result doesn't fit.
    package static var outOfRange: Errno { Errno(rawValue: ERANGE) }
    /// ENAMETOOLONG: the path is too long.
    package static var fileNameTooLong: Errno { Errno(rawValue: ENAMETOOLONG) }
    /// ELOOP: there is a symbolic link in the way.
    package static var tooManySymbolicLinkLevels: Errno { Errno(rawValue: ELOOP) }
    /// EPROTO: the peer breaks the protocol.
    package static var protocolError: Errno { Errno(rawValue: EPROTO) }
    /// EPROTOTYPE: the socket is of another type.
    package static var protocolWrongTypeForSocket: Errno { Errno(rawValue: EPROTOTYPE) }
    /// EMSGSIZE: the message is too long.
    package static var messageTooLong: Errno { Errno(rawValue: EMSGSIZE) }
    /// EADDRINUSE: a living socket has that path.
    package static var addressInUse: Errno { Errno(rawValue: EADDRINUSE) }
    /// ECONNRESET: the peer closed with messages unread.
    package static var connectionReset: Errno { Errno(rawValue: ECONNRESET) }
    /// ENOSYS: the kernel, or the sandbox, doesn't have the call.
    package static var functionNotImplemented: Errno { Errno(rawValue: ENOSYS) }
    /// ENOTCONN: nobody is connected.
    package static var notConnected: Errno { Errno(rawValue: ENOTCONN) }
    /// ETIMEDOUT: the time passed.
    package static var cancelled: Errno { Errno(rawValue: ECANCELED) }
    package static var timedOut: Errno { Errno(rawValue: ETIMEDOUT) }
    /// ECONNREFUSED: nobody listens.
    package static var connectionRefused: Errno { Errno(rawValue: ECONNREFUSED) }
}

extension Errno: CustomStringConvertible {
    /// Says the error in words, with its name: "No such file or directory (ENOENT)"; `strerrordesc_np(3)`.
    package var description: String {
        guard let text = unsafe linuxipc_error_text(rawValue), let name = unsafe linuxipc_error_name(rawValue) else {
            return "Unknown error " + String(rawValue)
        }
        return unsafe String(cString: text) + " (" + String(cString: name) + ")"
    }
}

/// Runs `call` again as long as a signal interrupts it, and throws what else it fails with.
@discardableResult
func retryingWhenInterrupted<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let error = Errno.current
        if error != .interrupted { throw error }
    }
}
