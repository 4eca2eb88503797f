internal import SharedMem

/// What shmctl tells its caller when it ends, as `sysexits.h` numbers it.
enum ExitStatus: Int32 {
    /// Everything asked for was done.
    case success = 0
    /// There is no such key or no such segment.
    case missing = 1
    /// A condition wasn't met: a version differs, or a time is over.
    case notMet = 2
    /// The command line or standard input is wrong, or the value isn't one to work on so: EX_USAGE.
    case usage = 64
    /// No daemon answers, or one that speaks another protocol: EX_UNAVAILABLE.
    case unavailable = 69
    /// There is no room, or the name is taken: EX_CANTCREAT.
    case full = 73
    /// Reading or writing failed, or a segment is corrupted: EX_IOERR.
    case inputOutput = 74
    /// The caller may not: EX_NOPERM.
    case notPermitted = 77
}

extension ExitStatus {
    /// Chooses the status for what the client library reports.
    init(_ code: SharedMemError.Code) {
        switch code {
        case .noSuchSegment, .removed: self = .missing
        case .lockTimeout, .versionDiffers, .busy: self = .notMet
        case .invalidArgument, .keyTooLong, .wrongType: self = .usage
        case .notConnected, .versionSkew: self = .unavailable
        case .full, .quota, .exists, .valueTooLarge, .outOfRange: self = .full
        case .notPermitted, .readOnly: self = .notPermitted
        default: self = .inputOutput
        }
    }
}
