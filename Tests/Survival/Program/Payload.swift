/// Values that show what they are: the tag of their key, their number, and words that follow from both.
enum Payload {
    private static let headByteCount = 16

    /// A value of at least 16 bytes, rounded up to whole words.
    static func make(tag: UInt64, number: UInt64, byteCount: Int) -> [UInt8] {
        let wordCount = max(2, (byteCount + 7) / 8)
        return unsafe [UInt8](unsafeUninitializedCapacity: wordCount * 8) { bytes, count in
            for index in 0..<wordCount {
                unsafe UnsafeMutableRawBufferPointer(bytes).storeBytes(
                    of: word(index, tag, number), toByteOffset: index * 8, as: UInt64.self)
            }
            count = wordCount * 8
        }
    }

    /// The number of a value of the key with this tag.
    static func number(of value: [UInt8], tag: UInt64) throws(Finding) -> UInt64 {
        guard value.count >= headByteCount, value.count % 8 == 0 else {
            throw Finding("the value of key \(name(tag)) has \(value.count) bytes")
        }
        let bytes = unsafe value.span.bytes
        let found = unsafe bytes.unsafeLoad(as: UInt64.self)
        guard found == tag else { throw Finding("key \(name(tag)) has the value of key \(name(found))") }
        let number = unsafe bytes.unsafeLoad(fromByteOffset: 8, as: UInt64.self)
        for index in 2..<max(2, value.count / 8)
        where unsafe bytes.unsafeLoad(fromByteOffset: index * 8, as: UInt64.self) != word(index, tag, number) {
            throw Finding("value \(number) of key \(name(tag)) is torn at byte \(index * 8) of \(value.count)")
        }
        return number
    }

    /// The tag of a client's key.
    static func tag(client: Int, key: Int) -> UInt64 { UInt64(client) << 8 | UInt64(key) }

    /// The name of the key with this tag.
    static func name(_ tag: UInt64) -> String { "c\(tag >> 8)-k\(tag & 0xff)" }

    private static func word(_ index: Int, _ tag: UInt64, _ number: UInt64) -> UInt64 {
        switch index {
        case 0: tag
        case 1: number
        default: (number &+ UInt64(index)) &* 0x9e37_79b9_7f4a_7c15 ^ tag
        }
    }
}
