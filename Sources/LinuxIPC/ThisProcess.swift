internal import CLinuxIPC

/// Tells what the calling process is.
package enum ThisProcess {
    /// Reads the program's name as the kernel knows it, at most 15 bytes; `/proc/self/comm` in `proc(5)`.
    ///
    /// Returns no bytes where /proc isn't mounted: the name is for people, nothing depends on it.
    package static func programName() -> [UInt8] {
        do throws(Errno) {
            let path = "/proc/self/comm"
            let raw = try retryingWhenInterrupted { unsafe linuxipc_open(path, O_RDONLY | O_CLOEXEC, 0) }
            var name = try FileDescriptor(owning: raw).readToEnd(atMost: 256)
            if name.last == UInt8(ascii: "\n") { name.removeLast() }
            return name
        } catch {
            return []
        }
    }

    /// Reads a variable of the environment; nil if it isn't set or the program runs with others' rights;
    /// `secure_getenv(3)`.
    package static func environmentValue(of name: String) -> String? {
        guard let value = unsafe linuxipc_environment_value(name) else { return nil }
        return unsafe String(cString: value)
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
