import SharedMemBroker
import SharedMemProtocol

/// A way to falsify effects, which a witness has to notice.
enum Forgery: CaseIterable, Sendable {
    case lostReply, doubledReply, otherRequest, moreAccess, lostDisconnect, otherSegment, sameSession, lostMemory
    case lostPin, lostUnpin, lostSave, neededSave, lateSave, earlySave, lostRepair, fewerRepairs, lostClose
    case lostProcess, lostMove, doubledMove, otherGeneration, lostRetirement, otherHolder, freeLock, otherToken
    case otherUser, otherStatistics, lostFlags, lateFlags, otherFlags, lostRestoredFlags

    /// Falsifies `effects` where it applies.
    func apply(_ effects: [Broker.Effect]) -> [Broker.Effect] {
        switch self {
        case .neededSave: return effects.contains(.save) ? effects : [.save] + effects
        case .lateSave:
            guard effects.first == .save else { return effects }
            return effects.dropFirst() + [.save]
        case .earlySave:
            guard effects.last == .save || effects.dropLast().last == .save else { return effects }
            return [.save] + effects.filter { $0 != .save }
        case .lateFlags:
            let flags = effects.filter { if case .setWatched = $0 { true } else { false } }
            return effects.filter { !flags.contains($0) } + flags
        default: return effects.flatMap(replace)
        }
    }

    /// Falsifies one effect.
    private func replace(_ effect: Broker.Effect) -> [Broker.Effect] {
        switch (self, effect) {
        case (.lostReply, .reply(_, _, .created)), (.lostDisconnect, .disconnect), (.lostMemory, .releaseMemory),
            (.lostPin, .pin), (.lostUnpin, .unpin), (.lostSave, .save), (.lostRepair, .repair), (.lostClose, .close),
            (.lostProcess, .forgetProcess), (.lostMove, .makeGeneration), (.lostRetirement, .retireGeneration),
            (.lostFlags, .setWatched), (.lostRestoredFlags, .restoreWatched):
            []
        case (.doubledReply, .reply(_, _, .shown)), (.doubledMove, .makeGeneration): [effect, effect]
        case (.fewerRepairs, .repair(let segmentID, let sessions, let owner)):
            [.repair(segmentID: segmentID, sessions: Array(sessions.dropFirst()), owner: owner)]
        case (.otherFlags, .setWatched(let segmentID, let words)):
            [.setWatched(segmentID: segmentID, changed(words) { $0.segment = true })]
        case (.otherRequest, .reply(let peer, let requestID, .detached)):
            [.reply(peer, requestID: requestID + 1, .detached)]
        case (.moreAccess, .replyWithMemory(let peer, let requestID, let reply, let segmentID, .readOnly)):
            [.replyWithMemory(peer, requestID: requestID, reply, segmentID: segmentID, .readWrite)]
        case (.otherSegment, .replyWithMemory(let peer, let requestID, let reply, let segmentID, let access)):
            [.replyWithMemory(peer, requestID: requestID, reply, segmentID: segmentID + 1, access)]
        case (.otherGeneration, .makeGeneration(let segmentID, let generation, let definition, let owner)):
            [.makeGeneration(segmentID: segmentID, generation: generation + 1, definition, from: owner)]
        case (.sameSession, .reply(let peer, let requestID, .hello(let welcome, let attachment))):
            [.reply(peer, requestID: requestID, .hello(changed(welcome) { $0.session = 1 }, attachment: attachment))]
        case (.otherToken, .reply(let peer, let requestID, .reconnected(let welcome))):
            [.reply(peer, requestID: requestID, .reconnected(changed(welcome) { $0.token.low += 1 }))]
        case (.otherHolder, .reply(let peer, let requestID, .holder(let holder))):
            [.reply(peer, requestID: requestID, .holder(changed(holder) { $0.session += 1 }))]
        case (.freeLock, .reply(let peer, let requestID, .holder(let holder))):
            [.reply(peer, requestID: requestID, .holder(changed(holder) { $0.state = .none }))]
        case (.otherUser, .replyWithSessions(let peer, let requestID, let page, let more)):
            [.replyWithSessions(peer, requestID: requestID, page.map { changed($0) { $0.uid += 1 } }, more: more)]
        case (.otherStatistics, .replyWithStatistics(let peer, let requestID, let statistics)):
            [.replyWithStatistics(peer, requestID: requestID, changed(statistics) { $0.abandonedCount += 1 })]
        default: [effect]
        }
    }

    /// Changes a copy.
    private func changed<Value>(_ value: Value, _ change: (inout Value) -> Void) -> Value {
        var value = value
        change(&value)
        return value
    }
}
