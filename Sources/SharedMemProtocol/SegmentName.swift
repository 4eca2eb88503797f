internal import CSharedMem

/// A segment's name: 1 to 64 bytes of `[A-Za-z0-9._-]`, not starting with a dot.
///
/// Kept as bytes, so that comparing names needs no Unicode tables in the Embedded build.
package struct SegmentName: Hashable, Sendable {
    /// The name's bytes, all of them ASCII.
    package let bytes: [UInt8]

    /// The longest name, in bytes.
    package static var maximumByteCount: Int { Int(SHAREDMEM_NAME_MAX) }

    /// Makes a name of `bytes`, or nil if they break a rule.
    package init?(bytes: [UInt8]) {
        guard (1...Self.maximumByteCount).contains(bytes.count), bytes[0] != UInt8(ascii: ".") else { return nil }
        for byte in bytes where !Self.allows(byte) { return nil }
        self.bytes = bytes
    }

    /// Makes a name of `text`, or nil if it breaks a rule.
    package init?(_ text: String) {
        self.init(bytes: [UInt8](text.utf8))
    }

    /// Whether `byte` may stand in a name.
    static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension SegmentName: CustomStringConvertible {
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension SegmentName: Comparable {
    /// Orders names by their bytes, as LIST does.
    package static func < (left: SegmentName, right: SegmentName) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
