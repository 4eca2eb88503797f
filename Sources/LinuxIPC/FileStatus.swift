internal import CLinuxIPC

/// Is what an inode says of itself.
package struct FileStatus: Sendable, Equatable {
    /// Names what an inode is.
    package enum Kind: Sendable, Equatable {
        /// An ordinary file.
        case regular
        /// A folder.
        case directory
        /// A symbolic link.
        case link
        /// A socket's name.
        case socket
        /// A device or a pipe.
        case other

        /// Translates a `LINUXIPC_KIND_` value.
        init(raw: Int32) {
            self =
                switch Int(raw) {
                case LINUXIPC_KIND_REGULAR: .regular
                case LINUXIPC_KIND_DIRECTORY: .directory
                case LINUXIPC_KIND_LINK: .link
                case LINUXIPC_KIND_SOCKET: .socket
                default: .other
                }
        }
    }

    /// What it is.
    package let kind: Kind
    /// Its length in bytes.
    package let byteCount: UInt64
    /// Its permission bits.
    package let mode: UInt32
    /// Its owner's uid.
    package let owner: UInt32
    /// Its group's gid.
    package let group: UInt32
    /// Its number on its device.
    package let inode: UInt64
    /// Its device.
    package let device: UInt64

    /// Takes what the shim has filled.
    init(_ raw: linuxipc_status) {
        self.kind = Kind(raw: raw.kind)
        self.byteCount = raw.byte_count
        self.mode = raw.mode
        self.owner = raw.owner
        self.group = raw.group
        self.inode = raw.inode
        self.device = raw.device
    }
}

extension FileDescriptor {
    /// Asks the kernel about the open file; `fstat(2)`.
    package borrowing func status() throws(Errno) -> FileStatus {
        let raw = rawValue
        var status = linuxipc_status()
        try retryingWhenInterrupted { unsafe linuxipc_status(raw, &status) }
        return FileStatus(status)
    }

    /// Asks how the file is open: `O_RDONLY`, `O_WRONLY` or `O_RDWR`; `F_GETFL` in `fcntl(2)`.
    package borrowing func accessMode() throws(Errno) -> Int32 {
        let raw = rawValue
        return try retryingWhenInterrupted { linuxipc_access_mode(raw) }
    }
}
