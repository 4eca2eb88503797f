internal import LinuxIPC
internal import SharedMem

/// A value's bytes and what is known of them, of one and the same version.
struct StoredValue {
    /// The bytes as they are stored.
    let bytes: [UInt8]
    /// What is known of them.
    let info: ReadValue

    /// The value in digits if it is a number; nil: it isn't tagged as one, or hasn't a number's length.
    var digits: String? {
        if let number = integer { return String(number) }
        return double?.description
    }

    /// The integer that it is.
    private var integer: Int64? { unsafe Int64(valueBytes: bytes.span.bytes, type: info.type) }

    /// The floating-point number that it is.
    private var double: Double? { unsafe Double(valueBytes: bytes.span.bytes, type: info.type) }

    /// Adds the value to `object`: its bytes, what they are, and its version.
    func append(to object: inout JSONObject) {
        object.append("value", base64: bytes)
        if let integer {
            object.append("number", integer)
        } else if let double {
            object.append("number", double)
        } else if let text = String(validating: bytes, as: UTF8.self) {
            object.append("text", text)
        }
        object.append("type", info.type.text)
        object.append("version", info.version)
    }
}

extension Segment {
    /// The value of `key` with what is known of it; nil: there is no such key.
    func storedValue(_ key: [UInt8]) throws(SharedMemError) -> StoredValue? {
        var capacity = 4_096
        while true {
            var info: ReadValue?
            var failure: SharedMemError?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                do throws(SharedMemError) {
                    info = try unsafe get(key.span.bytes, into: UnsafeMutableRawBufferPointer(buffer))
                } catch {
                    failure = error
                }
                count = info?.byteCount ?? 0
            }
            guard let failure else { return info.map { StoredValue(bytes: bytes, info: $0) } }
            // The value may have grown since: each round makes room for what was seen last.
            guard failure.code == .bufferTooSmall, let needed = Int(exactly: failure.needed) else { throw failure }
            capacity = needed
        }
    }
}

// MARK: - Without the value

extension ValueMetadata {
    /// What is known of a value as lines of a name and a fact.
    var lines: [String] {
        let expiry =
            expiry.map {
                "\(Timestamp.text(nanoseconds: $0.atNanoseconds)) (in \(Lifetime.text(milliseconds: $0.inMilliseconds)))"
            }
        let facts = [
            ("version", String(version)),
            ("written", Timestamp.text(nanoseconds: writtenAtNanoseconds)),
            ("session", String(session)),
            ("type", type.text),
            ("length", "\(byteCount) \(byteCount == 1 ? "byte" : "bytes")"),
            ("expires", expiry ?? "never"),
        ]
        return facts.map { Table.padded($0.0, to: 9) + $0.1 }
    }

    /// Adds what is known of a value to `object`.
    func append(to object: inout JSONObject) {
        object.append("version", version)
        object.append("writtenAt", Timestamp.text(nanoseconds: writtenAtNanoseconds))
        object.append("session", session)
        object.append("type", type.text)
        object.append("byteCount", byteCount)
        if let expiry {
            object.append("expiresAt", Timestamp.text(nanoseconds: expiry.atNanoseconds))
            object.append("expiresInMilliseconds", expiry.inMilliseconds)
        } else {
            object.appendNull("expiresAt")
            object.appendNull("expiresInMilliseconds")
        }
    }

    /// When the value expires, by the wall clock and from now on; nil: never.
    ///
    /// The record counts by a clock that nobody can set; what is told here moves with the wall clock.
    private var expiry: (atNanoseconds: UInt64, inMilliseconds: UInt64)? {
        guard expiresAtNanoseconds != 0, expiresAtNanoseconds != .max else { return nil }
        let now = SystemClock.boottime()
        let rest = expiresAtNanoseconds > now ? expiresAtNanoseconds - now : 0
        let moment = SystemClock.realtime().addingReportingOverflow(rest)
        return (moment.overflow ? .max : moment.partialValue, rest / 1_000_000)
    }

    /// How long the value still lives; nil: until it is replaced or deleted.
    var remainingLifetime: Duration? {
        guard expiresAtNanoseconds != 0, expiresAtNanoseconds != .max else { return nil }
        let now = SystemClock.boottime()
        return .nanoseconds(expiresAtNanoseconds > now ? Int64(clamping: expiresAtNanoseconds - now) : 0)
    }
}
