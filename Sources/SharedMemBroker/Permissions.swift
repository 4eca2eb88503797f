internal import SharedMemProtocol

/// Who may do what with a segment.
struct Permissions: Equatable, Sendable, CustomStringConvertible {
    /// The owner's uid.
    var owner: UInt32
    /// The group's gid.
    var group: UInt32
    /// Permission bits, r and w only.
    var mode: UInt32

    /// Takes what `definition` says; what it leaves out belongs to root.
    init(_ definition: SegmentDefinition) {
        owner = definition.owner ?? 0
        group = definition.group ?? 0
        mode = definition.mode
    }

    /// Returns the most that `identity` may have; nil: nothing.
    ///
    /// As with files, exactly one class of bits counts: the owner's, else the group's, else the others'. Writing
    /// needs reading too. Root may everything.
    func access(of identity: PeerIdentity) -> Access? {
        if identity.isRoot { return .readWrite }
        let bits =
            if identity.uid == owner {
                mode >> 6
            } else if identity.isMember(of: group) {
                mode >> 3
            } else {
                mode
            }
        guard bits & 0o4 != 0 else { return nil }
        return bits & 0o2 != 0 ? .readWrite : .readOnly
    }

    /// Whether `identity` may have `access`.
    func allow(_ access: Access, to identity: PeerIdentity) -> Bool {
        switch self.access(of: identity) {
        case .readWrite: true
        case .readOnly: access == .readOnly
        case nil: false
        }
    }

    /// Whether `identity` may remove the segment.
    func allowRemoval(by identity: PeerIdentity) -> Bool {
        identity.isRoot || identity.uid == owner
    }

    /// Names owner, group and mode.
    var description: String { "uid \(owner), gid \(group), mode \(Self.octal(mode))" }

    /// Writes permission bits in at least four octal digits.
    static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
