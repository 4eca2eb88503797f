internal import LinuxIPC
internal import SharedMem

/// Why a command ends without having done all it was asked: one sentence and an exit status.
struct Failure: Error, Equatable {
    /// What the program exits with.
    let status: ExitStatus
    /// One sentence without a full stop.
    let text: String

    /// Makes a failure of its parts.
    init(_ status: ExitStatus, _ text: String) {
        self.status = status
        self.text = text
    }

    /// Makes a failure of what the client library reports.
    init(_ error: SharedMemError) {
        self.init(ExitStatus(error.code), error.description)
    }

    /// Makes a failure of what the kernel answered to `action`, as in "can't read 'a'".
    init(_ action: String, _ error: Errno) {
        let status: ExitStatus =
            switch error {
            case .notPermitted, .permissionDenied: .notPermitted
            default: .inputOutput
            }
        self.init(status, "\(action): \(error.description)")
    }
}

extension Failure {
    /// Runs `body` and turns what the client library throws into a failure.
    static func reporting<Result>(_ body: () throws(SharedMemError) -> Result) throws(Failure) -> Result {
        do throws(SharedMemError) {
            return try body()
        } catch {
            throw Failure(error)
        }
    }
}
