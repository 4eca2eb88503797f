internal import CLinuxIPC

/// Is how much memory the machine has; `sysinfo(2)`, which a sandboxed /proc doesn't hide.
package struct SystemMemory: Sendable, Equatable {
    /// Bytes of memory and swap in all.
    package let totalByteCount: UInt64
    /// Bytes of memory and swap that hold nothing; what caches could give back isn't counted.
    package let freeByteCount: UInt64

    /// Asks the kernel.
    package static func current() throws(Errno) -> SystemMemory {
        var total: UInt64 = 0
        var free: UInt64 = 0
        try retryingWhenInterrupted { unsafe linuxipc_memory(&total, &free) }
        return SystemMemory(totalByteCount: total, freeByteCount: free)
    }
}
