internal import CLinuxIPC

/// Names a child of this process, whose pid is nobody else's until the child is reaped.
package struct ChildProcess: Equatable, Sendable {
    /// The child's pid.
    package let pid: Int32

    /// Names a child by its pid.
    package init(pid: Int32) { self.pid = pid }

    /// Says how a process ended.
    package enum End: Equatable, Sendable {
        /// It ended itself with this code.
        case exited(Int32)
        /// This signal ended it.
        case killed(Int32)
    }

    /// Finds a child that has ended and isn't reaped yet; nil: there is none; `waitid(2)`.
    package static func ended() throws(Errno) -> ChildProcess? {
        let pid = try retryingWhenInterrupted { linuxipc_ended_child() }
        return pid == 0 ? nil : ChildProcess(pid: pid)
    }

    /// Waits for the child's end, says how it ended, and gives the pid back to the kernel; `waitpid(2)`.
    @discardableResult
    package func reap() throws(Errno) -> End {
        var code: CInt = -1
        var signal: CInt = -1
        try retryingWhenInterrupted { unsafe linuxipc_reap_child(pid, &code, &signal) }
        return code >= 0 ? .exited(code) : .killed(signal)
    }

    /// Sends a signal; `kill(2)`.
    package func send(_ signal: Int32) throws(Errno) {
        try retryingWhenInterrupted { linuxipc_send_signal(pid, signal) }
    }
}
