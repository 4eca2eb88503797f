import SharedMemProtocol
import Testing

struct RequestCodingTests {
    @Test func everyRequestReturnsAsItWasSent() throws {
        for (index, request) in try everyRequest().enumerated() {
            for requestID in [UInt32.min, UInt32(index), UInt32.max] {
                let decoded = try Request.decode(request.encoded(requestID: requestID))
                #expect(decoded.request == request)
                #expect(decoded.requestID == requestID)
            }
        }
    }

    @Test func damagedRequestsAreRefusedOrMeanWhatTheySay() throws {
        for request in try everyRequest() {
            #expect(Codec.requests.faults(in: request.encoded(requestID: 7)) == [], "\(request)")
        }
    }

    @Test func damageCheckFindsDecodersThatIgnoreBytes() throws {
        let frame = Request.attach(try name("a"), .readOnly).encoded(requestID: 7)
        let ignoresReservedWord = Codec { frame throws(DecodingFailure) in
            var frame = frame
            if frame.count > 20 { frame[20] = 0 }
            return try Codec.requests.reencode(frame)
        }
        #expect(ignoresReservedWord.faults(in: frame).contains("bit 160 flipped"))
        let fillsUp = Codec { frame throws(DecodingFailure) in
            let missing = [UInt8](repeating: 0, count: max(0, 96 - frame.count))
            return try Codec.requests.reencode(frame + missing)
        }
        #expect(fillsUp.faults(in: frame).contains("cut to 95 of 96 bytes"))
    }

    @Test func repliesAreNoRequests() throws {
        for reply in try everyReply() {
            let frame = reply.encoded(requestID: 1)
            let type = UInt16(frame[6]) | UInt16(frame[7]) << 8
            #expect(throws: DecodingFailure.type(type)) { try Request.decode(frame) }
        }
    }

    @Test(arguments: [0, 15, 16, 17, 4095, 4096, 4097, 65536])
    func zerosAreNoRequest(byteCount: Int) {
        #expect(throws: DecodingFailure.self) { try Request.decode([UInt8](repeating: 0, count: byteCount)) }
        #expect(throws: DecodingFailure.self) { try Reply.decode([UInt8](repeating: 0, count: byteCount)) }
    }

    @Test func longProgramIsCutAtACharacter() throws {
        let program = [UInt8]((String(repeating: "p", count: 63) + "ü").utf8)
        let hello = Hello(majors: 1...1, features: 0, program: program, attach: nil)
        let decoded = try Request.decode(Request.hello(hello).encoded(requestID: 1)).request
        #expect(decoded == .hello(Hello(majors: 1...1, features: 0, program: [UInt8](program.prefix(63)), attach: nil)))
    }

    @Test func programEndsAtItsFirstZero() throws {
        let hello = Hello(majors: 1...1, features: 0, program: [0x61, 0, 0x62], attach: nil)
        let decoded = try Request.decode(Request.hello(hello).encoded(requestID: 1)).request
        #expect(decoded == .hello(Hello(majors: 1...1, features: 0, program: [0x61], attach: nil)))
    }
}
