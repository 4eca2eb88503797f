import Dispatch
import Foundation
import LinuxIPC
import Synchronization
import Testing

/// Files that say that something has happened, and threads of the library's own.
struct EventFileTests {
    private func isReadable(_ file: borrowing EventFile) -> Bool {
        var query = pollfd(fd: file.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&query, 1, 0) == 1
    }

    @Test func fileIsReadableUntilItIsCleared() throws {
        let file = try EventFile.make()
        var seen = [isReadable(file)]
        file.signal()
        file.signal()
        seen.append(isReadable(file))
        file.clear()
        seen.append(isReadable(file))
        file.clear()
        seen.append(isReadable(file))
        #expect(seen == [false, true, false, false])
    }

    @Test func threadRunsWhatItIsGivenAndTakesNoSignals() throws {
        let blocked = Mutex<Bool?>(nil)
        let isOver = DispatchSemaphore(value: 0)
        try SystemThread.start("test-thread") {
            var mask = sigset_t()
            _ = unsafe pthread_sigmask(SIG_SETMASK, nil, &mask)
            let isBlocked = unsafe sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1
            blocked.withLock { $0 = isBlocked }
            isOver.signal()
        }
        #expect(isOver.wait(timeout: .now() + 60) == .success)
        #expect(blocked.withLock { $0 } == true)
    }
}
