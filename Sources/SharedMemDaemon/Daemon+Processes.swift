internal import LinuxIPC
internal import SharedMemBroker
internal import SharedMemStore

// Deaths. A process is dead when its descriptor says so, not when its socket hangs up: a forked child may hold the
// socket, and who closes it can go on storing.

extension Daemon {
    /// Watches the process at the other end of a connection, unless it's watched already.
    func watchProcess(of socket: borrowing UnixSocket, pid: Int32) throws(Errno) -> ProcessIdentity {
        let descriptor = ProcessDescriptor(adopting: try socket.peerProcess())
        let identity = try ProcessIdentity(descriptor, pid: pid)
        if processes[identity] == nil {
            processes[identity] = try WatchedProcess(identity, descriptor, loop: loop)
        }
        return identity
    }

    /// Tells the broker that a process is dead.
    func end(_ identity: ProcessIdentity) {
        guard processes.removeValue(forKey: identity) != nil else { return }
        log.write(.debug, "process \(identity.pid) is dead")
        handle(.died(identity))
    }

    /// Looks whether a process is dead before the loop says so.
    func endIfDead(_ identity: ProcessIdentity) {
        guard let process = processes[identity] else { return }
        do throws(Errno) {
            if try process.isDead { end(identity) }
        } catch {
            // The loop will tell.
            log.write(.debug, "process \(identity.pid) can't be asked for: \(error)")
        }
    }
}

// MARK: - Repair

extension Daemon {
    /// Frees a segment's lock word if it's one of these dead sessions', with everything that is to be done then; whoever
    /// watches looks again, whatever the word says.
    func repair(_ segmentID: UInt64, of sessions: [UInt32], owner: String) {
        guard let memory = memory[segmentID] else { return }
        do throws(SegmentMemory.Failure) {
            for session in sessions {
                pins[segmentID]?.unpin(session)
                guard case .repaired(let outcome) = try memory.repair(session) else { continue }
                events.append(.repaired(segmentID: segmentID))
                let done =
                    switch outcome {
                    case .nothing: "nothing was half-done"
                    case .finished: "its last change is finished"
                    case .undone: "its last change is undone"
                    }
                log.write(.notice, "\(name(of: segmentID)): \(owner) died with the lock; \(done)")
            }
        } catch {
            log.write(.error, "\(name(of: segmentID)): \(owner) died and can't be cleaned up after: \(error.reason)")
            events.append(.spoiled(segmentID: segmentID))
        }
        notifyWatchers(of: segmentID)
    }

    /// A segment's name, for the log.
    func name(of segmentID: UInt64) -> String {
        broker.name(of: segmentID).map { "segment \($0)" } ?? "segment id \(segmentID)"
    }

    /// Tells the broker who has a segment's lock word.
    func seeLock(of segmentID: UInt64, for peer: PeerID, _ requestID: UInt32) {
        var owner: UInt32 = 0
        var takenAt: UInt64 = 0
        do throws(SegmentMemory.Failure) {
            if let holder = try memory[segmentID]?.lockHolder() {
                switch holder.state {
                case .free: break
                case .owned(let session):
                    owner = session
                    takenAt = holder.takenAt
                case .recovering, .retired:
                    // Unless the worker has it, a repair has failed, or a writer has stored what it must not.
                    if switches[segmentID] == nil { events.append(.spoiled(segmentID: segmentID)) }
                }
            }
        } catch {
            log.write(.error, "the lock word of \(name(of: segmentID)) can't be seen: \(error.reason)")
        }
        events.append(
            .lockSeen(peer, requestID: requestID, segmentID: segmentID, owner: owner, takenAt: takenAt))
    }

    /// Tells the broker of segments whose files have lost pages that the daemon touched.
    func tellOfMissingPages() {
        guard replacedPageCount != GuardedMapping.replacedPageCount else { return }
        replacedPageCount = GuardedMapping.replacedPageCount
        for (segmentID, memory) in memory where memory.isDamaged && !damaged.contains(segmentID) {
            log.write(.error, "\(name(of: segmentID)) has lost pages: a writer has punched holes into its files")
            damaged.insert(segmentID)
            handle(.spoiled(segmentID: segmentID))
        }
    }
}
