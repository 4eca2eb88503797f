import SharedMem
import Testing

/// Reads of many keys into one buffer.
@Suite struct ManyIntoBufferTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    private func value(_ key: Int) -> [UInt8] { [UInt8](repeating: UInt8(key), count: key * 7) }

    @Test(arguments: [Segment.Access.readOnly, .readWrite])
    func eachValueIsInItsPart(access: Segment.Access) throws {
        let writer = try served.open()
        var versions: [Int: UInt64] = [:]
        for key in 0..<50 where key % 3 != 0 { versions[key] = try writer.set("key \(key)", to: value(key)) }
        let segment = try served.open(access)
        let stride = 49 * 7
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 50 * stride, alignment: 8)
        defer { unsafe buffer.deallocate() }
        let found = try unsafe segment.get((0..<50).map { "key \($0)" }, into: buffer, stride: stride)
        #expect(found.count == 50)
        for (key, read) in found.enumerated() {
            #expect(read?.version == versions[key])
            guard let read else { continue }
            #expect(unsafe [UInt8](buffer[key * stride..<key * stride + read.byteCount]) == value(key))
        }
        #expect(try unsafe segment.get([] as [String], into: buffer, stride: stride).isEmpty)
    }

    @Test func valueThatIsTooLongForItsPartSaysHowLongItIs() throws {
        let segment = try served.open()
        try segment.set("short", to: value(1))
        try segment.set("long", to: value(100))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
        defer { unsafe buffer.deallocate() }
        do throws(SharedMemError) {
            _ = try unsafe segment.get(["short", "long"], into: buffer, stride: 32)
            Issue.record("a value of 700 bytes fitted into 32")
        } catch {
            #expect(error.code == .bufferTooSmall)
            #expect(error.needed == 700)
        }
    }

    @Test func expiredValueIsNotAmongThem() throws {
        let segment = try served.open()
        try segment.set("gone", to: 1, .expiring(in: .zero))
        try segment.set("stays a while", to: 2, .expiring(in: .seconds(1000)))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
        defer { unsafe buffer.deallocate() }
        let found = try unsafe segment.get(["gone", "stays a while"], into: buffer, stride: 8)
        #expect(found.map { $0?.byteCount } == [nil, 8])
        #expect(unsafe buffer.load(fromByteOffset: 8, as: Int64.self) == 2)
    }
}
