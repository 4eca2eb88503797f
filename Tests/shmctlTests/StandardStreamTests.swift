import Foundation
import Synchronization
import Testing

@testable import shmctl

@Suite struct StandardStreamTests {
    @Test func everyByteArrivesThroughAPipeThatDoesntBlock() throws {
        let pipe = Pipe()
        // As a program leaves it that shares the stream: a write takes what fits now, then none.
        for end in [pipe.fileHandleForReading.fileDescriptor, pipe.fileHandleForWriting.fileDescriptor] {
            try #require(fcntl(end, F_SETFL, O_NONBLOCK) == 0)
        }
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let result = Received()
        let ended = DispatchSemaphore(value: 0)
        let source = pipe.fileHandleForReading
        DispatchQueue.global().async {
            result.read(source.fileDescriptor)
            ended.signal()
        }
        try StandardStream.write(bytes, to: pipe.fileHandleForWriting.fileDescriptor)
        try pipe.fileHandleForWriting.close()
        try #require(ended.wait(timeout: .now() + 60) == .success)
        #expect(result.bytes == bytes)
    }

    @Test func readingStopsAtTheLimit() throws {
        try TemporaryFolder.use { folder in
            try Data([1, 2, 3]).write(to: folder.url("three"))
            for (limit, expected) in [(2, nil), (3, [1, 2, 3]), (4, [1, 2, 3])] as [(UInt64, [UInt8]?)] {
                let file = try FileHandle(forReadingFrom: folder.url("three"))
                #expect(try StandardStream.readAll(from: file.fileDescriptor, limit: limit) == expected)
            }
        }
    }

    @Test func closedStreamIsAnError() throws {
        #expect(throws: (any Error).self) { try StandardStream.write([1], to: -1) }
        #expect(throws: (any Error).self) { try StandardStream.readAll(from: -1, limit: 1) }
    }

    /// What another thread has read.
    private final class Received: Sendable {
        /// The bytes, behind a lock.
        private let storage = Mutex<[UInt8]?>(nil)

        /// The bytes, or nil if reading failed.
        var bytes: [UInt8]? { storage.withLock { $0 } }

        /// Reads `descriptor` to its end.
        func read(_ descriptor: CInt) {
            do {
                let bytes = try StandardStream.readAll(from: descriptor, limit: .max)
                storage.withLock { $0 = bytes }
            } catch {
                Issue.record(error)
            }
        }
    }
}
