internal import CSharedMem

/// Why a frame is not a message of this protocol.
package enum DecodingFailure: Error, Equatable, Sendable {
    /// The frame is shorter than a header or than its message.
    case tooShort(byteCount: Int, minimum: Int)
    /// The frame is longer than any message may be.
    case tooLong(byteCount: Int)
    /// The frame doesn't begin with the magic.
    case magic(UInt32)
    /// The header is of another format.
    case major(UInt16)
    /// The header's length isn't the frame's.
    case length(UInt32, byteCount: Int)
    /// No message of this direction has this type.
    case type(UInt16)
    /// The message has another size than its type prescribes.
    case messageByteCount(Int, expected: Int, type: UInt16)
    /// The name breaks a rule.
    case name
    /// A name stands where none may be.
    case nameWithoutAccess
    /// The access is none of those that may stand here.
    case access(UInt32)
    /// The oldest protocol is newer than the newest.
    case majors(oldest: UInt16, newest: UInt16)
    /// Bytes that must be 0 aren't.
    case reserved
    /// The session id is 0 or doesn't fit a lock word.
    case session(UInt32)
    /// The token is 0.
    case token
    /// A word names a state that there isn't.
    case state(UInt32)
    /// The segment id is 0.
    case segmentID
    /// An attachment that is none, or read-only, carries what only others do.
    case attachment
    /// A list claims more entries than a reply may hold.
    case count(UInt32)
    /// A word that is 0 or 1 is something else.
    case boolean(UInt32)
    /// The error isn't a positive errno.
    case error(UInt32)
    /// The text claims more bytes than there may be.
    case textByteCount(UInt32)
    /// The text isn't UTF-8.
    case text
}

extension DecodingFailure: CustomStringConvertible {
    /// What was wrong and what was expected, in one sentence without a full stop.
    package var description: String {
        switch self {
        case .tooShort(let byteCount, let minimum):
            "the frame has " + String(byteCount) + " bytes, expected at least " + String(minimum)
        case .tooLong(let byteCount):
            "the frame has " + String(byteCount) + " bytes, expected at most " + String(Frame.maximumByteCount)
        case .magic(let magic):
            "the frame begins with 0x" + String(magic, radix: 16) + ", expected the magic 0x"
                + String(SHAREDMEM_CONTROL_MAGIC, radix: 16)
        case .major(let major):
            "the frame's header has format " + String(major) + ", expected " + String(SHAREDMEM_CONTROL_MAJOR)
        case .length(let length, let byteCount):
            "the frame's header says " + String(length) + " bytes, expected the " + String(byteCount) + " received"
        case .type(let type):
            "the frame's type is " + String(type) + ", expected one of protocol "
                + String(SHAREDMEM_CONTROL_MAJOR) + " in this direction"
        case .messageByteCount(let byteCount, let expected, let type):
            "the message of type " + String(type) + " has " + String(byteCount) + " bytes, expected "
                + String(expected)
        case .name:
            "the segment's name is malformed, expected 1 to " + String(SegmentName.maximumByteCount)
                + " of A-Z a-z 0-9 . _ - that don't start with a dot"
        case .nameWithoutAccess: "the message names a segment without an access, expected both or neither"
        case .access(let access):
            "the access is " + String(access) + ", expected " + String(SHAREDMEM_ACCESS_READ) + " (read) or "
                + String(SHAREDMEM_ACCESS_READ_WRITE) + " (read and write)"
        case .majors(let oldest, let newest):
            "the protocols spoken are " + String(oldest) + " to " + String(newest)
                + ", expected the oldest one first"
        case .reserved: "reserved bytes are not zero, expected zeros"
        case .session(let session):
            "the session id is " + String(session) + ", expected 1 to " + String(SHAREDMEM_LOCK_SESSION - 1)
        case .token: "the session's token is 0, expected another number"
        case .state(let state): "a state is " + String(state) + ", expected one of those of protocol 1"
        case .segmentID: "the segment id is 0, expected another number"
        case .attachment:
            "the attachment has a lock file without write access or a size without a segment, expected neither"
        case .count(let count):
            "the list has " + String(count) + " entries, expected at most " + String(SHAREDMEM_LIST_MAX)
        case .boolean(let value): "a yes-or-no word is " + String(value) + ", expected 0 or 1"
        case .error(let error): "the error is " + String(error) + ", expected a positive errno"
        case .textByteCount(let byteCount):
            "the error's text has " + String(byteCount) + " bytes, expected at most "
                + String(SHAREDMEM_ERROR_TEXT_MAX)
        case .text: "the error's text is malformed, expected UTF-8"
        }
    }
}
