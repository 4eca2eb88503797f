public import CLinuxIPC

/// Speaks to the processor from a loop that spins.
@usableFromInline package enum SpinHint {
    /// Lets the processor's other thread go first for a moment.
    @inlinable package static func pause() { linuxipc_pause() }
}
