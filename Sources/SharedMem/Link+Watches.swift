internal import LinuxIPC
internal import SharedMemProtocol

extension Link {
    /// Has the daemon watch what is wanted of a generation and isn't watched yet; waits for the answer for a second.
    mutating func watch(_ generation: AttachedGeneration, path: String) throws(SharedMemError) -> WatchOutcome {
        do throws(SharedMemError) {
            guard try connect(to: path, waitingMilliseconds: Session.answerMilliseconds) else { return .away }
            guard lineage === generation.lineage else { return .moved }
            guard canWatch else {
                throw SharedMemError(
                    .versionSkew, errno: Errno.protocolNotSupported.rawValue,
                    "the daemon at " + path + " doesn't know how to watch: install a later sharedmemd")
            }
            return try askToWatch(generation)
        } catch {
            guard error.isAbsence else { throw error }
            return .away
        }
    }

    /// Takes back what isn't wanted any more; waits for nothing, and leaves it for later if the daemon isn't there.
    mutating func unwatch(of lineage: Lineage, path: String) {
        guard canWatch, isConnected(as: lineage, path) else { return }
        do throws(SharedMemError) {
            try takeBackWatches(of: lineage)
        } catch {
            connection = nil
        }
    }

    private mutating func askToWatch(_ generation: AttachedGeneration) throws(SharedMemError) -> WatchOutcome {
        let words = watches.takeUnconfirmed(of: generation)
        if words.isEmpty { return .watched }
        let request = WatchRequest(
            segmentID: generation.segmentID, generation: generation.generation, words: words)
        guard let answer = try exchangeSoon(.watch(request), nextRequestID()) else { return .away }
        switch answer.reply {
        case .watched:
            watches.confirm(words, of: generation)
            return .watched
        case .failure(let failure)
        where failure.error == Errno.stale.rawValue || failure.error == Errno.invalidArgument.rawValue:
            return .moved
        default:
            try answer.check()
            throw Connection.unexpected("a watch")
        }
    }

    private mutating func takeBackWatches(of lineage: Lineage) throws(SharedMemError) {
        while let request = watches.takeSurplus(of: lineage) {
            guard var current = connection.take() else { return }
            try current.post(.unwatch(request), nextRequestID())
            connection = consume current
        }
    }

    /// Says over a new connection what is watched, whatever became of what was said over the last one.
    mutating func settleWatches() throws(SharedMemError) {
        guard canWatch, let lineage else { return }
        for generation in watches.generations(of: lineage) {
            // Refused is what can't be watched any more: who watches it asks again, and is told.
            do throws(SharedMemError) {
                _ = try askToWatch(generation)
            } catch {
                guard connection != nil else { throw error }
            }
        }
        try takeBackWatches(of: lineage)
    }
}
