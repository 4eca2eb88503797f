internal import CLinuxIPC

/// Tells what the calling process is.
package enum ThisProcess {
    /// The program's name: what it was started as, behind the last slash; `program_invocation_short_name(3)`.
    ///
    /// Costs no system call. No bytes where the C library doesn't know it.
    package static func programName() -> [UInt8] {
        guard let name = unsafe linuxipc_program_name() else { return [] }
        return unsafe [UInt8](String(cString: name).utf8)
    }

    /// Reads a variable of the environment; nil if it isn't set or the program runs with others' rights;
    /// `secure_getenv(3)`.
    package static func environmentValue(of name: String) -> String? {
        guard let value = unsafe linuxipc_environment_value(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// The same for a variable that names a file, where no byte may become another: throws `invalidArgument` if it isn't
    /// UTF-8.
    package static func environmentPath(of name: String) throws(Errno) -> String? {
        guard let value = unsafe linuxipc_environment_value(name) else { return nil }
        guard let path = unsafe String(validatingCString: value) else { throw .invalidArgument }
        return path
    }

    /// Rests for so long, or until a signal comes; `nanosleep(2)`.
    package static func pause(nanoseconds: UInt64) {
        var time = timespec()
        time.tv_sec = Int(nanoseconds / 1_000_000_000)
        time.tv_nsec = Int(nanoseconds % 1_000_000_000)
        _ = unsafe nanosleep(&time, nil)
    }

    /// Names the program for `ps` and the log of the kernel, by at most 15 bytes; `prctl(2)`, `PR_SET_NAME`.
    package static func setProgramName(_ name: String) throws(Errno) {
        try retryingWhenInterrupted { unsafe linuxipc_set_program_name(name) }
    }

    /// Gives up for good that a program which is executed brings more rights; `prctl(2)`, `PR_SET_NO_NEW_PRIVS`.
    package static func forgoNewPrivileges() throws(Errno) {
        try retryingWhenInterrupted { linuxipc_forgo_new_privileges() }
    }
}
