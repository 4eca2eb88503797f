/// What an index slot holds: where a record is, and the low half of its version; zero is an empty slot.
@usableFromInline
package struct Reference: Equatable, Sendable {
    /// The block in the high half, the low half of the version in the low half.
    @usableFromInline
    package let bits: UInt64

    /// The word of a slot.
    @inlinable @inline(__always)
    package init(bits: UInt64) { self.bits = bits }

    /// Names the record of `version` at `block`.
    @inlinable @inline(__always)
    package init(_ block: Block, version: UInt64) {
        bits = UInt64(block.number) << 32 | version & 0xffff_ffff
    }

    /// Whether the slot is empty.
    @inlinable @inline(__always)
    package var isEmpty: Bool { bits == 0 }

    /// Where the record is; not yet checked against any geometry.
    @inlinable @inline(__always)
    package var block: Block { Block(number: UInt32(truncatingIfNeeded: bits >> 32)) }

    /// Whether the record that was read there has the version that the slot named.
    @inlinable @inline(__always)
    package func names(version: UInt64) -> Bool {
        UInt32(truncatingIfNeeded: bits) == UInt32(truncatingIfNeeded: version)
    }
}

/// A place in the data file, counted in granules of 64 bytes from the start of the file; 0 is none.
@usableFromInline
package struct Block: Equatable, Sendable {
    /// Granules from the start of the file.
    @usableFromInline
    package let number: UInt32

    @inlinable @inline(__always)
    package init(number: UInt32) { self.number = number }

    /// No block: the header stands there.
    @inlinable @inline(__always)
    package static var none: Block { Block(number: 0) }

    /// Bytes from the start of the file.
    @inlinable @inline(__always)
    package var offset: Int { Int(number) &* 64 }
}
