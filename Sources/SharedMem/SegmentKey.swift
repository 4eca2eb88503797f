/// What can be a key: its bytes, 0 to 512 of them.
///
/// `String` (its UTF-8) and `[UInt8]` are; a program's own type can be, too.
public protocol SegmentKey {
    /// Runs `body` with the key's bytes.
    func withKeyBytes<Result, Failure: Error>(_ body: (RawSpan) throws(Failure) -> Result) throws(Failure) -> Result
}

extension [UInt8]: SegmentKey {
    /// Runs `body` with the key's bytes.
    public func withKeyBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(span.bytes)
    }
}

extension String: SegmentKey {
    /// Runs `body` with the key's bytes.
    public func withKeyBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var copy = self
        // Swift.Result carries what the closure throws: `withUTF8` knows no typed errors.
        let outcome: Swift.Result<Result, Failure> = copy.withUTF8 { bytes in
            do throws(Failure) {
                return .success(try unsafe body(UnsafeRawBufferPointer(bytes).bytes))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}

extension RawSpan {
    /// Where the bytes are; only for a call that the span outlives.
    ///
    /// What is done in a closure isn't always inlined into a read, and then costs a fifth of it.
    @unsafe @inline(__always)
    var pointer: UnsafeRawBufferPointer { unsafe withUnsafeBytes { unsafe $0 } }
}
