internal import LinuxIPC
internal import SharedMemBroker
internal import SharedMemProtocol
internal import SharedMemStore

// The switch of a segment to a new generation: made and filled by the worker, kept, told to the broker, which saves that
// it counts; then the old one is retired, and given back when its pins are gone.

/// A switch that is under way, or failed half-way.
struct Switch {
    /// Whom the lock word is taken away from; nil: it's taken as it comes.
    let owner: UInt32?
    /// The new generation; nil: it isn't made yet.
    var memory: SegmentMemory?
    /// Who waits to be attached: the old generation isn't given to anybody meanwhile.
    var waiting: [AwaitedMemory] = []
}

/// A reply that needs a segment's memory.
struct AwaitedMemory {
    /// To whom.
    let peer: PeerID
    /// To what.
    let requestID: UInt32
    /// What it says; what it says of the memory is put right when it's sent.
    let reply: Reply
    /// With which access.
    let access: Access
}

extension Daemon {
    /// How long a switch waits for a lock word that it can't take away.
    private static let switchNanoseconds: UInt64 = 30_000_000_000

    /// Has the worker make a segment's next generation.
    func makeGeneration(
        _ generation: UInt64, of segmentID: UInt64, _ definition: SegmentDefinition, from owner: UInt32?
    ) {
        guard serviceManager.hasRoom(for: 2) else {
            return fail(
                segmentID,
                SegmentMemory.Failure(
                    errno: .noSpace,
                    reason: "\(serviceManager.stored.count) descriptors are kept, expected at most "
                        + "\(serviceManager.storeLimit) with the 2 of a new generation"))
        }
        switches[segmentID] = Switch(owner: owner, waiting: switches[segmentID]?.waiting ?? [])
        maker.make(segmentID: segmentID, definition, generation: generation)
    }

    /// Has the worker fill a generation that it has made; what is no longer wanted is closed.
    func fill(_ made: SegmentMemory) {
        guard let old = memory[made.segmentID], switches[made.segmentID] != nil else {
            return fail(
                made.segmentID, SegmentMemory.Failure(errno: .identifierRemoved, reason: "the segment was removed"))
        }
        switches[made.segmentID]?.memory = made
        do throws(SegmentMemory.Failure) {
            let start: SwitchStart =
                switch (switches[made.segmentID]?.owner, try old.lockHolder().state) {
                case (let owner?, _): .taking(session: owner)
                // An earlier try has taken it away from somebody.
                case (nil, .retired): .taking(session: 0)
                case (nil, .recovering): .held
                case (nil, _): .waiting(nanoseconds: Self.switchNanoseconds)
                }
            maker.move(from: old, to: made, start)
        } catch {
            fail(made.segmentID, error)
        }
    }

    /// Has a filled generation kept; what the broker is told when it is.
    func keep(_ segmentID: UInt64, _ report: GenerationCopy.Report) -> Broker.Event? {
        guard let made = switches[segmentID]?.memory else { return nil }
        store(made)
        let values = Self.count(report.copiedCount, "value")
        let rest =
            report.leftOutCount > 0
            ? "; \(Self.count(report.leftOutCount, "slot")) held none that was whole" : ""
        log.write(.notice, "\(name(of: segmentID)): generation \(made.generation) holds \(values)\(rest)")
        return .generationMade(
            segmentID: segmentID, generation: made.generation, dataByteCount: UInt64(made.dataByteCount),
            lockByteCount: UInt64(made.lockByteCount), createdAt: made.createdAt)
    }

    /// Has a new generation, which outlives the daemon, count from here on; the broker saves that it does, and has the
    /// old one retired, or this one released if the segment was removed meanwhile.
    func install(_ segmentID: UInt64) {
        guard let made = switches[segmentID]?.memory else { return }
        if let old = memory[segmentID] { replaced[segmentID] = (old, pins.removeValue(forKey: segmentID)) }
        memory[segmentID] = made
        damaged.remove(segmentID)
        unsettled.remove(segmentID)
    }

    /// Gives up making a generation; the segment stays what it is.
    func fail(_ segmentID: UInt64, _ failure: SegmentMemory.Failure) {
        let given = switches.removeValue(forKey: segmentID)
        if let made = given?.memory { maker.release(made) }
        do throws(SegmentMemory.Failure) {
            if try memory[segmentID]?.lockHolder().state == .retired { unsettled.insert(segmentID) }
        } catch {
            log.write(.warning, "the lock word of \(name(of: segmentID)) can't be seen: \(error.reason), ignoring")
        }
        events.append(
            .generationFailed(segmentID: segmentID, error: failure.errno.rawValue, reason: failure.reason))
        guard let given else { return }
        if unsettled.contains(segmentID) {
            refuse(
                given.waiting,
                Failure(
                    error: failure.errno.rawValue,
                    text: "the segment can't be used as it is, and not be replaced: \(failure.reason)"))
        } else {
            answer(given.waiting, segmentID)
        }
    }

