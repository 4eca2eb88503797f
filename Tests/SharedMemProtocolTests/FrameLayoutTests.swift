import CSharedMem
import SharedMemProtocol
import Testing

/// Compares frames with the C structs of the header, copied from memory.
struct FrameLayoutTests {
    /// Copies a C struct's memory.
    private func memory<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] {
        unsafe withUnsafeBytes(of: value) { unsafe [UInt8]($0) }
    }

    /// Copies `text` to the start of a C array.
    private func fill<Field: BitwiseCopyable>(_ field: inout Field, _ text: String) {
        unsafe withUnsafeMutableBytes(of: &field) { unsafe $0.copyBytes(from: text.utf8) }
    }

    /// Makes the C form of a name.
    private func cName(_ text: String) -> sharedmem_name {
        var name = sharedmem_name()
        name.byte_count = UInt32(text.utf8.count)
        fill(&name.bytes, text)
        return name
    }

    /// Makes the C form of a whole frame.
    private func frame(_ type: UInt32, _ message: [UInt8]) -> [UInt8] {
        let header = sharedmem_frame_header(
            magic: SHAREDMEM_CONTROL_MAGIC, major: UInt16(SHAREDMEM_CONTROL_MAJOR), type: UInt16(type),
            length: UInt32(16 + message.count), request_id: 0x0a0b_0c0d)
        return memory(header) + message
    }

    /// Encodes a request with the id that `frame` uses.
    private func encoded(_ request: Request) -> [UInt8] { request.encoded(requestID: 0x0a0b_0c0d) }
    /// Encodes a reply with the id that `frame` uses.
    private func encoded(_ reply: Reply) -> [UInt8] { reply.encoded(requestID: 0x0a0b_0c0d) }

    @Test func requestsAreTheHeadersStructs() throws {
        var hello = sharedmem_hello()
        hello.major_min = 1
        hello.major_max = 0x0203
        hello.access = SHAREDMEM_ACCESS_READ_WRITE
        hello.features = 0x0102_0304_0506_0708
        fill(&hello.program, "shmctl")
        hello.segment = cName("default")
        let request = Request.hello(
            Hello(
                majors: 1...0x0203, features: 0x0102_0304_0506_0708, program: [UInt8]("shmctl".utf8),
                attach: .init(segment: try name("default"), access: .readWrite)))
        #expect(encoded(request) == frame(SHAREDMEM_HELLO, memory(hello)))

        let attach = sharedmem_attach(access: SHAREDMEM_ACCESS_READ, reserved: 0, segment: cName("a"))
        #expect(encoded(.attach(try name("a"), .readOnly)) == frame(SHAREDMEM_ATTACH, memory(attach)))

        let detach = sharedmem_detach(segment_id: 0x1112_1314_1516_1718)
        #expect(encoded(.detach(segmentID: 0x1112_1314_1516_1718)) == frame(SHAREDMEM_DETACH, memory(detach)))

        var create = sharedmem_create()
        create.segment = cName("docs")
        create.byte_count = 1 << 33
        create.entry_count = 5
        create.mode = 0o640
        create.owner = 1000
        create.group = SHAREDMEM_UNCHANGED
        let definition = SegmentDefinition(
            name: try name("docs"), byteCount: 1 << 33, entryCount: 5, mode: 0o640, owner: 1000, group: nil)
        #expect(encoded(.create(definition)) == frame(SHAREDMEM_CREATE, memory(create)))

        let named = memory(sharedmem_segment_request(segment: cName("docs")))
        #expect(encoded(.remove(try name("docs"))) == frame(SHAREDMEM_REMOVE, named))
        #expect(encoded(.show(try name("docs"))) == frame(SHAREDMEM_SHOW, named))
        #expect(encoded(.list(after: try name("docs"))) == frame(SHAREDMEM_LIST, named))
        let pin = memory(sharedmem_pin_request(segment_id: 0x1112_1314_1516_1718))
        #expect(encoded(.pin(segmentID: 0x1112_1314_1516_1718)) == frame(SHAREDMEM_PIN, pin))
        #expect(encoded(.unpin(segmentID: 0x1112_1314_1516_1718)) == frame(SHAREDMEM_UNPIN, pin))
        #expect(encoded(.list(after: nil)) == frame(SHAREDMEM_LIST, memory(sharedmem_list())))

        let words = memory(
            sharedmem_watch_request(segment_id: 1 << 50, generation: 7, stripes: 1 << 63 | 5, segment: 1, reserved: 0))
        let watch = WatchRequest(
            segmentID: 1 << 50, generation: 7, words: WatchSet(stripes: 1 << 63 | 5, segment: true))
        #expect(encoded(.watch(watch)) == frame(SHAREDMEM_WATCH, words))
        #expect(encoded(.unwatch(watch)) == frame(SHAREDMEM_UNWATCH, words))
    }

    @Test func repliesAreTheHeadersStructs() throws {
        let attachment = sharedmem_attachment(
            segment_id: 1, generation: 2, data_byte_count: 1 << 40, lock_byte_count: 3,
            access: SHAREDMEM_ACCESS_READ_WRITE, reserved: 0)
        let value = Attachment(
            segmentID: 1, generation: 2, dataByteCount: 1 << 40, lockByteCount: 3, access: .readWrite)
        #expect(encoded(.attached(value)) == frame(SHAREDMEM_ATTACH | SHAREDMEM_REPLY, memory(attachment)))

        let token = sharedmem_token(words: (0x2122_2324_2526_2728, 0x3132_3334_3536_3738))
        let hello = sharedmem_hello_reply(
            features: 7, session_id: 0x0102_0304, major: 1, reserved: 0, token: token, attachment: attachment)
        #expect(
            encoded(.hello(welcome(features: 7, session: 0x0102_0304, major: 1), attachment: value))
                == frame(SHAREDMEM_HELLO | SHAREDMEM_REPLY, memory(hello)))
        let bare = sharedmem_hello_reply(
            features: 7, session_id: 1, major: 1, reserved: 0, token: token, attachment: sharedmem_attachment())
        #expect(
            encoded(.hello(welcome(features: 7, session: 1, major: 1), attachment: nil))
                == frame(SHAREDMEM_HELLO | SHAREDMEM_REPLY, memory(bare)))
        #expect(
            encoded(.reconnected(welcome(features: 7, session: 1, major: 1)))
                == frame(SHAREDMEM_RECONNECT | SHAREDMEM_REPLY, memory(bare)))

        #expect(encoded(.detached) == frame(SHAREDMEM_DETACH | SHAREDMEM_REPLY, []))
        #expect(encoded(.removed) == frame(SHAREDMEM_REMOVE | SHAREDMEM_REPLY, []))
        #expect(encoded(.pinned) == frame(SHAREDMEM_PIN | SHAREDMEM_REPLY, []))
        #expect(encoded(.unpinned) == frame(SHAREDMEM_UNPIN | SHAREDMEM_REPLY, []))
        #expect(encoded(.watched) == frame(SHAREDMEM_WATCH | SHAREDMEM_REPLY, []))
        #expect(encoded(.unwatched) == frame(SHAREDMEM_UNWATCH | SHAREDMEM_REPLY, []))
        let created = memory(sharedmem_create_reply(segment_id: 1 << 50))
        #expect(encoded(.created(segmentID: 1 << 50)) == frame(SHAREDMEM_CREATE | SHAREDMEM_REPLY, created))

        var entry = sharedmem_description()
        entry.segment = cName("docs")
        entry.segment_id = 0x1112_1314_1516_1718
        entry.generation = 2
        entry.data_byte_count = 0x2122_2324_2526_2728
        entry.lock_byte_count = 4096
        entry.created_at = 0x3132_3334_3536_3738
        entry.mode = 0o640
        entry.owner = 1000
        entry.group = 1001
        entry.sessions = 9
        entry.access = SHAREDMEM_ACCESS_READ
        entry.configured = 1
        let shown = try description("docs")
        #expect(encoded(.shown(shown)) == frame(SHAREDMEM_SHOW | SHAREDMEM_REPLY, memory(entry)))
        let list = memory(sharedmem_list_reply(count: 2, more: 1)) + memory(entry) + memory(entry)
        #expect(encoded(.list([shown, shown], more: true)) == frame(SHAREDMEM_LIST | SHAREDMEM_REPLY, list))

        var error = sharedmem_error()
        error.error = 28
        error.byte_count = 4
        error.needed = 10
        error.available = 9
        fill(&error.text, "full")
        #expect(
            encoded(.failure(Failure(error: 28, needed: 10, available: 9, text: "full")))
                == frame(SHAREDMEM_ERROR, memory(error)))
    }

    @Test func requestsForSessionsAreTheHeadersStructs() throws {
        let reconnect = sharedmem_reconnect(
            major_min: 1, major_max: 0x0203, session_id: 0x0102_0304, features: 9,
            token: sharedmem_token(words: (5, 6)))
        let request = Request.reconnect(
            Reconnect(
                majors: 1...0x0203, features: 9, session: 0x0102_0304, token: SessionToken(high: 5, low: 6)))
        #expect(encoded(request) == frame(SHAREDMEM_RECONNECT, memory(reconnect)))
        let holds = memory(sharedmem_who_holds(segment_id: 0x1112_1314_1516_1718))
        #expect(encoded(.whoHolds(segmentID: 0x1112_1314_1516_1718)) == frame(SHAREDMEM_WHO_HOLDS, holds))
        let sessions = memory(sharedmem_sessions(segment_id: 1 << 50, session_id: 7, reserved: 0))
        #expect(
            encoded(.sessions(after: SessionCursor(session: 7, segmentID: 1 << 50)))
                == frame(SHAREDMEM_SESSIONS, sessions))
        #expect(encoded(.sessions(after: nil)) == frame(SHAREDMEM_SESSIONS, memory(sharedmem_sessions())))
        #expect(encoded(.statistics) == frame(SHAREDMEM_STATISTICS, []))
    }

    @Test func repliesAboutSessionsAreTheHeadersStructs() throws {
        var holder = sharedmem_holder()
        holder.session_id = 5
        holder.state = SHAREDMEM_HOLDER_RESTORED
        holder.pid = 4711
        holder.uid = 1000
        holder.taken_at = 1 << 60
        fill(&holder.program, "worker")
        let value = Holder(
            session: 5, state: .restored, pid: 4711, uid: 1000, takenAt: 1 << 60, program: [UInt8]("worker".utf8))
        #expect(encoded(.holder(value)) == frame(SHAREDMEM_WHO_HOLDS | SHAREDMEM_REPLY, memory(holder)))

        var entry = sharedmem_session_description()
        entry.session_id = 0x0102_0304
        entry.state = SHAREDMEM_SESSION_ABANDONED
        entry.pid = 4711
        entry.uid = 1000
        entry.since = 0x4142_4344_4546_4748
        entry.holds_since = 0x5152_5354_5556_5758
        entry.segment_id = 9
        entry.access = SHAREDMEM_ACCESS_READ_WRITE
        entry.attached = 3
        entry.segment = cName("docs")
        fill(&entry.program, "grüße")
        let page = memory(sharedmem_sessions_reply(count: 1, more: 1)) + memory(entry)
        #expect(
            encoded(.sessions([try session(.abandoned, segment: "docs")], more: true))
                == frame(SHAREDMEM_SESSIONS | SHAREDMEM_REPLY, page))

        var statistics = sharedmem_statistics()
        statistics.started_at = 1 << 60
        statistics.first_started_at = 1 << 59
        statistics.restarts = 3
        statistics.byte_count = 4 << 40
        statistics.byte_limit = 5 << 40
        statistics.repairs = 6
        statistics.switches = 7
        statistics.segments = 8
        statistics.sessions = 9
        statistics.abandoned = 10
        statistics.stored = 11
        statistics.store_limit = 12
        statistics.kept_by = SHAREDMEM_KEPT_BY_KEEPER
        statistics.pid = 13
        statistics.uid = 14
        fill(&statistics.version, "1.2.3")
        fill(&statistics.status, "8 segments, 4 TiB")
        #expect(
            encoded(.statistics(someStatistics()))
                == frame(SHAREDMEM_STATISTICS | SHAREDMEM_REPLY, memory(statistics)))
    }
}
