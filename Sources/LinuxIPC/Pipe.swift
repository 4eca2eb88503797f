internal import CLinuxIPC

/// Owns both ends of a pipe, closed on exec.
package struct Pipe: ~Copyable, Sendable {
    /// Hangs up when all copies of the other end are closed.
    package let readEnd: FileDescriptor
    /// What is written here is read at the other end.
    package let writeEnd: FileDescriptor

    /// Makes a pipe; `pipe2(2)`.
    package static func make() throws(Errno) -> Pipe {
        var readEnd: CInt = -1
        var writeEnd: CInt = -1
        try retryingWhenInterrupted { unsafe linuxipc_pipe(&readEnd, &writeEnd) }
        return Pipe(readEnd: FileDescriptor(owning: readEnd), writeEnd: FileDescriptor(owning: writeEnd))
    }

    /// Closes the write end and gives the other one to the caller.
    package consuming func takeReadEnd() -> FileDescriptor { readEnd }
}
