import Glibc
import LinuxIPC
import Testing

struct SystemTests {
    @Test func errorsSayTheirTextAndName() {
        #expect(Errno.noSuchFileOrDirectory.description == "No such file or directory (ENOENT)")
        #expect(Errno.addressInUse.description == "Address already in use (EADDRINUSE)")
        #expect(Errno(rawValue: 4095).description == "Unknown error 4095")
        #expect(Errno(rawValue: 0).description == "Success (0)")
    }

    @Test func clocksAgreeWithTheKernels() {
        func isClose(_ read: () -> UInt64, to clock: clockid_t) -> Bool {
            var now = timespec()
            unsafe clock_gettime(clock, &now)
            let before = UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
            let value = read()
            unsafe clock_gettime(clock, &now)
            let after = UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
            return value >= before && value <= after
        }
        #expect(isClose(SystemClock.realtime, to: CLOCK_REALTIME))
        #expect(isClose(SystemClock.realtimeCoarse, to: CLOCK_REALTIME_COARSE))
        #expect(isClose(SystemClock.monotonic, to: CLOCK_MONOTONIC))
        #expect(isClose(SystemClock.monotonicCoarse, to: CLOCK_MONOTONIC_COARSE))
        #expect(isClose(SystemClock.boottime, to: CLOCK_BOOTTIME))
    }

    @Test func programHasAName() {
        let name = CommandLine.arguments[0].split(separator: "/").last
        #expect(String(decoding: ThisProcess.programName(), as: UTF8.self) == name.map(String.init))
    }

    @Test func environmentIsRead() {
        #expect(ThisProcess.environmentValue(of: "PATH")?.isEmpty == false)
        #expect(ThisProcess.environmentValue(of: "LINUXIPC_TESTS_UNSET") == nil)
    }

    @Test func processThatNeverForkedCountsNone() {
        #expect(ForkCounter.current == 0)
    }
}
