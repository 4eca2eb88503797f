extension Mapping {
    /// Sleeps while the 32-bit word at `offset` holds `value`, at most so many nanoseconds; `futex(2)`.
    package borrowing func wait(at offset: Int, while value: UInt32, nanoseconds: UInt64) -> Futex.WaitResult {
        unsafe Futex.wait(on: word(at: offset), while: value, nanoseconds: nanoseconds)
    }

    /// Wakes at most `count` of those who sleep on the word at `offset`; `futex(2)`.
    package borrowing func wake(at offset: Int, count: Int32) {
        unsafe Futex.wake(word(at: offset), count: count)
    }

    /// Adds the word at `offset` to those that a thread sleeps on, as long as this mapping lives; false: they are too many.
    package borrowing func append(_ offset: Int, while value: UInt32, to words: inout FutexWords) -> Bool {
        unsafe words.append(word(at: offset), while: value)
    }

    private borrowing func word(at offset: Int) -> UnsafeMutablePointer<UInt32> {
        precondition(offset >= 0 && offset <= byteCount - 4 && offset & 3 == 0, "a word inside the mapping")
        return unsafe baseAddress.advanced(by: offset).assumingMemoryBound(to: UInt32.self)
    }
}
