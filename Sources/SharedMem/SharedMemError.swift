internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore

/// Why an operation on a segment failed: a code, the errno if there is one, and the facts that are needed to act.
public struct SharedMemError: Error, Sendable {
    /// What kind of failure it is.
    public let code: Code
    /// The errno of Linux; 0: none belongs to it.
    public let errno: Int32
    /// What was needed, in bytes or pieces; 0: doesn't apply.
    public let needed: UInt64
    /// What there is or is allowed, in the same unit; 0: doesn't apply.
    public let available: UInt64
    private let sentence: Sentence

    init(
        _ code: Code, errno: Int32 = 0, needed: UInt64 = 0, available: UInt64 = 0,
        _ description: @autoclosure () -> String
    ) {
        self.init(code, errno: errno, needed: needed, available: available, Sentence(description()))
    }

    private init(_ code: Code, errno: Int32, needed: UInt64 = 0, available: UInt64 = 0, _ sentence: Sentence) {
        self.code = code
        self.errno = errno
        self.needed = needed
        self.available = available
        self.sentence = sentence
    }

    /// A kind of failure; more may be added.
    public struct Code: Equatable, Sendable {
        private enum Kind: UInt8 {
            case noSuchSegment, exists, notPermitted, readOnly, full, bufferTooSmall, lockTimeout, corrupted,
                notConnected
            case removed, versionSkew, quota, keyTooLong, valueTooLarge, invalidArgument, systemCall
            case versionDiffers, wrongType, outOfRange, busy
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// No segment has the name (ENOENT).
        public static var noSuchSegment: Code { Code(.noSuchSegment) }
        /// A segment has the name already (EEXIST).
        public static var exists: Code { Code(.exists) }
        /// The owner, group and mode don't allow it (EACCES).
        public static var notPermitted: Code { Code(.notPermitted) }
        /// A write through a read-only handle (EROFS).
        public static var readOnly: Code { Code(.readOnly) }
        /// There is no room (ENOSPC): `needed` and `available` are bytes.
        public static var full: Code { Code(.full) }
        /// The buffer is too small (EMSGSIZE): `needed` is the value's length in bytes.
        public static var bufferTooSmall: Code { Code(.bufferTooSmall) }
        /// The lock word wasn't free in time (ETIMEDOUT): the sentence says who has it and for how long, if that is known.
        public static var lockTimeout: Code { Code(.lockTimeout) }
        /// The segment's memory is not what a writer of ours leaves (EUCLEAN).
        public static var corrupted: Code { Code(.corrupted) }
        /// No daemon answers (ENOTCONN, or ETIMEDOUT from one that is there), or the one that owned the segment has been
        /// gone for longer than the grace time (ENOTCONN): the next call tries again.
        public static var notConnected: Code { Code(.notConnected) }
        /// The segment was removed while it was attached (EIDRM).
        public static var removed: Code { Code(.removed) }
        /// Client and daemon, or client and segment, have no version in common (EPROTONOSUPPORT).
        public static var versionSkew: Code { Code(.versionSkew) }
        /// A limit of the user is reached (EDQUOT).
        public static var quota: Code { Code(.quota) }
        /// The key is longer than 512 bytes (ENAMETOOLONG).
        public static var keyTooLong: Code { Code(.keyTooLong) }
        /// The value is larger than the segment's whole heap (ENOSPC).
        public static var valueTooLarge: Code { Code(.valueTooLarge) }
        /// A name or an option breaks a rule (EINVAL).
        public static var invalidArgument: Code { Code(.invalidArgument) }
        /// The key has another version than was asked for (ESTALE): `available` is what it has, 0 if it doesn't exist.
        public static var versionDiffers: Code { Code(.versionDiffers) }
        /// The value has another type than the operation works on (EMEDIUMTYPE).
        public static var wrongType: Code { Code(.wrongType) }
        /// The sum doesn't fit into 64 bits (ERANGE).
        public static var outOfRange: Code { Code(.outOfRange) }
        /// Writers changed what was to be read again and again (EAGAIN).
        public static var busy: Code { Code(.busy) }
        /// A system call failed: `errno` says how.
        public static var systemCall: Code { Code(.systemCall) }
    }
}

#if !hasFeature(Embedded)
    extension SharedMemError: CustomStringConvertible {
        /// One sentence without a full stop: what, which, and what was expected.
        public var description: String { sentence.description }
    }
#endif

// MARK: - From the layers below

extension SharedMemError {
    /// Whether there is no daemon, which may come back; one that is there and silent is another matter.
    var isAbsence: Bool { code == .notConnected && errno == Errno.notConnected.rawValue }

