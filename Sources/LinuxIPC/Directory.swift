internal import CLinuxIPC

/// Owns an open folder and reaches only what lies beneath it, never through a symbolic link.
///
/// Paths are bytes, as the kernel takes them: `a/b`, without a leading or trailing slash. A path that is absolute or
/// has a component `..` is `improperLink`; an empty component, `.` or a zero byte is `invalidArgument`; a symbolic
/// link anywhere is `tooManySymbolicLinkLevels`.
package struct Directory: ~Copyable, Sendable {
    /// The folder's descriptor.
    package let descriptor: FileDescriptor

    /// Opens the folder at `path`, an ordinary path that may lead through links; `open(2)`.
    package static func open(_ path: String) throws(Errno) -> Directory {
        guard !path.utf8.contains(0) else { throw .invalidArgument }
        let raw = try retryingWhenInterrupted {
            unsafe linuxipc_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        }
        return Directory(descriptor: FileDescriptor(owning: raw))
    }

    /// Opens a folder beneath this one; `openat2(2)`.
    package borrowing func openDirectory(_ path: [UInt8]) throws(Errno) -> Directory {
        Directory(descriptor: try openBeneath(path, flags: [.directory]))
    }
}

extension Directory {
    /// Says how a file is opened; `O_` in `open(2)`.
    package struct OpenFlags: OptionSet, Sendable {
        /// The kernel's bits.
        package let rawValue: CInt

        /// Takes the kernel's bits.
        package init(rawValue: CInt) { self.rawValue = rawValue }

        /// For writing only; without it, for reading only.
        package static var writeOnly: OpenFlags { OpenFlags(rawValue: O_WRONLY) }
        /// Make it if it isn't there.
        package static var create: OpenFlags { OpenFlags(rawValue: O_CREAT) }
        /// Fail if it's there.
        package static var exclusive: OpenFlags { OpenFlags(rawValue: O_EXCL) }
        /// Cut it to no bytes.
        package static var truncate: OpenFlags { OpenFlags(rawValue: O_TRUNC) }
        /// Fail if it isn't a folder.
        package static var directory: OpenFlags { OpenFlags(rawValue: O_DIRECTORY) }
        /// Don't wait, neither for the other end of a pipe.
        package static var nonBlocking: OpenFlags { OpenFlags(rawValue: O_NONBLOCK) }
    }

    /// Opens what lies at `path` beneath this folder, closed on exec; `mode` counts with `create`; `openat2(2)`.
    package borrowing func openBeneath(
        _ path: [UInt8], flags: OpenFlags, mode: UInt32 = 0
    ) throws(Errno) -> FileDescriptor {
        let path = try Self.terminated(path)
        let raw = descriptor.rawValue
        // The kernel refuses a mode without O_CREAT.
        let mode = flags.contains(.create) ? mode : 0
        return FileDescriptor(
            owning: try retryingWhenInterrupted {
                unsafe linuxipc_open_beneath(raw, path, flags.rawValue | O_CLOEXEC, mode)
            })
    }

    /// Makes a folder at `path`, whose parent is there; `mkdirat(2)`.
    package borrowing func makeDirectory(_ path: [UInt8], mode: UInt32 = 0o777) throws(Errno) {
        try withParent(of: path) { (parent, name) throws(Errno) in
            let raw = parent.rawValue
            try retryingWhenInterrupted { unsafe mkdirat(raw, name, mode) }
        }
    }

    /// Makes those folders on the way to `path` that aren't there.
    package borrowing func makeParents(of path: [UInt8], mode: UInt32 = 0o777) throws(Errno) {
        _ = try Self.terminated(path)
        for index in path.indices where path[index] == UInt8(ascii: "/") {
            do throws(Errno) {
                try makeDirectory([UInt8](path[..<index]), mode: mode)
            } catch {
                // Whether it's a folder shows when it is opened.
                guard error == .fileExists else { throw error }
            }
        }
    }

    /// Removes the file at `path`; `unlinkat(2)`.
    package borrowing func removeFile(_ path: [UInt8]) throws(Errno) {
        try withParent(of: path) { (parent, name) throws(Errno) in
            let raw = parent.rawValue
            try retryingWhenInterrupted { unsafe unlinkat(raw, name, 0) }
        }
    }

    /// Asks about what lies at `path`, a link itself and not where it leads; `fstatat(2)`.
    package borrowing func status(of path: [UInt8]) throws(Errno) -> FileStatus {
        var status = linuxipc_status()
        try withParent(of: path) { (parent, name) throws(Errno) in
            let raw = parent.rawValue
            try retryingWhenInterrupted { unsafe linuxipc_status_at(raw, name, &status) }
        }
        return FileStatus(status)
    }

    /// Calls `body` with the folder that `path` lies in and the last component, terminated.
    borrowing func withParent(
        of path: [UInt8], _ body: (borrowing FileDescriptor, [CChar]) throws(Errno) -> Void
    ) throws(Errno) {
        let whole = try Self.terminated(path)
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return try body(descriptor, whole) }
        let parent = try openDirectory([UInt8](path[..<slash]))
        try body(parent.descriptor, [CChar](whole[(slash + 1)...]))
    }

    /// Checks the components of a path beneath a folder and adds the zero byte that the kernel wants.
    static func terminated(_ path: [UInt8]) throws(Errno) -> [CChar] {
        guard path.first != UInt8(ascii: "/") else { throw .improperLink }
        for component in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) else { throw .improperLink }
            guard !component.isEmpty, !component.elementsEqual([UInt8(ascii: ".")]), !component.contains(0) else {
                throw .invalidArgument
            }
        }
        return path.map { CChar(bitPattern: $0) } + [0]
    }
}
