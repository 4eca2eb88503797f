internal import Glibc
internal import LinuxIPC

/// The system calls behind the three standard streams, which were open before the program began and stay so.
enum StandardStream {
    /// Writes all of `bytes`: `write(2)`.
    static func write(_ bytes: [UInt8], to descriptor: CInt) throws(Errno) {
        var done = 0
        while done < bytes.count {
            let rest = bytes[done...]
            // The buffer is the array's own and as long as it says.
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                done += count
            } else {
                try retry(errno, descriptor, POLLOUT)
            }
        }
    }

    /// Reads to the end, or answers nil when there are more than `limit` bytes: `read(2)`.
    static func readAll(from descriptor: CInt, limit: UInt64) throws(Errno) -> [UInt8]? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            // The buffer is the array's own and as long as it says.
            let count = unsafe piece.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0 {
                try retry(errno, descriptor, POLLIN)
            } else {
                bytes += piece[..<count]
                if UInt64(bytes.count) > limit { return nil }
            }
        }
    }

    /// Returns when a call that failed with `error` should be tried again: after a signal, or when another program
    /// has made the stream non-blocking and it is ready, `poll(2)`.
    private static func retry(_ error: CInt, _ descriptor: CInt, _ events: CInt) throws(Errno) {
        switch error {
        case EINTR: return
        case EAGAIN:
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            if unsafe poll(&entry, 1, -1) < 0, errno != EINTR { throw Errno(rawValue: errno) }
        default: throw Errno(rawValue: error)
        }
    }
}
