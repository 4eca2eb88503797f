internal import CSharedMem

/// What a frame is, as its header says.
struct MessageType: Equatable, Sendable {
    /// The number on the wire.
    let rawValue: UInt16

    /// Names the type with the number `rawValue`.
    init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// Names the type of one of the C header's constants.
    private init(_ constant: UInt32) {
        rawValue = UInt16(truncatingIfNeeded: constant)
    }

    /// Begins a connection.
    static var hello: MessageType { MessageType(SHAREDMEM_HELLO) }
    /// Asks for an attachment.
    static var attach: MessageType { MessageType(SHAREDMEM_ATTACH) }
    /// Gives an attachment back.
    static var detach: MessageType { MessageType(SHAREDMEM_DETACH) }
    /// Makes a segment.
    static var create: MessageType { MessageType(SHAREDMEM_CREATE) }
    /// Removes a segment's name.
    static var remove: MessageType { MessageType(SHAREDMEM_REMOVE) }
    /// Asks for a page of descriptions.
    static var list: MessageType { MessageType(SHAREDMEM_LIST) }
    /// Asks for one description.
    static var show: MessageType { MessageType(SHAREDMEM_SHOW) }
    /// Asks for a pin.
    static var pin: MessageType { MessageType(SHAREDMEM_PIN) }
    /// Gives a pin back.
    static var unpin: MessageType { MessageType(SHAREDMEM_UNPIN) }
    /// Takes a session up again, in the place of `hello`.
    static var reconnect: MessageType { MessageType(SHAREDMEM_RECONNECT) }
    /// Asks who has a lock word.
    static var whoHolds: MessageType { MessageType(SHAREDMEM_WHO_HOLDS) }
    /// Asks for a page of sessions.
    static var sessions: MessageType { MessageType(SHAREDMEM_SESSIONS) }
    /// Asks how the daemon is.
    static var statistics: MessageType { MessageType(SHAREDMEM_STATISTICS) }
    /// Asks to be told of changes.
    static var watch: MessageType { MessageType(SHAREDMEM_WATCH) }
    /// Asks not to be told any more.
    static var unwatch: MessageType { MessageType(SHAREDMEM_UNWATCH) }
    /// Refuses any request.
    static var error: MessageType { MessageType(SHAREDMEM_ERROR) }

    /// The type of the reply to a request of this type.
    var reply: MessageType { MessageType(UInt32(rawValue) | SHAREDMEM_REPLY) }
}
