internal import CLinuxIPC
internal import Synchronization

/// A word on which threads of this process sleep beside others, so that they can be called off; `futex(2)`.
@safe
package final class PrivateWord: @unchecked Sendable {
    // Proof of @unchecked: the address never changes, and what stands there is atomic.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// A word that is 0.
    package init() {
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    /// What it holds.
    package var value: UInt32 {
        // SYNC: what was done before the change is visible; pairs with `raise(_:)` and `advance(by:)`.
        unsafe word.pointee.load(ordering: .acquiring)
    }

    /// Sets bits and wakes all who sleep on it; may be called in a signal handler.
    package func raise(_ bits: UInt32) {
        // SYNC: publishes what was done before; pairs with `value`.
        unsafe word.pointee.bitwiseOr(bits, ordering: .releasing)
        wake()
    }

    /// Adds to it and wakes all who sleep on it.
    package func advance(by step: UInt32 = 1) {
        // SYNC: as in `raise(_:)`.
        unsafe word.pointee.wrappingAdd(step, ordering: .releasing)
        wake()
    }

    private func wake() { _ = unsafe linuxipc_futex_wake_private(address, Int32.max) }

    /// Where it is, as long as this object lives.
    @unsafe fileprivate var address: UnsafeMutablePointer<UInt32> {
        unsafe UnsafeMutableRawPointer(word).assumingMemoryBound(to: UInt32.self)
    }
}

extension FutexWords {
    /// Adds a word of this process, which must live until it's forgotten; false: there is no room left.
    @discardableResult
    package mutating func append(_ word: borrowing PrivateWord, while value: UInt32) -> Bool {
        unsafe append(word.address, while: value, isPrivate: true)
    }
}
