import SharedMemProtocol
import Testing

struct ReplyCodingTests {
    @Test func everyReplyReturnsAsItWasSent() throws {
        for (index, reply) in try everyReply().enumerated() {
            for requestID in [UInt32.min, UInt32(index), UInt32.max] {
                let decoded = try Reply.decode(reply.encoded(requestID: requestID))
                #expect(decoded.reply == reply)
                #expect(decoded.requestID == requestID)
            }
        }
    }

    @Test func damagedRepliesAreRefusedOrMeanWhatTheySay() throws {
        for reply in try everyReply() {
            #expect(Codec.replies.faults(in: reply.encoded(requestID: 7)) == [], "\(reply)")
        }
    }

    @Test func requestsAreNoReplies() throws {
        for request in try everyRequest() {
            let frame = request.encoded(requestID: 1)
            #expect(throws: DecodingFailure.type(UInt16(frame[6]))) { try Reply.decode(frame) }
        }
    }

    @Test func fullestListFitsAFrame() throws {
        let page = try (0..<Reply.maximumListCount).map { try description("segment-\($0)") }
        let frame = Reply.list(page, more: false).encoded(requestID: 1)
        #expect(frame.count <= Frame.maximumByteCount)
        #expect(try Reply.decode(frame).reply == .list(page, more: false))
    }

    @Test func longListIsCutAndSaysSo() throws {
        let all = try (0...Reply.maximumListCount).map { try description("segment-\($0)") }
        let decoded = try Reply.decode(Reply.list(all, more: false).encoded(requestID: 1)).reply
        #expect(decoded == .list([SegmentDescription](all.dropLast()), more: true))
    }

    @Test func longTextIsCutAtACharacter() throws {
        for padding in 0..<4 {
            let kept = String(repeating: "x", count: padding) + String(repeating: "€", count: (512 - padding) / 3)
            let failure = Failure(error: 1, text: kept + "€€")
            let decoded = try Reply.decode(Reply.failure(failure).encoded(requestID: 1)).reply
            #expect(decoded == .failure(Failure(error: 1, text: kept)))
        }
    }

    @Test func malformedTextIsRefused() throws {
        var frame = Reply.failure(Failure(error: 1, text: "abc")).encoded(requestID: 1)
        frame[16 + 24 + 1] = 0xff
        #expect(throws: DecodingFailure.text) { try Reply.decode(frame) }
    }
}
