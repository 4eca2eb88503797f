/// A pin under which what is found stays as it is, until it's ended.
enum HeldPin {
    /// In a slot of this process.
    case own(PinnedReads, PinnedReads.Token)
    /// In a slot that the daemon has.
    case daemons(DaemonPin)

    /// Lets go of it.
    func end() {
        switch self {
        case .own(let reads, let token): reads.end(token)
        case .daemons(let pin): pin.end()
        }
    }
}

extension AttachedStore.View {
    /// Pins; nil: every slot of the segment is taken, or the daemon that is to pin for a read-only session is gone.
    func pin() -> HeldPin? {
        if let pinnedReads { return pinnedReads.begin().map { .own(pinnedReads, $0) } }
        if let daemonPin, daemonPin.begin() { return .daemons(daemonPin) }
        return nil
    }
}
