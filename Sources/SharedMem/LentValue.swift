internal import SharedMemStore

/// A value that is lent for as long as this object lives: where it is, under a pin, or as a private copy.
@safe
package final class LentValue {
    /// The value's bytes, valid while this object lives.
    package let bytes: UnsafeRawBufferPointer
    /// What was read.
    package let value: ReadValue
    /// nil: the bytes are a copy.
    private let pin: HeldPin?
    /// Keeps the memory mapped.
    private let segment: Segment

    init(_ value: PinnedValue, in loan: Segment.Loan, segment: Segment) {
        unsafe bytes = loan.store.withBytes(of: value) { bytes in unsafe bytes.bytes.pointer }
        self.value = ReadValue(value.info)
        pin = loan.pin
        self.segment = segment
    }

    init(_ copied: CopiedBytes<ReadValue>, segment: Segment) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: copied.bytes.count, alignment: 8)
        unsafe copy.copyBytes(from: copied.bytes)
        unsafe bytes = UnsafeRawBufferPointer(copy)
        value = copied.info
        pin = nil
        self.segment = segment
    }

    deinit {
        if let pin { pin.end() } else { unsafe bytes.deallocate() }
    }
}

extension Segment {
    /// Lends the value of `key` until the object goes; nil: there is no such key.
    ///
    /// As `withValue(of:_:)`.
    package func lend(_ key: [UInt8]) throws(SharedMemError) -> LentValue? {
        if let loan = try loan(of: key) {
            guard let value = loan.value else {
                loan.pin.end()
                return nil
            }
            return LentValue(value, in: loan, segment: self)
        }
        guard let copied = try unsafe bytes(key.span.bytes) else { return nil }
        return LentValue(copied, segment: self)
    }
}
