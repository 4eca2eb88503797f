internal import Glibc
internal import LinuxIPC
internal import SharedMem

extension Scene {
    /// Attaches to the segment, in the process that calls.
    ///
    /// A daemon that is killed while it greets somebody new lets that attempt fail: it's made again, for a minute at most.
    func open(_ access: Segment.Access) throws(Finding) -> Segment {
        let start = SystemClock.monotonic()
        while true {
            do throws(SharedMemError) {
                return try Segment.open(segmentName, access: access, socketPath: socketPath)
            } catch {
                guard error.code == .notConnected, SystemClock.monotonic() - start < 60_000_000_000 else {
                    throw Finding("opening the segment failed: \(error)")
                }
                usleep(1000)
            }
        }
    }
}
