internal import Glibc

/// Users and groups by name and by number, as the system's databases know them.
enum Account {
    /// Finds the uid of `text`, a user's name or a number.
    static func user(_ text: String) throws(Failure) -> UInt32 {
        if let number = number(text) { return number }
        var entry = unsafe passwd()
        let found = unsafe lookUp { buffer, byteCount in
            var result: UnsafeMutablePointer<passwd>?
            let error = unsafe getpwnam_r(text, &entry, buffer, byteCount, &result)
            return unsafe (error, result != nil)
        }
        guard found else { throw Failure(.usage, "there is no user \(TerminalText.quoted(Array(text.utf8)))") }
        return unsafe entry.pw_uid
    }

    /// Finds the gid of `text`, a group's name or a number.
    static func group(_ text: String) throws(Failure) -> UInt32 {
        if let number = number(text) { return number }
        var entry = unsafe Glibc.group()
        let found = unsafe lookUp { buffer, byteCount in
            var result: UnsafeMutablePointer<Glibc.group>?
            let error = unsafe getgrnam_r(text, &entry, buffer, byteCount, &result)
            return unsafe (error, result != nil)
        }
        guard found else { throw Failure(.usage, "there is no group \(TerminalText.quoted(Array(text.utf8)))") }
        return unsafe entry.gr_gid
    }

    /// Names a user; a number that has no name stays one.
    static func userName(_ uid: UInt32) -> String {
        var entry = unsafe passwd()
        var name: String?
        _ = unsafe lookUp { buffer, byteCount in
            var result: UnsafeMutablePointer<passwd>?
            let error = unsafe getpwuid_r(uid, &entry, buffer, byteCount, &result)
            // The name lies in `buffer`, which lives as long as this closure.
            if let found = unsafe result { name = unsafe String(cString: found.pointee.pw_name) }
            return unsafe (error, result != nil)
        }
        return name ?? String(uid)
    }

    /// Names a group; a number that has no name stays one.
    static func groupName(_ gid: UInt32) -> String {
        var entry = unsafe Glibc.group()
        var name: String?
        _ = unsafe lookUp { buffer, byteCount in
            var result: UnsafeMutablePointer<Glibc.group>?
            let error = unsafe getgrgid_r(gid, &entry, buffer, byteCount, &result)
            // The name lies in `buffer`, which lives as long as this closure.
            if let found = unsafe result { name = unsafe String(cString: found.pointee.gr_name) }
            return unsafe (error, result != nil)
        }
        return name ?? String(gid)
    }

    /// Reads a number that can be an id; the highest one means "no id" to the kernel.
    private static func number(_ text: String) -> UInt32? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt32(text) else { return nil }
        return number == .max ? nil : number
    }

    /// Calls `body` with a buffer that grows for as long as it answers ERANGE; answers whether it found an entry.
    private static func lookUp(
        _ body: (UnsafeMutablePointer<CChar>, Int) -> (error: CInt, isFound: Bool)
    ) -> Bool {
        var byteCount = 1_024
        while byteCount <= 1 << 20 {
            let answer = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: byteCount) { buffer in
                guard let start = buffer.baseAddress else { return (error: ERANGE, isFound: false) }
                return unsafe body(start, byteCount)
            }
            if answer.error != ERANGE { return answer.isFound }
            byteCount *= 4
        }
        return false
    }
}
