internal import SharedMemProtocol

extension Broker {
    /// Has the next generation of a segment made, as soon as no other segment moves.
    ///
    /// Until it's there, the old one counts.
    mutating func replaceGeneration(
        of segment: Segment, from owner: UInt32?, because sentence: String
    ) throws(Refusal) -> [Effect] {
        if isConfigured, switches.running == nil { try requireSwitchRoom(segment) }
        segments.update(segment.id) { $0.hasToldOfLack = false }
        switches.insert(SwitchQueue.Switch(segmentID: segment.id, owner: owner))
        let next = (segment.memory?.generation ?? 0) + 1
        return [.log(.warning, "\(sentence): it moves to generation \(next)")] + beginSwitch()
    }

    /// Puts the next generation of a segment into service, and the one before out of it.
    mutating func finishSwitch(_ segmentID: UInt64, _ memory: Segment.Memory) -> [Effect] {
        guard let running = switches.running, running.segmentID == segmentID,
            running.generation == memory.generation
        else {
            let sentence = "generation \(memory.generation) of segment id \(segmentID) was made and not asked for"
            guard segments[segmentID] == nil else { return [.log(.error, "\(sentence), ignoring")] }
            return [.log(.error, "\(sentence), releasing it"), .releaseMemory(segmentID: segmentID)]
        }
        switches.end()
        guard let segment = segments[segmentID], let old = segment.memory else {
            return [.releaseMemory(segmentID: segmentID)] + beginSwitch()
        }
        segments.charge(segmentID, byteCount: memory.chargedByteCount)
        segments.update(segmentID) {
            $0.state = .ready(memory)
            $0.isSpoiled = false
            $0.hasToldOfLack = false
        }
        forgetWatches(in: segmentID)
        sessions.noteOwner(nil, of: segmentID)
        record.switchCount += 1
        let sentence = "segment \(segment.name) has moved to generation \(memory.generation)"
        return [.retireGeneration(segmentID: segmentID, generation: old.generation), .log(.notice, sentence)]
            + beginSwitch()
    }

    /// Leaves a segment at its generation whose next one couldn't be made; it's tried again when a writer asks.
    mutating func giveUpSwitch(of segmentID: UInt64, error: Int32, reason: String) -> [Effect] {
        guard let running = switches.running, running.segmentID == segmentID else {
            return [.log(.error, "a generation of segment id \(segmentID), which isn't being made, failed: \(reason)")]
        }
        switches.end()
        guard let segment = segments[segmentID] else { return beginSwitch() }
        let sentence = "generation \(running.generation) of segment \(segment.name) could not be made: \(reason)"
        return [.log(.error, "\(sentence); its writers go on at generation \(running.generation - 1)")] + beginSwitch()
    }

    /// Lets the worker begin with the next switch that there is room for, unless it's at one or the limit isn't known yet.
    mutating func beginSwitch() -> [Effect] {
        guard isConfigured else { return [] }
        var effects: [Effect] = []
        while let next = switches.next() {
            guard let segment = segments[next.segmentID], let memory = segment.memory else { continue }
            do throws(Refusal) {
                try requireSwitchRoom(segment)
            } catch {
                effects.append(.log(.error, "\(error.failure.text), so its writers wait"))
                segments.update(segment.id) { $0.hasToldOfLack = true }
                continue
            }
            let generation = memory.generation + 1
            switches.begin(
                SwitchQueue.Running(
                    segmentID: segment.id, generation: generation, byteCount: segment.chargedByteCount))
            effects.append(
                .makeGeneration(
                    segmentID: segment.id, generation: generation, segment.definition, from: next.owner))
        }
        return effects
    }

    /// Refuses a switch for whose new generation the memory limit leaves no room beside the old one.
    private func requireSwitchRoom(_ segment: Segment) throws(Refusal) {
        let room = room(for: .daemon)
        guard segment.chargedByteCount <= room.available else { throw .generation(of: segment, room: room) }
    }
}
