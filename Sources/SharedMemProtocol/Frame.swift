internal import CSharedMem

/// What every message has in common: a header, then fields in declared order.
package enum Frame {
    /// The longest frame, in bytes.
    package static var maximumByteCount: Int { Int(SHAREDMEM_FRAME_MAX) }

    /// Bytes of the header.
    package static var headerByteCount: Int { MemoryLayout<sharedmem_frame_header>.size }
}

/// A request and the number that its reply repeats.
package struct RequestFrame: Equatable, Sendable {
    /// Chosen by the client.
    package let requestID: UInt32
    /// What is asked.
    package let request: Request
}

/// A reply and the number of the request that it answers.
package struct ReplyFrame: Equatable, Sendable {
    /// The request's.
    package let requestID: UInt32
    /// What is answered.
    package let reply: Reply
}

/// The header of a frame, without what is the same in all of them.
struct FrameHeader: Equatable, Sendable {
    /// What the frame is.
    let type: MessageType
    /// Which request this is, or answers.
    let requestID: UInt32
}
