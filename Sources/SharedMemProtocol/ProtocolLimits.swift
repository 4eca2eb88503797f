internal import CSharedMem

/// What both sides of a connection agree on beforehand.
package enum ProtocolLimits {
    /// The majors that this implementation speaks.
    package static var majors: ClosedRange<UInt16> {
        UInt16(SHAREDMEM_CONTROL_MAJOR)...UInt16(SHAREDMEM_CONTROL_MAJOR)
    }

    /// The feature bits that this implementation understands.
    package static var features: UInt64 { pinsFeature | watchesFeature }

    /// The feature bit of `pin` and `unpin`, which an older daemon doesn't know.
    package static var pinsFeature: UInt64 { UInt64(SHAREDMEM_FEATURE_PINS) }

    /// The feature bit of `watch` and `unwatch`, which an older daemon doesn't know.
    package static var watchesFeature: UInt64 { UInt64(SHAREDMEM_FEATURE_WATCHES) }

    /// Bytes of what a program says it is, at most.
    package static var programByteCount: Int { Int(SHAREDMEM_PROGRAM_MAX) }

    /// Sessions that a daemon keeps at most.
    package static var sessionCount: Int { Int(SHAREDMEM_SESSIONS_MAX) }

    /// The session ids that fit a lock word.
    package static var sessionIDs: Range<UInt32> { 1..<UInt32(SHAREDMEM_LOCK_SESSION) }
}
