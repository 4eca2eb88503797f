internal import CSystemd
internal import Glibc
internal import LinuxIPC
internal import SharedMemBroker

/// Waits for descriptors, timers and signals, on one thread; it owns an `sd_event(3)` and feeds the watchdog itself.
///
/// Nothing is called back: what libsystemd dispatches is noted in the inbox and handed out by `next()`, so that
/// whoever runs the loop keeps its state to itself.
@safe
struct EventLoop: ~Copyable {
    /// The loop of libsystemd; holds one reference.
    private let pointer: OpaquePointer
    /// Where the callbacks note what happened; outlives every source, since sources hold it too.
    private let inbox: Inbox

    /// Makes a loop that hands out `signals`, which are blocked from here on, also in threads started later.
    init(signals: [CInt]) throws(Errno) {
        var created: OpaquePointer?
        try unsafe Errno.check(sd_event_new(&created))
        guard let created = unsafe created else { throw Errno(rawValue: ENOMEM) }
        let inbox = Inbox()
        do throws(Errno) {
            try unsafe Errno.check(sd_event_set_watchdog(created, 1))
            try Self.block(signals)
            // Without a place for the source the loop owns it.
            for signal in signals {
                try unsafe Errno.check(sd_event_add_signal(created, nil, signal, signalCame, inbox.context))
            }
        } catch {
            unsafe sd_event_unref(created)
            throw error
        }
        unsafe pointer = created
        self.inbox = inbox
    }

    /// Blocks `signals` in this thread: `pthread_sigmask(3)`.
    private static func block(_ signals: [CInt]) throws(Errno) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        let error = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        guard error == 0 else { throw Errno(rawValue: error) }
    }

    deinit { unsafe sd_event_unref(pointer) }

    /// Watches a descriptor for input until the source goes; the source has to go before the descriptor is closed.
    ///
    /// Of what occurs at the same moment, that comes first which is urgent.
    func watch(
        _ descriptor: borrowing FileDescriptor, as token: Token, isUrgent: Bool = false
    ) throws(Errno) -> Source {
        var source: OpaquePointer?
        let input = EPOLLIN.rawValue | EPOLLRDHUP.rawValue
        try unsafe Errno.check(
            sd_event_add_io(pointer, &source, descriptor.rawValue, input, descriptorReady, inbox.context))
        guard let source = unsafe source else { throw Errno(rawValue: ENOMEM) }
        let made = unsafe Source(owning: source, token: token, inbox: inbox)
        if isUrgent { try made.setUrgent() }
        return made
    }

    /// Starts a timer that fires once, `milliseconds` from now, unless the source goes before.
    func timer(milliseconds: UInt64, as token: Token) throws(Errno) -> Source {
        var source: OpaquePointer?
        try unsafe Errno.check(
            sd_event_add_time_relative(
                pointer, &source, CLOCK_MONOTONIC, milliseconds * 1000, 0, timerFired, inbox.context))
        guard let source = unsafe source else { throw Errno(rawValue: ENOMEM) }
        return unsafe Source(owning: source, token: token, inbox: inbox)
    }

    /// Waits for the next occurrence.
    func next() throws(Errno) -> Occurrence {
        while true {
            if let occurrence = inbox.occurrence {
                inbox.occurrence = nil
                return occurrence
            }
            let result = unsafe sd_event_run(pointer, .max)
            if result != -EINTR { try Errno.check(result) }
        }
    }
}

extension EventLoop {
    /// What is watched.
    enum Token: Equatable {
        /// The listening socket.
        case listener
        /// The worker's results.
        case worker
        /// One connection.
        case peer(PeerID)
        /// The pause between two attempts to accept.
        case pause
        /// The pause between two status sentences.
        case status
        /// A process's descriptor.
        case process(ProcessIdentity)
        /// What waits for the service manager, by its number.
        case barrier(UInt64)
        /// The pause between two looks at generations that are retired.
        case retired
    }

    /// What happened.
    enum Occurrence: Equatable {
        /// A descriptor can be read; `isHungUp`: the other end has closed, perhaps behind unread messages.
        case readable(Token, isHungUp: Bool)
        /// A timer fired.
        case fired(Token)
        /// A signal came.
        case signal(CInt)
    }

    /// The loop's interest in one descriptor or timer; ends with this value.
    @safe
    struct Source: ~Copyable {
        /// The source of libsystemd; holds one reference.
        private let pointer: OpaquePointer
        /// Keeps the callbacks' context alive.
        private let inbox: Inbox

        fileprivate init(owning pointer: OpaquePointer, token: Token, inbox: Inbox) {
            unsafe self.pointer = unsafe pointer
            self.inbox = inbox
            unsafe inbox.tokens[pointer] = token
        }

        deinit {
            unsafe inbox.tokens[pointer] = nil
            unsafe sd_event_source_disable_unref(pointer)
        }

        /// Has it handed out before all others.
        fileprivate func setUrgent() throws(Errno) {
            try unsafe Errno.check(sd_event_source_set_priority(pointer, Int64(SD_EVENT_PRIORITY_IMPORTANT)))
        }

        /// Stops or resumes watching.
        func setEnabled(_ isEnabled: Bool) throws(Errno) {
            try unsafe Errno.check(sd_event_source_set_enabled(pointer, CInt(isEnabled ? SD_EVENT_ON : SD_EVENT_OFF)))
        }
    }
}

/// The context of all callbacks of one loop.
@safe
private final class Inbox {
    /// What each source stands for.
    var tokens: [OpaquePointer: EventLoop.Token] = unsafe [:]
    /// What `sd_event_run` has just dispatched: it dispatches one source at a time.
    var occurrence: EventLoop.Occurrence?

    /// What libsystemd hands to the callbacks.
    var context: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(self).toOpaque() }

    /// Finds the inbox of a context.
    static func of(_ context: UnsafeMutableRawPointer) -> Inbox {
        unsafe Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue()
    }
}

/// Notes a readable descriptor: `sd_event_io_handler_t`.
private func descriptorReady(
    _ source: OpaquePointer?, _: CInt, _ events: UInt32, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let source = unsafe source, let context = unsafe context else { return 0 }
    let inbox = unsafe Inbox.of(context)
    guard let token = unsafe inbox.tokens[source] else { return 0 }
    let hangUp = EPOLLHUP.rawValue | EPOLLRDHUP.rawValue | EPOLLERR.rawValue
    inbox.occurrence = .readable(token, isHungUp: events & hangUp != 0)
    return 0
}

/// Notes a timer: `sd_event_time_handler_t`.
private func timerFired(_ source: OpaquePointer?, _: UInt64, _ context: UnsafeMutableRawPointer?) -> CInt {
    guard let source = unsafe source, let context = unsafe context else { return 0 }
    let inbox = unsafe Inbox.of(context)
    guard let token = unsafe inbox.tokens[source] else { return 0 }
    inbox.occurrence = .fired(token)
    return 0
}

/// Notes a signal: `sd_event_signal_handler_t`.
private func signalCame(
    _: OpaquePointer?, _ information: UnsafePointer<signalfd_siginfo>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let information = unsafe information, let context = unsafe context else { return 0 }
    let inbox = unsafe Inbox.of(context)
    inbox.occurrence = unsafe .signal(CInt(information.pointee.ssi_signo))
    return 0
}

extension Errno {
    /// Throws what a function of libsystemd returned if it is a negative errno.
    @discardableResult
    static func check(_ result: CInt) throws(Errno) -> CInt {
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return result
    }
}
