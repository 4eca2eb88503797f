internal import SharedMemProtocol

#if SHAREDMEM_TEST_HOOKS
    extension Broker {
        /// A wrong state that a test can ask for.
        package enum Fault: CaseIterable, Sendable {
            /// A charge that is not given back.
            case charge
            /// A waiting request that nobody remembers.
            case forgottenWaiter
            /// An attachment without a session.
            case attachment
            /// A pin of a segment that never was.
            case pin
            /// Something that a session watches in a segment that never was.
            case watch
            /// A watcher that is counted and doesn't exist.
            case watcher
            /// A session that its connection has and the table hasn't.
            case session
            /// A session that is counted and doesn't exist.
            case abandonedSession
            /// A session that nothing depends on any more.
            case idleSession
            /// A right to a segment that doesn't exist.
            case right
            /// A connection that still counts against its uid.
            case connection
            /// A process that has nothing any more.
            case process
            /// A segment that is to move, while none does.
            case forgottenSwitch
            /// A segment that moves to another generation than its next one.
            case generation
            /// A lost segment that nobody makes again.
            case lostSegment
            /// An id that is kept free though its segment doesn't exist.
            case stranger
            /// A segment that is made for a session that has ended.
            case creation
        }

        /// Makes the state wrong, to show that it's noticed; false: there is nothing that could be made wrong so.
        package mutating func seed(_ fault: Fault) -> Bool {
            switch fault {
            case .charge:
                guard let id = segments.all.first?.id else { return false }
                segments.lose(id)
            case .forgottenWaiter:
                for segment in segments.all {
                    guard case .making(let waiters) = segment.state, !waiters.isEmpty else { continue }
                    segments.update(segment.id) { $0.state = .making([]) }
                    return true
                }
                return false
            case .attachment:
                guard let id = segments.all.first?.id else { return false }
                segments.update(id) { $0.sessionCount += 1 }
            case .pin:
                guard let id = sessions.sortedIDs.first else { return false }
                sessions.update(id) { $0.pins[.max] = 1 }
            case .watch:
                guard let id = sessions.sortedIDs.first else { return false }
                sessions.update(id) { $0.setWatches(WatchSet(stripes: 1), in: .max) }
            case .watcher:
                guard let id = segments.all.first(where: { $0.memory != nil })?.id else { return false }
                segments.update(id) { $0.watchCounts.add(WatchSet(segment: true)) }
            case .session:
                guard let id = peers.values.compactMap(\.sessionID).min() else { return false }
                sessions.lose(id)
            case .abandonedSession: sessions.miscount()
            case .idleSession:
                guard let id = idleCandidate else { return false }
                sessions.update(id) { $0.writable = [] }
            case .right:
                guard let id = sessions.sortedIDs.first else { return false }
                sessions.update(id) { $0.writable.insert(.max) }
            case .connection: connectionCounts[0, default: 0] += 1
            case .process: processes.insert(UInt32.max, of: ProcessIdentity(pid: 0, mark: 0))
            case .forgottenSwitch:
                guard switches.running == nil, let id = segments.all.first(where: { $0.memory != nil })?.id else {
                    return false
                }
                switches.insert(SwitchQueue.Switch(segmentID: id, owner: nil))
            case .generation:
                guard let id = segments.all.first(where: { $0.memory != nil })?.id else { return false }
                switches.begin(SwitchQueue.Running(segmentID: id, generation: .max, byteCount: 0))
            case .lostSegment:
                guard let saved = segments.all.compactMap(\.saved).first else { return false }
                lostSegments.append(saved)
            case .stranger: sessions.noteOwner(sessions.nextID, of: .max)
            case .creation:
                guard let id = segments.all.first(where: { $0.memory == nil })?.id else { return false }
                segments.update(id) { $0.creation = Segment.Creation(session: .max, requestID: 1) }
            }
            return true
        }

        /// A session that is kept for its rights alone.
        private var idleCandidate: UInt32? {
            sessions.all.first {
                $0.state == .abandoned && $0.lastChange == nil && !segments.isMaking(for: $0.id)
            }?.id
        }
    }
#endif
