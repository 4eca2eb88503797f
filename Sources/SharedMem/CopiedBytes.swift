internal import SharedMemStore

/// An array that a read has filled, and what the read said.
struct CopiedBytes<Info> {
    /// The bytes.
    let bytes: [UInt8]
    /// What is known of them.
    let info: Info

    /// Lets `read` fill an array, and a larger one as long as it throws that it needs more.
    ///
    /// `read` returns what it knows and how many bytes it has filled. Allocates; the first array has room for small
    /// values.
    static func filled<Failure: BufferError>(
        _ read: (UnsafeMutableRawBufferPointer) throws(Failure) -> (Info, Int)
    ) throws(Failure) -> CopiedBytes {
        var capacity = 256
        while true {
            var outcome: Result<Info, Failure>?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                do throws(Failure) {
                    let (info, filled) = try unsafe read(UnsafeMutableRawBufferPointer(buffer))
                    count = filled
                    outcome = .success(info)
                } catch {
                    outcome = .failure(error)
                }
            }
            switch outcome {
            case .success(let info): return CopiedBytes(bytes: bytes, info: info)
            case .failure(let failure):
                // The value may have grown since: each round makes room for what was seen last.
                guard let needed = failure.bufferByteCount else { throw failure }
                capacity = needed
            case nil: continue
            }
        }
    }
}

extension CopiedBytes<Sighting> {
    /// Reads a key as of a commit number.
    static func sighted(
        _ key: RawSpan, _ hash: KeyHash, asOf moment: UInt64, in store: Store
    ) throws(StoreError) -> CopiedBytes {
        try unsafe key.withUnsafeBytes { (key) throws(StoreError) in
            try unsafe filled { (buffer) throws(StoreError) in
                let sighting = try unsafe store.sight(key, hash, asOf: moment, into: buffer)
                guard case .found(let info, _) = sighting else { return (sighting, 0) }
                guard info.byteCount <= buffer.count else { throw .bufferTooSmall(needed: info.byteCount) }
                return (sighting, info.byteCount)
            }
        }
    }
}

/// An error that may say that a buffer was too small.
protocol BufferError: Error {
    /// The bytes that were needed; nil: something else failed.
    var bufferByteCount: Int? { get }
}

extension StoreError: BufferError {
    var bufferByteCount: Int? {
        if case .bufferTooSmall(let needed) = self { needed } else { nil }
    }
}

extension SharedMemError: BufferError {
    var bufferByteCount: Int? { code == .bufferTooSmall ? Int(exactly: needed) : nil }
}
