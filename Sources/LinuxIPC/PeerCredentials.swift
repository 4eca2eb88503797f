internal import CLinuxIPC

/// Is who the peer was when it connected, by the kernel's word.
package struct PeerCredentials: Sendable, Equatable {
    /// The process; 0: it is outside this pid namespace.
    package let pid: Int32
    /// The effective uid.
    package let uid: UInt32
    /// The effective gid.
    package let gid: UInt32
    /// The supplementary groups, in the kernel's order.
    package let groups: [UInt32]

    /// Takes what the kernel, or a test, says.
    package init(pid: Int32, uid: UInt32, gid: UInt32, groups: [UInt32]) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }
}

extension UnixSocket {
    /// Asks the kernel who connected (or, on the connecting side, who listens); `SO_PEERCRED` in `unix(7)`.
    package borrowing func peerIdentity() throws(Errno) -> PeerCredentials {
        let raw = descriptor.rawValue
        var peer = linuxipc_peer()
        try retryingWhenInterrupted { unsafe linuxipc_peer(raw, &peer) }
        return PeerCredentials(pid: peer.process, uid: peer.user, gid: peer.group, groups: try peerGroups())
    }

    /// Asks the kernel for the peer's supplementary groups; `SO_PEERGROUPS`.
    private borrowing func peerGroups() throws(Errno) -> [UInt32] {
        let raw = descriptor.rawValue
        var groups = [UInt32](repeating: 0, count: 64)
        // The groups are fixed at connect, so the second try has room enough.
        for _ in 0..<2 {
            var count = 0
            let capacity = groups.count
            do throws(Errno) {
                try retryingWhenInterrupted { unsafe linuxipc_peer_groups(raw, &groups, capacity, &count) }
                return [UInt32](groups.prefix(count))
            } catch {
                guard error == .outOfRange else { throw error }
                groups = [UInt32](repeating: 0, count: count)
            }
        }
        throw .outOfRange
    }

    /// Opens the process that connected, to be told of its death: the descriptor is then readable; `pidfd_open(2)`.
    package borrowing func peerProcess() throws(Errno) -> FileDescriptor {
        let raw = descriptor.rawValue
        return FileDescriptor(owning: try retryingWhenInterrupted { linuxipc_peer_process(raw) })
    }
}
