import SharedMemProtocol
import Testing

struct DecodingFailureTests {
    /// Returns why `frame` is refused after `bytes` were put at `offset`.
    private func failure(
        _ frame: [UInt8], at offset: Int, _ bytes: UInt8..., decode: ([UInt8]) throws(DecodingFailure) -> Void
    ) -> DecodingFailure? {
        var frame = frame
        frame.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        do throws(DecodingFailure) {
            try decode(frame)
            return nil
        } catch {
            return error
        }
    }

    /// Decodes a request and drops it.
    private func decodeRequest(_ frame: [UInt8]) throws(DecodingFailure) { _ = try Request.decode(frame) }
    /// Decodes a reply and drops it.
    private func decodeReply(_ frame: [UInt8]) throws(DecodingFailure) { _ = try Reply.decode(frame) }

    @Test func headerIsChecked() throws {
        let frame = Request.detach(segmentID: 1).encoded(requestID: 1)
        #expect(failure(frame, at: 0, 0, decode: decodeRequest) == .magic(0x434d_4800))
        #expect(failure(frame, at: 4, 2, decode: decodeRequest) == .major(2))
        #expect(failure(frame, at: 6, 0x7f, decode: decodeRequest) == .type(0x7f))
        #expect(failure(frame, at: 6, 0xff, 0xff, decode: decodeRequest) == .type(0xffff))
        #expect(failure(frame, at: 8, 25, decode: decodeRequest) == .length(25, byteCount: 24))
        #expect(
            failure(frame, at: 6, 2, decode: decodeRequest) == .messageByteCount(8, expected: 80, type: 2))
    }

    @Test func requestFieldsAreChecked() throws {
        let hello = Request.hello(Hello(majors: 1...1, features: 0, program: [], attach: nil)).encoded(requestID: 1)
        #expect(failure(hello, at: 16, 2, decode: decodeRequest) == .majors(oldest: 2, newest: 1))
        #expect(failure(hello, at: 20, 2, decode: decodeRequest) == .access(2))
        #expect(failure(hello, at: 20, 1, decode: decodeRequest) == .name)
        #expect(failure(hello, at: 33, 1, decode: decodeRequest) == .reserved)
        #expect(failure(hello, at: 104, 0x61, decode: decodeRequest) == .reserved)
        var named = hello
        named[104] = 0x61
        #expect(failure(named, at: 96, 1, decode: decodeRequest) == .nameWithoutAccess)
        let attach = Request.attach(try name("a"), .readOnly).encoded(requestID: 1)
        #expect(failure(attach, at: 16, 0, decode: decodeRequest) == .access(0))
        #expect(failure(attach, at: 20, 1, decode: decodeRequest) == .reserved)
        #expect(failure(attach, at: 24, 65, decode: decodeRequest) == .name)
        #expect(failure(attach, at: 28, 1, decode: decodeRequest) == .reserved)
        for byte in [UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: " "), 0, 0x80] {
            #expect(failure(attach, at: 32, byte, decode: decodeRequest) == .name)
        }
        #expect(failure(attach, at: 33, 0x61, decode: decodeRequest) == .reserved)
        let watch = Request.watch(WatchRequest(segmentID: 1, generation: 1, words: WatchSet(segment: true)))
            .encoded(requestID: 1)
        #expect(failure(watch, at: 40, 2, decode: decodeRequest) == .boolean(2))
        #expect(failure(watch, at: 44, 1, decode: decodeRequest) == .reserved)
    }

    @Test func replyFieldsAreChecked() throws {
        let hello = Reply.hello(welcome(features: 0, session: 1, major: 1), attachment: nil).encoded(requestID: 1)
        #expect(failure(hello, at: 24, 0, decode: decodeReply) == .session(0))
        #expect(failure(hello, at: 24, 0xff, 0xff, 0xff, 0x3f, decode: decodeReply) == .session(0x3fff_ffff))
        #expect(failure(hello, at: 30, 1, decode: decodeReply) == .reserved)
        var tokenless = hello
        tokenless.replaceSubrange(32..<48, with: repeatElement(0, count: 16))
        #expect(failure(tokenless, at: 32, 0, decode: decodeReply) == .token)
        #expect(failure(hello, at: 56, 1, decode: decodeReply) == .attachment)
        let attachment = Attachment(
            segmentID: 1, generation: 1, dataByteCount: 1, lockByteCount: 0, access: .readOnly)
        let attached = Reply.attached(attachment).encoded(requestID: 1)
        #expect(failure(attached, at: 16, 0, decode: decodeReply) == .attachment)
        #expect(failure(attached, at: 40, 1, decode: decodeReply) == .attachment)
        #expect(failure(attached, at: 48, 0, decode: decodeReply) == .access(0))
        let created = Reply.created(segmentID: 1).encoded(requestID: 1)
        #expect(failure(created, at: 16, 0, decode: decodeReply) == .segmentID)
        let list = Reply.list([], more: false).encoded(requestID: 1)
        #expect(failure(list, at: 16, 25, decode: decodeReply) == .count(25))
        #expect(
            failure(list, at: 16, 1, decode: decodeReply) == .messageByteCount(8, expected: 144, type: 0x8006))
        #expect(failure(list, at: 20, 2, decode: decodeReply) == .boolean(2))
        let refused = Reply.failure(Failure(error: 1, text: "")).encoded(requestID: 1)
        #expect(failure(refused, at: 16, 0, decode: decodeReply) == .error(0))
        #expect(failure(refused, at: 19, 0x80, decode: decodeReply) == .error(0x8000_0001))
        #expect(failure(refused, at: 20, 1, 2, decode: decodeReply) == .textByteCount(513))
        #expect(failure(refused, at: 40, 1, decode: decodeReply) == .reserved)
    }

    @Test func sentencesSayWhatWasExpected() {
        #expect(
            DecodingFailure.tooShort(byteCount: 3, minimum: 16).description
                == "the frame has 3 bytes, expected at least 16")
        #expect(
            DecodingFailure.magic(0xff).description
                == "the frame begins with 0xff, expected the magic 0x434d4853")
        #expect(
            DecodingFailure.name.description
                == "the segment's name is malformed, expected 1 to 64 of A-Z a-z 0-9 . _ - that don't start with a dot")
        #expect(DecodingFailure.access(2).description == "the access is 2, expected 1 (read) or 3 (read and write)")
        let all: [DecodingFailure] = [
            .tooShort(byteCount: 0, minimum: 16), .tooLong(byteCount: 5000), .magic(1), .major(2),
            .length(1, byteCount: 2), .type(99), .messageByteCount(1, expected: 2, type: 3), .name,
            .nameWithoutAccess, .access(2), .majors(oldest: 2, newest: 1), .reserved, .session(0), .segmentID,
            .attachment, .count(25), .boolean(2), .error(0), .textByteCount(513), .text,
        ]
        for failure in all {
            #expect(failure.description.contains(", expected "))
            #expect(!failure.description.hasSuffix("."))
        }
    }
}
