internal import LinuxIPC

/// A notify word that the daemon was asked to watch: until this object goes, and only in the process that made it.
final class Registration: Sendable {
    /// The word's generation.
    let generation: AttachedGeneration
    /// The word's index.
    let word: Int
    private let session: Session
    private let forkCount = ForkCounter.current

    /// How an attempt to register ended.
    enum Attempt {
        /// The daemon has set the flag.
        case registered(Registration)
        /// The daemon isn't there, or busy with another thread.
        case away
        /// The generation isn't the one to watch.
        case moved
    }

    private init(_ word: Int, of generation: AttachedGeneration, session: Session) {
        self.word = word
        self.generation = generation
        self.session = session
    }

    /// Asks the daemon, unless this process watches the word already.
    ///
    /// Waits for the daemon's answer for a second at most, and for other requests of the session unless `isWaiting` is
    /// false. Throws what the daemon refuses for good.
    static func attempt(
        _ word: Int, of generation: AttachedGeneration, session: Session, isWaiting: Bool = true
    ) throws(SharedMemError) -> Attempt {
        let isConfirmed = session.watches.add(word, of: generation)
        // What goes wrong from here on is taken back with the object.
        let registration = Registration(word, of: generation, session: session)
        if isConfirmed { return .registered(registration) }
        return switch try session.watch(generation, isWaiting: isWaiting) {
        case .watched: .registered(registration)
        case .away: .away
        case .moved: .moved
        }
    }

    deinit {
        guard forkCount == ForkCounter.current else { return }
        if session.watches.remove(word, of: generation) { session.unwatch(of: generation.lineage) }
    }

    /// Whether the daemon watches the word, as far as is known in this process.
    var isConfirmed: Bool { session.watches.isConfirmed(word, of: generation) }

    /// Notes that the daemon doesn't.
    func distrust() { session.watches.distrust(word, of: generation) }
}
