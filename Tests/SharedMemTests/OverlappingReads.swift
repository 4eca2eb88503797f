import Dispatch
import SharedMem
import TestSupport

/// Lends a value to two threads in turn, so that at every moment somebody has it and nobody has it for long, and sets it
/// in between to `value` of a number that counts up.
func overlapReads(
    by reader: Segment, besideSetsBy segment: Segment, _ value: @Sendable (Int) -> [UInt8]
) throws {
    try segment.set("key", to: value(0))
    let (step, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let roundCount = 30
    let other = SecondThread {
        for _ in 0..<roundCount {
            step.wait()
            try reader.withValue(of: "key") { (_, _) throws(SharedMemError) in
                done.signal()
                step.wait()
            }
            done.signal()
        }
    }
    func letOtherGoOn() {
        step.signal()
        done.wait()
    }
    letOtherGoOn()
    for round in 1..<roundCount {
        try reader.withValue(of: "key") { (_, _) throws(SharedMemError) in
            letOtherGoOn()
            try segment.set("key", to: value(round))
            letOtherGoOn()
        }
        try segment.set("key", to: value(round))
    }
    letOtherGoOn()
    try other.join()
}
