/// Bytes cut into UTF-8 scalars and into single bytes that are part of none.
struct UTF8Pieces: Sequence, IteratorProtocol {
    /// One scalar, or one byte that is part of none.
    struct Piece: Equatable {
        /// The bytes as they were.
        let bytes: ArraySlice<UInt8>
        /// The scalar they encode, or nil.
        let scalar: Unicode.Scalar?
    }

    /// What is left.
    private var rest: ArraySlice<UInt8>

    /// Begins to cut `bytes`.
    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    /// Cuts the next piece off.
    mutating func next() -> Piece? {
        guard let first = rest.first else { return nil }
        let byteCount = Self.byteCount(startingWith: first)
        let bytes = rest.prefix(byteCount)
        if bytes.count == byteCount, let scalar = Self.scalar(of: bytes) {
            rest = rest.dropFirst(byteCount)
            return Piece(bytes: bytes, scalar: scalar)
        }
        let byte = rest.prefix(1)
        rest = rest.dropFirst()
        return Piece(bytes: byte, scalar: nil)
    }

    /// Says how many bytes a scalar has whose first one is `byte`.
    private static func byteCount(startingWith byte: UInt8) -> Int {
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
    }

    /// Decodes `bytes`, or answers nil if they aren't exactly one well-formed scalar.
    private static func scalar(of bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        return text.unicodeScalars.first
    }
}
