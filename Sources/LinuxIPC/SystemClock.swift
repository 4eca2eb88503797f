public import CLinuxIPC

/// Reads the kernel's clocks, in nanoseconds; `clock_gettime(2)`.
@usableFromInline package enum SystemClock {
    /// Reads the wall clock as of the last tick (1 to 10 ms old), a third of the precise one's cost.
    @inlinable package static func realtimeCoarse() -> UInt64 { linuxipc_nanoseconds(CLOCK_REALTIME_COARSE) }

    /// Reads the wall clock, counted from 1970.
    @inlinable package static func realtime() -> UInt64 { linuxipc_nanoseconds(CLOCK_REALTIME) }

    /// Reads the clock that only goes forward, as of the last tick.
    @inlinable package static func monotonicCoarse() -> UInt64 { linuxipc_nanoseconds(CLOCK_MONOTONIC_COARSE) }

    /// Reads the clock that only goes forward; it stops while the machine sleeps.
    @inlinable package static func monotonic() -> UInt64 { linuxipc_nanoseconds(CLOCK_MONOTONIC) }

    /// Reads the clock that only goes forward and counts the machine's sleep.
    @inlinable package static func boottime() -> UInt64 { linuxipc_nanoseconds(CLOCK_BOOTTIME) }
}
