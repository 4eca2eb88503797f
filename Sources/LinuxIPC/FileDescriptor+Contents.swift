internal import CLinuxIPC

extension FileDescriptor {
    /// Reads from the current position to the end, or throws `fileTooLarge` after `limit` bytes; `read(2)`.
    package borrowing func readToEnd(atMost limit: Int = Int.max) throws(Errno) -> [UInt8] {
        let raw = rawValue
        // One byte more than the file has, so that the last call finds the end.
        let expected = min(try status().byteCount, UInt64(Int.max - 1))
        guard expected <= UInt64(limit) else { throw .fileTooLarge }
        var bytes = [UInt8](repeating: 0, count: max(Int(expected) + 1, 4096))
        var filled = 0
        while true {
            if filled == bytes.count { bytes.append(contentsOf: [UInt8](repeating: 0, count: bytes.count)) }
            let start = filled
            let count = try retryingWhenInterrupted {
                unsafe bytes.withUnsafeMutableBytes { room in
                    guard let base = room.baseAddress else { return 0 }
                    return unsafe read(raw, base + start, room.count - start)
                }
            }
            if count == 0 { break }
            filled += count
            guard filled <= limit else { throw .fileTooLarge }
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    /// Writes all of `bytes` at the current position; `write(2)`.
    package borrowing func writeAll(_ bytes: [UInt8]) throws(Errno) {
        let raw = rawValue
        var written = 0
        while written < bytes.count {
            let start = written
            let count = try retryingWhenInterrupted {
                unsafe bytes.withUnsafeBytes { rest in
                    guard let base = rest.baseAddress else { return 0 }
                    return unsafe write(raw, base + start, rest.count - start)
                }
            }
            guard count > 0 else { throw .ioError }
            written += count
        }
    }
}
