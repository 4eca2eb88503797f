internal import Glibc
internal import LinuxIPC
internal import SharedMemDaemon

/// The user that the daemon is, which no client is: that keeps a read-only client from opening its memory for writing.
struct DaemonAccount {
    /// The user's name.
    let name: String
    /// The user's number.
    let uid: uid_t
    /// The number of the user's own group.
    let gid: gid_t

    /// Finds the user of that name, nil if there is none: `getpwnam(3)`.
    ///
    /// To be asked before there are threads.
    init?(named name: String) throws(DaemonError) {
        errno = 0
        guard let entry = unsafe getpwnam(name) else {
            // The ways in which libraries say "no such name": getpwnam(3), ERRORS.
            guard [0, ENOENT, ESRCH, EBADF, EPERM].contains(errno) else {
                throw DaemonError(.system, "the user \(name) can't be looked up: \(Errno(rawValue: errno))")
            }
            return nil
        }
        self.name = name
        uid = unsafe entry.pointee.pw_uid
        gid = unsafe entry.pointee.pw_gid
    }

    /// Makes a folder that belongs to the user, unless it exists or the one it is in is missing: `mkdir(2)`,
    /// `fchown(2)`.
    func makeFolder(_ path: String, mode: mode_t) throws(DaemonError) {
        guard unsafe mkdir(path, mode) == 0 else {
            if errno == EEXIST || errno == ENOENT { return }
            throw DaemonError(.system, "the folder \(path) can't be made: \(Errno(rawValue: errno))")
        }
        // The umask isn't asked, and no link that somebody has put there meanwhile is followed.
        let raw = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        let folder = FileDescriptor(owning: raw)
        guard raw >= 0, fchmod(folder.rawValue, mode) == 0, fchown(folder.rawValue, uid, gid) == 0 else {
            throw DaemonError(.system, "the folder \(path) can't be given to \(name): \(Errno(rawValue: errno))")
        }
    }

    /// Makes this process the user's, for good: `initgroups(3)`, `setgid(2)`, `setuid(2)`.
    func become() throws(DaemonError) {
        guard unsafe initgroups(name, gid) == 0, setgid(gid) == 0, setuid(uid) == 0 else {
            throw DaemonError(.system, "the rights of root can't be given up for \(name)'s: \(Errno(rawValue: errno))")
        }
        // It would be root still if that could be undone.
        guard setuid(0) != 0 else {
            throw DaemonError(.system, "the rights of root come back after they were given up")
        }
        do throws(Errno) {
            try ThisProcess.forgoNewPrivileges()
        } catch {
            throw DaemonError(.system, "new privileges can't be given up: \(error)")
        }
    }
}
