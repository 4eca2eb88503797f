import SharedMem
import TestSupport
import Testing

/// The segment `default`, served by a daemon of this build for one test.
struct ServedSegment {
    private let daemon: DaemonProcess

    init(size: String = "1MiB") throws {
        daemon = try DaemonProcess(
            configuration: """
                memory-limit: 1GiB
                segments:
                  default:
                    size: \(size)
                    mode: "0666"
                """)
    }

    /// Where its daemon listens.
    var socketPath: String { daemon.socketPath }

    /// Attaches once more, by a session of its own.
    func open(_ access: Segment.Access = .readWrite) throws(SharedMemError) -> Segment {
        try Segment.open("default", access: access, socketPath: socketPath)
    }
}

/// The code of what `body` throws; nil: it doesn't.
func failure<Result>(_ body: () throws -> Result) -> SharedMemError.Code? { error(body)?.code }

/// What `body` throws; nil: it doesn't.
func error<Result>(_ body: () throws -> Result) -> SharedMemError? {
    do {
        _ = try body()
    } catch let error as SharedMemError {
        return error
    } catch {
        Issue.record("another error: \(error)")
    }
    return nil
}
