internal import CSharedMem

extension Store {
    /// Adds `delta` to the integer at `key`, which counts as 0 if the key doesn't exist, and returns the sum.
    ///
    /// Only for the owner of the lock word. Works on values of the type i64 and on text that is a whole decimal number;
    /// the result is an i64. Its expiry stays. Throws `wrongType` or `outOfRange` and leaves the value.
    package func add(
        _ delta: Int64, to key: UnsafeRawBufferPointer, at time: UInt64, bootTime: () -> UInt64
    ) throws(StoreError) -> Int64 {
        let hash = try unsafe hashForWriting(key)
        let old = unsafe try position(of: key, hash)
        var options = SetOptions()
        options.type = UInt8(SHAREDMEM_TYPE_I64)
        var number: Int64 = 0
        if let old, !isExpired(old, bootTime: bootTime) {
            number = try integer(at: old)
            options.expiresAt = data.load(old.record.offset &+ Int(sharedmem_record_expires_at))
        }
        let sum = number.addingReportingOverflow(delta)
        guard !sum.overflow else { throw .outOfRange }
        let extent = try extent(keyByteCount: key.count, valueByteCount: 8)
        let slot: Int
        if let old { slot = old.slotOffset } else { slot = try newSlot(hash) }
        var bytes = sum.partialValue.littleEndian
        _ = try unsafe withUnsafeBytes(of: &bytes) { (value) throws(StoreError) in
            try unsafe replace(old, slot, extent, key, with: value, at: time, options)
        }
        return sum.partialValue
    }

    /// The integer that a value is.
    private func integer(at position: Position) throws(StoreError) -> Int64 {
        let header = RecordHeader(data, at: position.record.offset)
        let count = position.extent.valueByteCount
        let start = position.record.valueOffset(position.extent)
        if header.type == UInt8(SHAREDMEM_TYPE_I64), count == 8 { return Int64(bitPattern: data.load(start)) }
        guard header.type == UInt8(SHAREDMEM_TYPE_BYTES) || header.type == UInt8(SHAREDMEM_TYPE_UTF8),
            (1...20).contains(count)
        else { throw .wrongType(header.type) }
        // At most 20 bytes: three words, byte by byte.
        var digits = DecimalDigits()
        for index in 0..<count {
            let word = data.load(start &+ (index & ~7))
            guard digits.take(UInt8(truncatingIfNeeded: word >> UInt64((index & 7) &* 8))) else {
                throw .wrongType(header.type)
            }
        }
        guard let number = digits.number else { throw .wrongType(header.type) }
        return number
    }
}

/// A whole decimal number, digit by digit, with a sign or without.
struct DecimalDigits {
    private var magnitude: UInt64 = 0
    private var isNegative = false
    private var digitCount = 0
    private var hasSign = false

    /// Takes the next character; false: it isn't part of a number of 64 bits.
    mutating func take(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-") where digitCount == 0 && !hasSign:
            isNegative = true
            hasSign = true
        case UInt8(ascii: "+") where digitCount == 0 && !hasSign: hasSign = true
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            let tens = magnitude.multipliedReportingOverflow(by: 10)
            let sum = tens.partialValue.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if tens.overflow || sum.overflow { return false }
            magnitude = sum.partialValue
            digitCount += 1
        default: return false
        }
        return true
    }

    /// The number; nil: there were no digits, or it has no room in 64 bits.
    var number: Int64? {
        guard digitCount > 0 else { return nil }
        if isNegative { return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
        return Int64(exactly: magnitude)
    }
}