    /// A daemon that was there and isn't any more.
    static func daemonGone(_ path: String) -> SharedMemError {
        SharedMemError(
            .notConnected, errno: Errno.notConnected.rawValue,
            "the daemon at " + path + " is gone: see that sharedmemd runs")
    }

    /// A system call that failed at `doing` something.
    init(_ error: Errno, _ doing: @autoclosure () -> String) {
        self.init(.systemCall, errno: error.rawValue, doing() + ": " + error.description)
    }

    /// What the daemon refused.
    init(_ failure: Failure) {
        let code: Code =
            switch failure.error {
            case Errno.noSuchFileOrDirectory.rawValue: .noSuchSegment
            case Errno.fileExists.rawValue: .exists
            case Errno.permissionDenied.rawValue, Errno.notPermitted.rawValue: .notPermitted
            case Errno.noSpace.rawValue, Errno.noMemory.rawValue: .full
            case Errno.quotaExceeded.rawValue: .quota
            case Errno.protocolNotSupported.rawValue: .versionSkew
            case Errno.invalidArgument.rawValue: .invalidArgument
            case Errno.identifierRemoved.rawValue: .removed
            default: .systemCall
            }
        self.init(
            code, errno: failure.error, needed: failure.needed, available: failure.available, failure.text)
    }

    /// What the store of the segment `name` said.
    init(_ error: StoreError, segment name: String) {
        let sentence = Sentence(error, segment: name)
        switch error {
        case .full(let needed, let available):
            self.init(
                .full, errno: Errno.noSpace.rawValue, needed: UInt64(needed), available: UInt64(available), sentence)
        case .pinned(let needed, _, let kept):
            self.init(
                .full, errno: Errno.noSpace.rawValue, needed: UInt64(needed), available: UInt64(kept), sentence)
        case .valueTooLarge(let needed, let available):
            self.init(
                .valueTooLarge, errno: Errno.noSpace.rawValue, needed: UInt64(needed), available: UInt64(available),
                sentence)
        case .indexFull: self.init(.full, errno: Errno.noSpace.rawValue, sentence)
        case .bufferTooSmall(let needed):
            self.init(.bufferTooSmall, errno: Errno.messageTooLong.rawValue, needed: UInt64(needed), sentence)
        case .keyTooLong(let count):
            self.init(
                .keyTooLong, errno: Errno.fileNameTooLong.rawValue, needed: UInt64(count), available: 512, sentence)
        case .corrupted: self.init(.corrupted, errno: Errno.structureNeedsCleaning.rawValue, sentence)
        case .versionDiffers(let actual):
            self.init(.versionDiffers, errno: Errno.stale.rawValue, available: actual, sentence)
        case .wrongType: self.init(.wrongType, errno: Errno.wrongMediumType.rawValue, sentence)
        case .outOfRange: self.init(.outOfRange, errno: Errno.outOfRange.rawValue, sentence)
        case .busy: self.init(.busy, errno: Errno.wouldBlock.rawValue, sentence)
        case .retired: self.init(.notConnected, errno: Errno.notConnected.rawValue, sentence)
        case .removed: self.init(.removed, errno: Errno.identifierRemoved.rawValue, sentence)
        case .foreign: self.init(.versionSkew, errno: Errno.protocolNotSupported.rawValue, sentence)
        case .sizeOutOfRange, .tooManyEntries:
            self.init(.invalidArgument, errno: Errno.invalidArgument.rawValue, sentence)
        }
    }
}
