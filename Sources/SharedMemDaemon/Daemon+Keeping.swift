internal import LinuxIPC
internal import SharedMemBroker
internal import SharedMemProtocol

// What outlives this process: the descriptors that the service manager keeps, and the session table among them.

extension Daemon {
    /// Writes the broker's state into the session table.
    func save() {
        do throws(Errno) {
            try table?.save(broker.savedState)
        } catch {
            log.write(.error, "the session table can't be written: \(error), so a restart won't know of the change")
        }
    }

    /// Has a descriptor kept.
    func store(_ descriptor: borrowing FileDescriptor, as name: StoredName) {
        do throws(Errno) {
            try serviceManager.store(descriptor, as: name.description)
        } catch {
            log.write(.error, "descriptor \(name) can't be kept: \(error), so it won't survive this process")
        }
    }

    /// Has what is kept under a name given up.
    func removeStored(_ name: String) {
        do throws(Errno) {
            try serviceManager.removeStored(name)
        } catch {
            log.write(.warning, "descriptor \(name) can't be given up: \(error), ignoring")
        }
    }

    /// Has a generation kept.
    func store(_ memory: SegmentMemory) {
        store(
            memory.data.descriptor, as: .data(segmentID: memory.segmentID, generation: memory.generation))
        store(
            memory.lock.descriptor, as: .lock(segmentID: memory.segmentID, generation: memory.generation))
    }

    /// Has a generation given up.
    func removeStored(_ memory: SegmentMemory) {
        for name in memory.storedNames { removeStored(name) }
    }

    /// Tells the broker of `happened` when the service manager has done all that was sent to it so far.
    func tellBehindBarrier(_ happened: [Broker.Event]) {
        guard !happened.isEmpty else { return }
        do throws(Errno) {
            if let descriptor = try serviceManager.barrier() {
                lastBarrier += 1
                barriers[lastBarrier] = try Barrier(lastBarrier, descriptor, events: happened, loop: loop)
                return
            }
        } catch {
            log.write(.warning, "the service manager can't be waited for: \(error), ignoring")
        }
        pass(happened)
    }

    /// Goes on behind a barrier that has fallen, or took too long.
    func pass(_ number: UInt64, isLate: Bool) {
        guard let barrier = barriers.removeValue(forKey: number) else { return }
        if isLate {
            log.write(.warning, "the service manager takes its time with what it's to keep, ignoring")
        }
        pass(barrier.events)
    }

    /// Tells the broker what has happened.
    private func pass(_ happened: [Broker.Event]) {
        for event in happened {
            switch event {
            case .memoryMade(let segmentID, _, _, _): beingMade.remove(segmentID)
            case .generationMade(let segmentID, _, _, _, _): install(segmentID)
            default: break
            }
            handle(event)
        }
    }
}

// MARK: - Memory

extension Daemon {
    /// Has a segment's memory made, if there is room to keep it.
    func make(_ segmentID: UInt64, _ definition: SegmentDefinition) {
        // Two files for each segment, and those of one switch.
        guard serviceManager.hasRoom(for: 2 * (beingMade.count + 1) + 2) else {
            let reason =
                "\(serviceManager.stored.count) descriptors are kept already, expected at most "
                + "\(serviceManager.storeLimit) (FileDescriptorStoreMax= and FDSTORE of the service), 2 for each segment "
                + "and 2 for a new generation"
            events.append(.memoryFailed(segmentID: segmentID, error: Errno.noSpace.rawValue, reason: reason))
            return
        }
        beingMade.insert(segmentID)
        maker.make(segmentID: segmentID, definition)
    }

    /// Has what the worker has made kept, and tells the broker then.
    func takeOutcomes() {
        var happened: [Broker.Event] = []
        for outcome in maker.outcomes() {
            switch outcome {
            case .made(let segmentID, let made) where beingMade.contains(segmentID):
                store(made)
                memory[segmentID] = made
                happened.append(
                    .memoryMade(
                        segmentID: segmentID, dataByteCount: UInt64(made.dataByteCount),
                        lockByteCount: UInt64(made.lockByteCount), createdAt: made.createdAt))
            case .made(_, let made): fill(made)
            case .failed(let segmentID, let failure) where beingMade.contains(segmentID):
                beingMade.remove(segmentID)
                events.append(
                    .memoryFailed(segmentID: segmentID, error: failure.errno.rawValue, reason: failure.reason))
            case .failed(let segmentID, let failure), .notMoved(let segmentID, _, _, let failure):
                fail(segmentID, failure)
            case .moved(let segmentID, _, _, let report):
                if let event = keep(segmentID, report) { happened.append(event) }
            case .punched: break
            case .notPunched(let segmentID, let generation, let failure):
                log.write(
                    .warning,
                    "generation \(generation) of \(name(of: segmentID)) keeps its memory until its last client ends: "
                        + failure.reason)
            }
        }
        decide()
        tellBehindBarrier(happened)
    }

    /// Marks a segment's memory as removed and lets the worker close it.
    func release(_ segmentID: UInt64) {
        pins[segmentID] = nil
        damaged.remove(segmentID)
        forgetSwitch(of: segmentID)
        guard let released = memory.removeValue(forKey: segmentID) else { return }
        removeStored(released)
        do throws(SegmentMemory.Failure) {
            try released.markRemoved()
        } catch {
            log.write(
                .warning,
                "\(name(of: segmentID)) can't be marked as removed: \(error.reason); its clients keep it until they exit"
            )
        }
        maker.release(released)
    }
}

extension SegmentMemory {
    /// What its files are called where they are kept.
    var storedNames: [String] {
        [
            StoredName.data(segmentID: segmentID, generation: generation).description,
            StoredName.lock(segmentID: segmentID, generation: generation).description,
        ]
    }
}
