import LinuxIPC
import Testing

@Suite struct ForkSafeMutexTests {
    @Test func lockThatIsTakenIsNotWaitedFor() {
        let mutex = ForkSafeMutex(1)
        #expect(mutex.withLockIfFree { $0 += 1 } != nil)
        mutex.withLock { value in
            value += 1
            let inner: Int? = mutex.withLockIfFree { $0 }
            #expect(inner == nil)
        }
        #expect(mutex.withLockIfFree { $0 } == 3)
    }
}
