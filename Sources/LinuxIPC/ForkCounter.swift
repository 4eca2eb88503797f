public import CLinuxIPC

/// Tells a process that it was forked since it last looked.
@usableFromInline package enum ForkCounter {
    /// The number of forks between the process that loaded the library and this one; costs one load.
    ///
    /// A `pthread_atfork(3)` handler raises it in each child before `fork` returns there.
    @inlinable package static var current: UInt32 { linuxipc_fork_count() }
}
