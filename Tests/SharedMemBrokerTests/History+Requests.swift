import SharedMemBroker
import SharedMemProtocol

extension History {
    /// Makes a request, in most cases one that fits the connection's state.
    mutating func request(_ caller: Witness.Caller?) -> Request {
        let access: Access = random.happens(percent: 50) ? .readOnly : .readWrite
        guard (caller?.session == nil) == random.happens(percent: 1) else { return greeting(caller, access) }
        let tenant = caller?.session.flatMap { witness.tenants[$0] }
        let attached = tenant?.attached.keys.sorted() ?? []
        let written = attached.filter { tenant?.writable.contains($0) == true && witness.segments[$0] != nil }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25: return .attach(random.pick(random.happens(percent: 50) ? Array(names.prefix(4)) : names), access)
        case 25..<31: return .detach(segmentID: random.pick(attached + [77]))
        case 31..<44: return watching(attached, tenant)
        case 44..<56: return .create(definition(isResolved: random.happens(percent: 10)))
        case 56..<64: return .remove(random.pick(names))
        case 64..<69: return .list(after: random.happens(percent: 40) ? random.pick(names) : nil)
        case 69..<78:
            return random.happens(percent: 70)
                ? .pin(segmentID: random.pick(attached + [77])) : .unpin(segmentID: random.pick(attached + [77]))
        case 78..<88: return .whoHolds(segmentID: random.pick(written + written + written + attached + [77]))
        case 88..<92:
            let session = UInt32.random(in: Self.sessionIDs, using: &random)
            let cursor = SessionCursor(session: session, segmentID: random.pick([0] + attached))
            return .sessions(after: random.happens(percent: 50) ? nil : cursor)
        case 92..<94: return .statistics
        default: return .show(random.pick(names))
        }
    }

    /// Makes a WATCH or an UNWATCH, of the generation that counts in most cases.
    private mutating func watching(_ attached: [UInt64], _ tenant: Witness.Tenant?) -> Request {
        let watched = tenant?.watches.keys.sorted() ?? []
        let isMore = watched.isEmpty || random.happens(percent: 60)
        let segmentID = random.pick((isMore ? attached + attached + attached : watched + watched) + attached + [77])
        let generation = witness.segments[segmentID]?.saved.generation ?? 1
        let words = WatchSet(
            stripes: random.pick([0, 1, 3, 1 << 63, 5 << 20, .max]), segment: random.happens(percent: 40))
        let request = WatchRequest(
            segmentID: segmentID, generation: random.happens(percent: 5) ? generation + 1 : generation, words: words)
        return isMore ? .watch(request) : .unwatch(request)
    }

    /// Makes a HELLO or a RECONNECT, with the right token in most cases.
    private mutating func greeting(_ caller: Witness.Caller?, _ access: Access) -> Request {
        let majors: ClosedRange<UInt16> = random.pick([1...1, 1...1, 1...1, 0...3, 1...2, 2...3])
        let own = witness.tenants.filter { $0.value.saved.process == caller?.process }.keys.sorted()
        let all = own + own + own + witness.tenants.keys.sorted().prefix(1) + [77]
        if random.happens(percent: 40) {
            let session = random.pick(all)
            var token = witness.tenants[session]?.saved.token ?? SessionToken(high: 1, low: 1)
            if random.happens(percent: 5) { token.high += 1 }
            return .reconnect(Reconnect(majors: majors, features: 1, session: session, token: token))
        }
        let attach = Hello.Attach(segment: random.pick(names), access: access)
        return .hello(
            Hello(
                majors: majors, features: 1, program: random.pick([[], Array("p".utf8), [0xff, 0x0a]]),
                attach: random.happens(percent: 50) ? attach : nil))
    }

    /// Makes a definition.
    mutating func definition(isResolved: Bool) -> SegmentDefinition {
        SegmentDefinition(
            name: random.pick(names), byteCount: random.pick([1, 4096, 5000, 8192, 20000, 1 << 20, 0, 1 << 40]),
            mode: random.pick([0o600, 0o640, 0o644, 0o660, 0o666, 0o066, 0o206, 0]),
            owner: isResolved ? random.pick([0, 1000, 1001]) : nil,
            group: isResolved ? random.pick([100, 101, 102]) : nil)
    }

    /// Makes a configuration.
    mutating func configuration() -> Broker.Configuration {
        var segments: [SegmentDefinition] = []
        for _ in 0..<4 {
            let segment = definition(isResolved: true)
            if !segments.contains(where: { $0.name == segment.name }) { segments.append(segment) }
        }
        let creators = Broker.Configuration.Creators(users: [1000, 1001], groups: [102])
        return Broker.Configuration(
            segments: segments, memoryLimit: random.pick([1 << 22, 1 << 24, 1 << 24]), connectionsPerUser: 6,
            creators: random.happens(percent: 50) ? creators : nil, keepsSwitchRoom: random.happens(percent: 50))
    }
}