    /// Says that a generation isn't used any more, and gives it back in time.
    func retire(_ old: SegmentMemory, pins: SegmentPins?) {
        do throws(SegmentMemory.Failure) {
            try old.retire()
        } catch {
            log.write(
                .error,
                "generation \(old.generation) of \(name(of: old.segmentID)) can't be retired: \(error.reason); its "
                    + "clients keep it")
        }
        removeStored(old)
        retired.append(RetiredGeneration(old, pins: pins))
        lookAtRetired()
        answer(switches.removeValue(forKey: old.segmentID)?.waiting ?? [], old.segmentID)
    }

    /// Takes notice that a segment was removed: who waits for its next generation is told so.
    func forgetSwitch(of segmentID: UInt64) {
        unsettled.remove(segmentID)
        refuse(
            switches[segmentID]?.waiting ?? [],
            Failure(
                error: Errno.identifierRemoved.rawValue, text: "the segment was removed while it was being attached"))
        switches[segmentID]?.waiting = []
        // Otherwise the worker still has it.
        if let made = switches[segmentID]?.memory, memory[segmentID] === made { switches[segmentID] = nil }
    }

    /// Gives back the memory of retired generations that nobody is waited for any more; looks again in a second if
    /// there are others.
    func lookAtRetired() {
        retiredPause = nil
        retired.removeAll { generation in
            do throws(SegmentMemory.Failure) {
                guard try generation.isOver else { return false }
            } catch {
                log.write(
                    .warning,
                    "the pins of generation \(generation.memory.generation) of segment "
                        + "\(generation.memory.segmentID) can't be seen: \(error.reason), ignoring")
            }
            maker.punch(generation.memory)
            return true
        }
        guard !retired.isEmpty else { return }
        do throws(Errno) {
            retiredPause = try loop.timer(milliseconds: 1000, as: .retired)
        } catch {
            log.write(.warning, "no timer can be made: \(error); old generations stay until the next switch, ignoring")
        }
    }
}

// MARK: - Attaching meanwhile

extension Daemon {
    /// Sends a reply with a segment's memory, unless that is being replaced: then it's sent afterwards.
    func send(_ awaited: AwaitedMemory, of segmentID: UInt64) {
        if switches[segmentID] != nil {
            switches[segmentID]?.waiting.append(awaited)
        } else if unsettled.contains(segmentID) {
            // Its lock word isn't anybody's any more, so that another attempt to replace it has to come first.
            switches[segmentID] = Switch(owner: nil, waiting: [awaited])
            events.append(.spoiled(segmentID: segmentID))
        } else {
            answer([awaited], segmentID)
        }
    }

    /// Sends replies with a segment's memory.
    private func answer(_ waiting: [AwaitedMemory], _ segmentID: UInt64) {
        for awaited in waiting {
            guard let memory = memory[segmentID] else {
                log.write(.error, "\(name(of: segmentID)) has no memory to send, disconnecting")
                drop(awaited.peer)
                continue
            }
            let reply = awaited.reply.describing(memory)
            send(to: awaited.peer) { (peer) throws(Errno) in
                if case .hello = reply {
                    try peer.greet(
                        reply, requestID: awaited.requestID, memory: memory, access: awaited.access, life: life)
                } else {
                    try peer.send(reply, requestID: awaited.requestID, memory: memory, access: awaited.access)
                }
            }
        }
    }

    /// Refuses what would need a segment's memory; the session of a greeting begins all the same.
    private func refuse(_ waiting: [AwaitedMemory], _ failure: Failure) {
        for awaited in waiting {
            send(to: awaited.peer) { (peer) throws(Errno) in
                if case .hello(let welcome, _) = awaited.reply {
                    try peer.greet(.hello(welcome, attachment: nil), requestID: awaited.requestID, life: life)
                }
                try peer.send(.failure(failure), requestID: awaited.requestID)
            }
        }
    }
}

extension Reply {
    /// The same reply with the files that go with it.
    fileprivate func describing(_ memory: SegmentMemory) -> Reply {
        switch self {
        case .attached(let attachment): .attached(attachment.describing(memory))
        case .hello(let welcome, let attachment): .hello(welcome, attachment: attachment?.describing(memory))
        default: self
        }
    }
}

extension Attachment {
    /// The same attachment with the files that go with it.
    fileprivate func describing(_ memory: SegmentMemory) -> Attachment {
        var described = self
        described.generation = memory.generation
        described.dataByteCount = UInt64(memory.dataByteCount)
        described.lockByteCount = access == .readWrite ? UInt64(memory.lockByteCount) : 0
        return described
    }
}
