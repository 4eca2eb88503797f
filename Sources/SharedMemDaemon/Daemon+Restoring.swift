internal import LinuxIPC
internal import SharedMemBroker
internal import SharedMemStore

extension Daemon {
    /// Goes on where an earlier daemon stopped: what it kept is told to the broker, and what it may have been about to
    /// do is done.
    func restore(_ inheritance: consuming Inheritance) throws(DaemonError) {
        for problem in inheritance.problems { log.write(.warning, "\(problem), ignoring") }
        memory = inheritance.memory
        // A name that is taken over and surplus at once, since it's there twice, stays.
        var names = Set(memory.values.flatMap { $0.storedNames } + inheritance.replaced.flatMap { $0.storedNames })
        if inheritance.table != nil { names.insert(StoredName.table.description) }
        if inheritance.life != nil { names.insert(StoredName.life.description) }
        for name in inheritance.surplus where !names.contains(name) { removeStored(name) }
        for orphan in inheritance.orphans { end(orphan) }
        try take(inheritance.life.take())
        try take(inheritance.table.take())
        guard let state = inheritance.state else { return }
        let living = watchProcesses(of: state)
        handle(.restored(state, living: living, kept: Set(memory.keys)))
        for segmentID in memory.keys.sorted() { look(at: segmentID, state, living) }
        for replaced in inheritance.replaced { retire(replaced, pins: nil) }
    }

    /// Takes the life file over, or makes one, and has it say that this thread lives.
    private func take(_ inherited: consuming LifeFile?) throws(DaemonError) {
        do throws(Errno) {
            let file: LifeFile
            if let inherited {
                file = inherited
            } else {
                file = try LifeFile.create()
                store(file.file.descriptor, as: .life)
            }
            try file.claim()
            life = consume file
        } catch {
            throw DaemonError(.system, "the life file can't be made: \(error)")
        }
    }

    /// Takes the session table over, or makes one.
    private func take(_ inherited: consuming SessionTable?) throws(DaemonError) {
        do throws(Errno) {
            if let inherited {
                table = consume inherited
            } else {
                let made = try SessionTable.create()
                store(made.file.descriptor, as: .table)
                table = consume made
            }
        } catch {
            throw DaemonError(.system, "the session table can't be made: \(error)")
        }
    }

    /// Watches the processes that had sessions, and says which of them live.
    private func watchProcesses(of state: SavedState) -> Set<ProcessIdentity> {
        var living: Set<ProcessIdentity> = []
        for identity in Set(state.sessions.map(\.process)) where isAlive(identity) { living.insert(identity) }
        return living
    }

    /// Looks whether a process that had a session lives, and then watches it.
    private func isAlive(_ identity: ProcessIdentity) -> Bool {
        guard identity.pid > 0 else {
            log.write(
                .warning,
                "a process outside of the daemon's pid namespace had a session; its death goes unnoticed until it "
                    + "reconnects, ignoring")
            return true
        }
        do throws(Errno) {
            let descriptor = try ProcessDescriptor.opening(pid: identity.pid)
            guard try ProcessIdentity(descriptor, pid: identity.pid) == identity, try !descriptor.isDead() else {
                return false
            }
            processes[identity] = try WatchedProcess(identity, descriptor, loop: loop)
            return true
        } catch {
            // Without a number, or without a place in /proc: there is no such process.
            if error == .noSuchProcess || error == .noSuchFileOrDirectory { return false }
            log.write(
                .error,
                "process \(identity.pid) can't be watched: \(error); its death goes unnoticed until it reconnects")
            return true
        }
    }

    /// Looks at a segment whose memory was taken over: a repair that was under way is done again, the broker is told
    /// who has the lock word and who holds pins, and everybody who sleeps on the word looks again.
    private func look(at segmentID: UInt64, _ state: SavedState, _ living: Set<ProcessIdentity>) {
        guard let found = memory[segmentID] else { return }
        do throws(SegmentMemory.Failure) {
            switch try found.lockHolder().state {
            case .free: break
            case .owned(let owner): handle(.ownerFound(segmentID: segmentID, owner: owner))
            case .recovering where isWritableByAbandoned(segmentID, state, living):
                // The word may have been taken from somebody who is still storing.
                handle(.spoiled(segmentID: segmentID))
            case .recovering:
                let outcome = try found.repairAgain()
                log.write(.notice, "\(name(of: segmentID)): a repair that was under way is done again: \(outcome)")
            case .retired: handle(.spoiled(segmentID: segmentID))
            }
            try findPins(in: found, state, living)
            try found.wakeLockWaiters()
        } catch {
            log.write(.error, "\(name(of: segmentID)) can't be used as it is: \(error.reason)")
            handle(.spoiled(segmentID: segmentID))
        }
    }

    /// Whether a process that lives and has closed its connection can write a segment: the dead store nothing any more.
    private func isWritableByAbandoned(
        _ segmentID: UInt64, _ state: SavedState, _ living: Set<ProcessIdentity>
    ) -> Bool {
        state.sessions.contains { session in
            session.isAbandoned && living.contains(session.process) && session.writable.contains(segmentID)
        }
    }

    /// Takes over the pins that the earlier daemon held for sessions, and clears those of sessions that are gone.
    ///
    /// A session that can write a segment looks after its own.
    private func findPins(
        in found: SegmentMemory, _ state: SavedState, _ living: Set<ProcessIdentity>
    ) throws(SegmentMemory.Failure) {
        for session in Set(try found.pinHolds().map(\.session)) {
            let owner = state.sessions.first { $0.id == session }
            if let owner, living.contains(owner.process) {
                guard !owner.writable.contains(found.segmentID) else { continue }
                let held = pins[found.segmentID] ?? SegmentPins(of: found)
                pins[found.segmentID] = held
                if try held.resume(session) { handle(.pinFound(segmentID: found.segmentID, session: session)) }
            } else {
                try found.clearPins(of: session)
            }
        }
    }

    /// Tells clients that still have the memory of a segment which nobody knows any more that it's gone.
    private func end(_ orphan: SegmentMemory) {
        do throws(SegmentMemory.Failure) {
            try orphan.markRemoved()
        } catch {
            log.write(
                .warning, "segment \(orphan.segmentID) can't be marked as removed: \(error.reason), ignoring")
        }
        maker.release(orphan)
    }
}
