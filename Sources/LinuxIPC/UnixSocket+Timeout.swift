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
        var whole: Int64 = 0
        while true {
            let result = call()
            if result != -1 {
                restore(timeout, whole)
                return result
            }
            do throws(Errno) {
                try resume(timeout, since: start, &whole)
            } catch {
                restore(timeout, whole)
                throw error
            }
        }
    }

    /// Has the kernel limit the next call to the rest of the time, if a signal has ended the last one.
    ///
    /// Throws what else ended it, or `wouldBlock` if there is no rest. `whole`: the time-out, ms; 0: not known yet, or none.
    @inline(never)
    private borrowing func resume(
        _ timeout: Timeout, since start: UInt64, _ whole: inout Int64
    ) throws(Errno) {
        let error = Errno.current
        guard error == .interrupted else { throw error }
        if whole == 0 { whole = try milliseconds(of: timeout) }
        if whole == 0 { return }
        let waited = SystemClock.monotonic() &- start
        let limit = UInt64(whole) &* 1_000_000
        guard waited < limit else { throw .wouldBlock }
        // Rounded up: 0 would be for ever.
        guard set(timeout, milliseconds: Int64((limit - waited + 999_999) / 1_000_000)) != -1 else { throw .current }
    }

    /// Gives the socket back the time-out that it had, which it takes again.
    @inline(never)
    private borrowing func restore(_ timeout: Timeout, _ whole: Int64) {
        if whole != 0 { _ = set(timeout, milliseconds: whole) }
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
