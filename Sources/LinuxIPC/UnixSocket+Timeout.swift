internal import CLinuxIPC

// The kernel counts a socket's time-out from the beginning of each call, and a signal ends a call that has one, whatever
// SA_RESTART says: called again as it was, it would go on as long as signals come faster than the time passes.

extension UnixSocket {
    /// Is one of a socket's two time-outs; `socket(7)`.
    enum Timeout {
        /// SO_RCVTIMEO, of receive and accept.
        case receive
        /// SO_SNDTIMEO, of send and connect.
        case send
    }

    /// Runs `call`, again as long as a signal interrupts it and the socket's time-out hasn't passed since the first time.
    ///
    /// Throws `wouldBlock` when it has. Costs no system call unless a signal comes.
    @discardableResult
    borrowing func retryingInTime<Result: SignedInteger>(
        _ timeout: Timeout, _ call: () -> Result
    ) throws(Errno) -> Result {
        let start = SystemClock.monotonic()
        let result = call()
        if result != -1 { return result }
        let error = Errno.current
        guard error == .interrupted else { throw error }
        return try retryInterrupted(timeout, since: start, call)
    }

    /// The same behind a first time that was interrupted: the kernel is told the rest of the time before each next one.
    @inline(never)
    private borrowing func retryInterrupted<Result: SignedInteger>(
        _ timeout: Timeout, since start: UInt64, _ call: () -> Result
    ) throws(Errno) -> Result {
        let whole = try milliseconds(of: timeout)
        if whole == 0 { return try retryingWhenInterrupted(call) }
        // What it was the socket takes again.
        defer { _ = set(timeout, milliseconds: whole) }
        let limit = UInt64(whole) &* 1_000_000
        while true {
            let waited = SystemClock.monotonic() &- start
            guard waited < limit else { throw .wouldBlock }
            // Rounded up: 0 would be for ever.
            guard set(timeout, milliseconds: Int64((limit - waited + 999_999) / 1_000_000)) != -1 else {
                throw .current
            }
            let result = call()
            if result != -1 { return result }
            let error = Errno.current
            if error != .interrupted { throw error }
        }
    }

    private borrowing func milliseconds(of timeout: Timeout) throws(Errno) -> Int64 {
        let raw = descriptor.rawValue
        return try retryingWhenInterrupted {
            switch timeout {
            case .receive: linuxipc_receive_timeout(raw)
            case .send: linuxipc_send_timeout(raw)
            }
        }
    }

    private borrowing func set(_ timeout: Timeout, milliseconds: Int64) -> CInt {
        switch timeout {
        case .receive: linuxipc_set_receive_timeout(descriptor.rawValue, milliseconds)
        case .send: linuxipc_set_send_timeout(descriptor.rawValue, milliseconds)
        }
    }
}
