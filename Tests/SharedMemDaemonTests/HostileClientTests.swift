import Foundation
import LinuxIPC
import SharedMemProtocol
import Testing

@Suite struct HostileClientTests {
    /// One request of each kind.
    static func requests() throws -> [Request] {
        let name = try Sample.name("default")
        return [
            .hello(Hello(majors: 1...1, features: 0, program: [], attach: .init(segment: name, access: .readWrite))),
            .attach(name, .readOnly), .detach(segmentID: 1), .create(SegmentDefinition(name: name, byteCount: 65_536)),
            .remove(name), .list(after: nil), .show(name), .pin(segmentID: 1), .unpin(segmentID: 1),
            .watch(WatchRequest(segmentID: 1, generation: 1, words: WatchSet(stripes: 1))),
        ]
    }

    @Test func frameCutShortAtAnyByteEndsTheConnectionAlone() throws {
        let daemon = try RunningDaemon()
        let bystander = try Client(daemon)
        try bystander.greet()
        var count = 0
        for request in try Self.requests() {
            let frame = request.encoded(requestID: 1)
            for length in 1..<frame.count {
                let client = try Client(daemon)
                try client.send(Array(frame[..<length]))
                #expect(try client.isHungUpOn())
                count += 1
            }
        }
        // The log is written before the connection is closed.
        #expect(try daemon.log.split(separator: "\n").count { $0.hasSuffix(", disconnecting") } == count)
        #expect(try bystander.ask(.list(after: nil)) != .removed)
        try daemon.serves()
        #expect(try daemon.end() == 0)
    }

    @Test func whatNoHonestClientSendsEndsTheConnection() throws {
        let daemon = try RunningDaemon()
        let whole = Request.list(after: nil).encoded(requestID: 1)
        let other = try UnixSocket.pair()
        let offences: [(String, (Client) throws -> Void)] = [
            ("sent descriptors", { try $0.socket.send(whole, with: other.first.descriptor) }),
            (
                "sent descriptors",
                { try $0.socket.send(whole, with: other.first.descriptor, and: other.second.descriptor) }
            ),
            ("sent a message of more than 4096 bytes", { try $0.send(whole + [UInt8](repeating: 0, count: 5000)) }),
            (
                "sent an empty message",
                { client in _ = Glibc.send(client.socket.descriptor.rawValue, nil, 0, Int32(MSG_NOSIGNAL)) }
            ),
            ("sent HELLO again, expected it once", { try $0.greet() }),
            ("sent a message that isn't one: the frame begins with", { try $0.send([UInt8](repeating: 7, count: 64)) }),
        ]
        for (sentence, offend) in offences {
            let client = try Client(daemon)
            try client.greet()
            do {
                try offend(client)
            } catch is Unexpected {
                // The daemon's answer to an offence is to hang up.
            }
            #expect(try client.isHungUpOn(), "\(sentence)")
            #expect(try daemon.log.contains("of uid \(getuid()) \(sentence)"), "\(sentence)")
        }
        try daemon.serves()
    }

    @Test func randomBytesNeverStopTheDaemon() throws {
        let daemon = try RunningDaemon()
        var generator = SeededGenerator(state: 1)
        let frames = try Self.requests().map { $0.encoded(requestID: 1) }
        for _ in 0..<1000 {
            let client = try Client(daemon)
            try client.greet()
            var frame = frames[Int.random(in: 0..<frames.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                frame[Int.random(in: 0..<frame.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            try client.send(frame)
        }
        try daemon.serves()
    }

    @Test func clientThatDoesNotReadIsDisconnected() throws {
        let daemon = try RunningDaemon()
        let client = try Client(daemon)
        try client.greet()
        let frame = Request.show(try Sample.name("default")).encoded(requestID: 1)
        var error: Errno?
        for _ in 0..<1_000_000 where error == nil {
            do throws(Errno) {
                try client.socket.send(frame)
            } catch let refusal {
                error = refusal
            }
        }
        #expect(error == .brokenPipe || error == .connectionReset)
        #expect(try daemon.log.contains("doesn't read its replies, disconnecting"))
        try daemon.serves()
    }

    @Test func noDescriptorIsLeftBehind() throws {
        let daemon = try RunningDaemon()
        // While it is connected the daemon has opened whatever it opens at its first use.
        let bystander = try Client(daemon)
        try bystander.greet()
        let before = try daemon.descriptorCount
        do {
            let client = try Client(daemon)
            try client.greet()
            // The count sees one.
            #expect(try daemon.descriptorCount == before + 1)
        }
        let other = try UnixSocket.pair()
        for index in 0..<100 {
            let client = try Client(daemon)
            try client.greet(attach: .init(segment: try Sample.name("default"), access: .readWrite))
            try client.socket.send([1, 2, 3], with: other.first.descriptor, and: other.second.descriptor)
            #expect(try client.isHungUpOn())
            if index % 10 == 0 {
                let maker = try Client(daemon)
                try maker.greet()
                let name = try Sample.name("s\(index)")
                guard case .created = try maker.ask(.create(SegmentDefinition(name: name, byteCount: 65_536)))
                else { throw Unexpected(what: "\(name) isn't made") }
                #expect(try maker.ask(.remove(name)) == .removed)
            }
        }
        try waitUntil("the descriptors are back") { try daemon.descriptorCount == before }
        #expect(try bystander.ask(.detach(segmentID: 1)) != .detached)
    }

    @Test func lackOfDescriptorsPausesAcceptingAndSparesTheOthers() throws {
        let daemon = try RunningDaemon(descriptorLimit: 64)
        var clients: [Client] = []
        for _ in 0..<80 { clients.append(try Client(daemon)) }
        for client in clients[..<5] { try client.greet() }
        try waitUntil("the log tells of the lack") { try daemon.log.contains("connections can't be accepted: ") }
        // Who is connected can still get a segment, from the descriptors that are kept back.
        let name = try Sample.name("made")
        guard case .created = try clients[0].ask(.create(SegmentDefinition(name: name, byteCount: 65_536))) else {
            throw Unexpected(what: "nothing can be made")
        }
        let last = clients[79]
        clients.removeSubrange(1..<79)
        try last.greet()
        #expect(try daemon.log.split(separator: "\n").count { $0.contains("connections can't be accepted: ") } == 1)
    }
}

/// Random numbers that are the same in each run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
