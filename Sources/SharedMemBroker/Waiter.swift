internal import SharedMemProtocol

/// A request that needs a segment's memory.
struct Waiter: Sendable {
    /// Who asked, and in which request.
    let call: Call
    /// What for.
    let purpose: Purpose

    /// What a request needs a segment's memory for.
    enum Purpose: Sendable {
        /// The first attach, answered together with HELLO.
        case hello(Greeting, Access)
        /// One more attachment of a session.
        case attach(Access)
        /// The segment itself, for the client that creates it.
        case create
        /// Its description.
        case show
    }
}

/// What an accepted HELLO is answered with.
struct Greeting: Sendable {
    /// The bits that both sides understand.
    let features: UInt64
    /// The session's id.
    let session: UInt32
    /// The protocol from here on.
    let major: UInt16
    /// What takes the session up again.
    let token: SessionToken

    /// What the reply carries.
    var welcome: Welcome { Welcome(features: features, session: session, major: major, token: token) }

    /// Makes the reply.
    func reply(_ attachment: Attachment?) -> Reply {
        .hello(welcome, attachment: attachment)
    }
}
