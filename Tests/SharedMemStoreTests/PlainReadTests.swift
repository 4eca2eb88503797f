import SharedMemStore
import Testing

/// The short way of reading, in an index that is as full as it may be.
@Suite struct PlainReadTests {
    /// Short keys are read otherwise than those of up to 8 bytes and of more than 16.
    private static let prefixes = ["k", "sixteen-", "longer than sixteen bytes "]

    private func key(_ number: Int) -> [UInt8] {
        Array((Self.prefixes[number % Self.prefixes.count] + String(number)).utf8)
    }

    private func plainGet(_ key: [UInt8], _ store: Store, _ buffer: UnsafeMutableRawBufferPointer) -> PlainValue {
        unsafe withUnsafePointer(to: store) { store in
            unsafe key.withUnsafeBytes { unsafe Store.plainGet(store, $0, into: buffer) }
        }
    }

    @Test func everyKeyIsFoundWhereverItStands() throws {
        let count = 6000
        let segment = try TestSegment(byteCount: 2 << 20, entryCount: UInt64(count))
        let store = try segment.writer()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
        defer { unsafe buffer.deallocate() }
        for number in 0..<count { try store.put(key(number), Array("value \(number)".utf8)) }
        for number in 0..<count {
            let plain = unsafe plainGet(key(number), store, buffer)
            #expect(plain.type >= 0)
            guard plain.type >= 0 else { continue }
            #expect(unsafe [UInt8](buffer[..<plain.byteCount]) == Array("value \(number)".utf8))
        }
        var absent = 0
        for number in count..<2 * count {
            let plain = unsafe plainGet(key(number), store, buffer)
            #expect(plain.type < 0)
            if plain.type == PlainValue.absent.type { absent += 1 }
        }
        // The others share a tag with a key that is there.
        #expect(absent > count * 8 / 10)
        _ = try store.remove(key(0))
        #expect(unsafe plainGet(key(0), store, buffer).type < 0)
    }

    /// Its slot names no block: the header, whose words read like the record of an empty key.
    @Test func deletedKeyWithoutBytesIsNotFound() throws {
        let segment = try TestSegment()
        let store = try segment.writer()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
        defer { unsafe buffer.deallocate() }
        try store.put([], [1, 2, 3])
        try store.remove([])
        #expect(unsafe plainGet([], store, buffer).type < 0)
    }
}
