internal import CLinuxIPC

/// Starts threads of the process, where Foundation isn't.
package enum SystemThread {
    /// What a thread runs.
    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` in a thread of its own, in which every signal is blocked and for which nobody waits;
    /// `pthread_create(3)`.
    ///
    /// `name`, at most 15 bytes, is what `ps` shows.
    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(Errno) {
        let context = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
        do throws(Errno) {
            try retryingWhenInterrupted {
                unsafe linuxipc_start_thread(
                    name,
                    { context in
                        guard let context = unsafe context else { return }
                        unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                    }, context)
            }
        } catch {
            unsafe Unmanaged<Body>.fromOpaque(context).release()
            throw error
        }
    }
}
