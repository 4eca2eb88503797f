internal import Glibc
internal import LinuxIPC

/// Finds users and groups by name.
package struct Accounts: Sendable {
    /// Finds a user's uid; nil: no such user.
    package var uid: @Sendable (String) throws(Unanswered) -> UInt32?
    /// Finds a group's gid; nil: no such group.
    package var gid: @Sendable (String) throws(Unanswered) -> UInt32?

    /// A look-up that failed; it's unknown whether the name exists.
    package struct Unanswered: Error, Sendable {
        /// Why, as the system says it.
        package let reason: String

        package init(reason: String) {
            self.reason = reason
        }
    }

    package init(
        uid: @escaping @Sendable (String) throws(Unanswered) -> UInt32?,
        gid: @escaping @Sendable (String) throws(Unanswered) -> UInt32?
    ) {
        self.uid = uid
        self.gid = gid
    }

    /// The machine's own: `getpwnam_r(3)`, `getgrnam_r(3)`.
    package static let system = Accounts(
        uid: { (name) throws(Unanswered) -> UInt32? in try systemUser(name) },
        gid: { (name) throws(Unanswered) -> UInt32? in try systemGroup(name) })

    /// The largest buffer that an entry may need, in bytes; a group may have many members.
    private static let largestEntry = 1 << 20

    /// Looks a user up.
    private static func systemUser(_ name: String) throws(Unanswered) -> UInt32? {
        try entry { buffer in
            var entry = unsafe passwd()
            var found: UnsafeMutablePointer<passwd>?
            let error = unsafe getpwnam_r(name, &entry, &buffer, buffer.count, &found)
            return (error, unsafe found == nil ? nil : entry.pw_uid)
        }
    }

    /// Looks a group up.
    private static func systemGroup(_ name: String) throws(Unanswered) -> UInt32? {
        try entry { buffer in
            var entry = unsafe group()
            var found: UnsafeMutablePointer<group>?
            let error = unsafe getgrnam_r(name, &entry, &buffer, buffer.count, &found)
            return (error, unsafe found == nil ? nil : entry.gr_gid)
        }
    }

    /// Looks an entry up, with a larger buffer as long as it needs one.
    private static func entry(
        _ look: (_ buffer: inout [CChar]) -> (error: CInt, id: UInt32?)
    ) throws(Unanswered) -> UInt32? {
        var capacity = 1024
        while true {
            var buffer = [CChar](repeating: 0, count: capacity)
            let (error, id) = look(&buffer)
            if error == EINTR { continue }
            if error == ERANGE, capacity < largestEntry {
                capacity *= 4
                continue
            }
            return try outcome(error, id)
        }
    }

    /// Tells "no such name" from a failed look-up, which libraries report in several ways (see getpwnam_r(3), ERRORS).
    private static func outcome(_ error: CInt, _ id: UInt32?) throws(Unanswered) -> UInt32? {
        switch error {
        case 0: return id
        case ENOENT, ESRCH, EBADF, EPERM: return nil
        default: throw Unanswered(reason: Errno(rawValue: error).description)
        }
    }
}
