public import CSharedMem
public import Synchronization

/// One mapped file of a generation: the only type that holds a pointer into shared memory.
///
/// Every access is an aligned atomic of the word's own size, at an offset that the caller has taken from validated
/// geometry. Orderings are in the methods' names; a plain `load` or `store` is relaxed.
@safe
@usableFromInline
package struct SharedBytes: @unchecked Sendable {
    // Proof of @unchecked: the memory is shared between processes by design, and reached through atomics alone, but for
    // the bulk copies, whose result is validated before it is believed (out) or that go to unpublished blocks (in).
    @usableFromInline
    let base: UnsafeMutableRawPointer

    /// Bytes of the file.
    @usableFromInline
    package let byteCount: Int

    #if SHAREDMEM_TEST_HOOKS
        /// Where every store is noted, for a test that stops a writer after each of them.
        package var recorder: StoreRecorder?
        /// Whether this is the lock file, for the recorder.
        package var isLock = false
    #endif

    /// Takes a mapping of `byteCount` bytes at `pointer`, which must outlive the value and every copy of it.
    @unsafe
    package init(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe base = pointer
        self.byteCount = byteCount
    }

    @inlinable @inline(__always)
    func word64(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        assert(offset >= 0 && offset <= byteCount - 8 && offset & 7 == 0, "a word of 8 bytes inside the file")
        return unsafe base.advanced(by: offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    @inlinable @inline(__always)
    func word32(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
        assert(offset >= 0 && offset <= byteCount - 4 && offset & 3 == 0, "a word of 4 bytes inside the file")
        return unsafe base.advanced(by: offset).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
}

extension SharedBytes {
    /// Notes a store in a test that asked for it; nothing in a release build.
    @inline(__always)
    private func note(_ value: UInt64, _ offset: Int, byteCount: Int) {
        #if SHAREDMEM_TEST_HOOKS
            recorder?.steps.append(
                StoreRecorder.Step(isLock: isLock, offset: offset, value: value, byteCount: byteCount))
        #endif
    }

    /// Up to how many bytes a copy into the file is made of relaxed words.
    private var wordCopyLimit: Int {
        #if SHAREDMEM_TEST_HOOKS
            recorder == nil ? Self.bulkThreshold : Int.max
        #else
            Self.bulkThreshold
        #endif
    }
}

// MARK: - Loads

extension SharedBytes {
    /// Loads 8 bytes.
    @inlinable @inline(__always)
    package func load(_ offset: Int) -> UInt64 {
        unsafe word64(offset).pointee.load(ordering: .relaxed)
    }

    /// Loads 8 bytes; what the storer wrote before a releasing store of them is visible afterwards.
    @inlinable @inline(__always)
    package func loadAcquiring(_ offset: Int) -> UInt64 {
        unsafe word64(offset).pointee.load(ordering: .acquiring)
    }

    /// Begins to bring the cache line at `offset` nearer; any offset is allowed.
    @inlinable @inline(__always)
    package func prefetch(_ offset: Int) { unsafe sharedmem_prefetch(base.advanced(by: offset)) }

    /// Loads 4 bytes.
    @inlinable @inline(__always)
    package func load32(_ offset: Int) -> UInt32 {
        unsafe word32(offset).pointee.load(ordering: .relaxed)
    }

    /// Loads 4 bytes; what the storer wrote before a releasing store of them is visible afterwards.
    @inline(__always)
    package func loadAcquiring32(_ offset: Int) -> UInt32 {
        unsafe word32(offset).pointee.load(ordering: .acquiring)
    }
}

// MARK: - Stores

extension SharedBytes {
    /// Stores 8 bytes.
    @inline(__always)
    package func store(_ value: UInt64, _ offset: Int) {
        note(value, offset, byteCount: 8)
        unsafe word64(offset).pointee.store(value, ordering: .relaxed)
    }

    /// Stores 8 bytes after everything that was stored before.
    @inline(__always)
    package func storeReleasing(_ value: UInt64, _ offset: Int) {
        note(value, offset, byteCount: 8)
        unsafe word64(offset).pointee.store(value, ordering: .releasing)
    }

    /// Stores 4 bytes.
    @inline(__always)
    package func store32(_ value: UInt32, _ offset: Int) {
        note(UInt64(value), offset, byteCount: 4)
        unsafe word32(offset).pointee.store(value, ordering: .relaxed)
    }

    /// Stores 4 bytes after everything that was stored before.
    @inline(__always)
    package func storeReleasing32(_ value: UInt32, _ offset: Int) {
        note(UInt64(value), offset, byteCount: 4)
        unsafe word32(offset).pointee.store(value, ordering: .releasing)
    }

    /// Replaces `expected` by `desired`, acquiring, and returns what stood there.
    @inline(__always)
    package func exchangeAcquiring32(expected: UInt32, desired: UInt32, _ offset: Int) -> UInt32 {
        unsafe word32(offset).pointee.compareExchange(
            expected: expected, desired: desired, successOrdering: .acquiring, failureOrdering: .relaxed
        ).original
    }

    /// Replaces `expected` by `desired`, sequentially consistent, and returns what stood there.
    @inline(__always)
    package func exchangeSequential32(expected: UInt32, desired: UInt32, _ offset: Int) -> UInt32 {
        unsafe word32(offset).pointee.compareExchange(
            expected: expected, desired: desired, successOrdering: .sequentiallyConsistent, failureOrdering: .relaxed
        ).original
    }
}

extension SharedBytes {
    /// Sets bits of 8 bytes that other processes may change at the same time.
    package func setBits(_ bits: UInt64, _ offset: Int) {
        let result = unsafe word64(offset).pointee.bitwiseOr(bits, ordering: .sequentiallyConsistent)
        note(result.newValue, offset, byteCount: 8)
    }

    /// Adds to 4 bytes that other processes may change at the same time, after everything that was stored before; wraps.
    package func addReleasing32(_ summand: UInt32, _ offset: Int) {
        let result = unsafe word32(offset).pointee.wrappingAdd(summand, ordering: .releasing)
        note(UInt64(result.newValue), offset, byteCount: 4)
    }

    /// Raises 8 bytes that other processes may raise at the same time to at least `value`, after everything that was
    /// stored before.
    package func raiseReleasing(to value: UInt64, _ offset: Int) {
        let result = unsafe word64(offset).pointee.max(value, ordering: .releasing)
        note(result.newValue, offset, byteCount: 8)
    }

    /// Lends `count` bytes at `offset`, which nobody changes meanwhile: a pinned record's.
    package func withBytes<Result, Failure: Error>(
        at offset: Int, count: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        assert(offset >= 0 && count >= 0 && count <= byteCount - offset)
        return try unsafe body(UnsafeRawBufferPointer(start: base.advanced(by: offset), count: count))
    }
}

// MARK: - Bulk copies

extension SharedBytes {
    /// Up to here a loop of relaxed words, from here on `memcpy`.
    ///
    /// The loop is free of data races by the letter; `memcpy` is twice as fast from here on, is opaque to the compiler,
    /// and its result is validated like the loop's.
    @inlinable
    package static var bulkThreshold: Int { 256 }

    /// Copies `count` bytes from `offset`, a multiple of 8, to private memory.
    @inlinable @inline(__always)
    package func copyOut(_ offset: Int, to target: UnsafeMutableRawPointer, count: Int) {
        assert(offset >= 0 && count >= 0 && count <= byteCount - offset && offset & 7 == 0)
        if count == 64 {
            unsafe Self.copyLine(base.advanced(by: offset), to: target)
        } else {
            unsafe Self.copyAny(base.advanced(by: offset), to: target, count: count)
        }
    }

    /// Copies 64 bytes.
    @inlinable @inline(__always)
    static func copyLine(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
        #if arch(x86_64)
            // Half the instructions of eight words, and as opaque to the compiler as `memcpy`.
            unsafe sharedmem_copy_line(target, source)
        #else
            for position in stride(from: 0, to: 64, by: 8) {
                unsafe target.storeBytes(of: word(source + position), toByteOffset: position, as: UInt64.self)
            }
        #endif
    }

    @inlinable @inline(__always)
    static func word(_ source: UnsafeRawPointer) -> UInt64 {
        unsafe source.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .relaxed)
    }

    /// Copies any number of bytes: kept out of the callers, where its loops would take the registers.
    @usableFromInline @inline(never)
    static func copyAny(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int) {
        if count > Self.bulkThreshold {
            unsafe target.copyMemory(from: source, byteCount: count)
            return
        }
        var position = 0
        while position &+ 64 <= count {
            unsafe copyLine(source + position, to: target + position)
            position &+= 64
        }
        while position &+ 8 <= count {
            unsafe target.storeBytes(of: word(source + position), toByteOffset: position, as: UInt64.self)
            position &+= 8
        }
        if position < count {
            // The last word is inside the record's block: blocks end at multiples of 64.
            unsafe PrivateBytes.storeLastWord(word(source + position), target, from: position, to: count)
        }
    }

    /// Copies `count` private bytes to `offset`, a multiple of 8, and zeros up to the next multiple of 8.
    @inline(__always)
    package func copyIn(_ source: UnsafeRawPointer, count: Int, _ offset: Int) {
        assert(offset >= 0 && count >= 0 && count <= byteCount - offset && offset & 7 == 0)
        if count == 64 {
            unsafe copyLineIn(source, offset)
        } else {
            unsafe copyAnyIn(source, count: count, offset)
        }
    }

    /// Copies 64 private bytes.
    @inline(__always)
    private func copyLineIn(_ source: UnsafeRawPointer, _ offset: Int) {
        for position in stride(from: 0, to: 64, by: 8) {
            store(unsafe source.loadUnaligned(fromByteOffset: position, as: UInt64.self), offset &+ position)
        }
    }

    /// Copies any number of bytes: kept out of the callers, as `copyAnyOut(_:to:count:)`.
    @inline(never)
    private func copyAnyIn(_ source: UnsafeRawPointer, count: Int, _ offset: Int) {
        var position = 0
        if count > wordCopyLimit {
            position = count & ~7
            unsafe base.advanced(by: offset).copyMemory(from: source, byteCount: position)
        } else {
            while position &+ 64 <= count {
                unsafe copyLineIn(source + position, offset &+ position)
                position &+= 64
            }
            while position &+ 8 <= count {
                store(unsafe source.loadUnaligned(fromByteOffset: position, as: UInt64.self), offset &+ position)
                position &+= 8
            }
        }
        if position < count {
            store(unsafe PrivateBytes.lastWord(source, from: position, to: count), offset &+ position)
        }
    }

    /// Copies `count` bytes from `source` in another file to `offset`, both multiples of 8, and zeros up to the next
    /// multiple of 8.
    package func copy(_ other: SharedBytes, _ source: Int, count: Int, to offset: Int) {
        assert(source >= 0 && count >= 0 && count <= other.byteCount - source && source & 7 == 0)
        unsafe copyIn(other.base.advanced(by: source), count: count, offset)
    }

    /// Whether the `count` bytes at `offset`, a multiple of 8, and the zeros up to the next multiple of 8 are `other`'s.
    @inlinable @inline(__always)
    package func equals(_ other: UnsafeRawPointer, count: Int, _ offset: Int) -> Bool {
        var difference: UInt64 = 0
        var position = 0
        while position &+ 8 <= count {
            difference |=
                load(offset &+ position) ^ (unsafe other.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position &+= 8
        }
        if position < count {
            difference |= load(offset &+ position) ^ (unsafe PrivateBytes.lastWord(other, from: position, to: count))
        }
        return difference == 0
    }
}

/// What is done to bytes that no other process sees.
@usableFromInline
enum PrivateBytes {
    /// The bytes from `start` to `end`, fewer than 8, as a little-endian word with zeros behind them; none before 0.
    @inlinable @inline(__always)
    static func lastWord(_ source: UnsafeRawPointer, from start: Int, to end: Int) -> UInt64 {
        if end >= 8 {
            let word = unsafe source.loadUnaligned(fromByteOffset: end &- 8, as: UInt64.self)
            return word &>> UInt64(truncatingIfNeeded: (8 &- (end &- start)) &* 8)
        }
        var word: UInt64 = 0
        var position = end
        while position > start {
            position &-= 1
            word = word << 8 | UInt64(unsafe source.load(fromByteOffset: position, as: UInt8.self))
        }
        return word
    }

    /// Stores the low bytes of `word` from `start` to `end`, fewer than 8.
    @inlinable @inline(__always)
    static func storeLastWord(_ word: UInt64, _ target: UnsafeMutableRawPointer, from start: Int, to end: Int) {
        var rest = word
        var position = start
        if end &- position >= 4 {
            unsafe target.storeBytes(of: UInt32(truncatingIfNeeded: rest), toByteOffset: position, as: UInt32.self)
            rest >>= 32
            position &+= 4
        }
        if end &- position >= 2 {
            unsafe target.storeBytes(of: UInt16(truncatingIfNeeded: rest), toByteOffset: position, as: UInt16.self)
            rest >>= 16
            position &+= 2
        }
        if position < end {
            unsafe target.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: position, as: UInt8.self)
        }
    }
}
