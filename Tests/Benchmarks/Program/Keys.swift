/// The keys and values that all rows share, flat in memory, and a random order in which each is drawn equally often.
@safe
final class Keys {
    /// How many there are.
    let count: Int
    private let bytes: UnsafeMutableRawBufferPointer
    private let values: UnsafeMutableRawBufferPointer
    private let order: UnsafeMutableBufferPointer<Int32>
    private var position = 0

    static let keyByteCount = 16
    static let valueByteCount = 64

    /// Makes `count` keys.
    init(count: Int) {
        self.count = count
        unsafe bytes = .allocate(byteCount: count * Self.keyByteCount, alignment: 64)
        unsafe values = .allocate(byteCount: count * Self.valueByteCount, alignment: 64)
        unsafe order = .allocate(capacity: count)
        _ = unsafe order.initialize(from: (0..<Int32(count)).shuffled())
        for number in 0..<count {
            let digits = Array(String(number).utf8)
            let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: 12 - digits.count)
            unsafe bytes[(number * Self.keyByteCount)...].copyBytes(from: Array("key-".utf8) + zeros + digits)
            // The value names its key, so that a row that reads nothing is found out.
            let value = (0..<Self.valueByteCount).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
            unsafe values[(number * Self.valueByteCount)...].copyBytes(from: value)
        }
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe values.deallocate()
        unsafe order.deallocate()
    }

    /// The number of the next key.
    @inline(__always)
    func next() -> Int {
        position = position &+ 1 == count ? 0 : position &+ 1
        return Int(unsafe order[position])
    }

    /// The 16 bytes of a key.
    @inline(__always)
    func key(_ number: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: bytes[number &* Self.keyByteCount..<(number &+ 1) &* Self.keyByteCount])
    }

    /// The 64 bytes that belong to a key.
    @inline(__always)
    func value(_ number: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(
            rebasing: values[number &* Self.valueByteCount..<(number &+ 1) &* Self.valueByteCount])
    }

    /// Whether `buffer` holds the value of a key, as far as its last byte tells.
    @inline(__always)
    func isValue(_ buffer: UnsafeRawBufferPointer, of number: Int) -> Bool {
        unsafe buffer[Self.valueByteCount - 1]
            == UInt8(truncatingIfNeeded: number &* 31 &+ (Self.valueByteCount - 1))
    }
}
