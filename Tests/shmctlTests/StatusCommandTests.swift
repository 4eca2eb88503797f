import Foundation
import SharedMem
import Testing

/// What shmctl tells of the daemon and of those who use it.
@Suite struct StatusCommandTests {
    @Test func statusIsOneScreenOfWordsOrAnObject() throws {
        try RunningDaemon.use { daemon in
            let lines = try daemon.shmctlSucceeds("status").text.split(separator: "\n")
            let names = lines.map { $0.prefix(15).trimmingCharacters(in: .whitespaces) }
            #expect(
                names == [
                    "status", "version", "process", "started", "serving since", "kept by", "segments", "memory",
                    "sessions", "repairs", "switches",
                ])
            #expect(lines[2].contains("\(daemon.process.processIdentifier), as "))
            #expect(lines[6] == "segments       1")
            let json = try daemon.shmctlSucceeds("status", "--json").text
            #expect(json.hasSuffix("}\n") && json.contains(#""segmentCount":1,"#))
            #expect(json.contains(#""pid":\#(daemon.process.processIdentifier),"#))
        }
    }

    @Test func clientsAreListedWithTheirSegments() throws {
        try RunningDaemon.use { daemon in
            let segment = try Segment.open("default", socketPath: daemon.socketPath)
            try daemon.shmctlSucceeds("create", "unused", "--size", "64KiB")
            let lines = try daemon.shmctlSucceeds("clients", "default").text.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines[0].split(separator: " ").first == "SESSION")
            let words = lines[1].split(separator: " ").map(String.init)
            #expect(words[1] == String(ProcessInfo.processInfo.processIdentifier))
            #expect(lines[1].contains("default") && lines[1].contains("read-write") && lines[1].contains("connected"))
            let object = try daemon.shmctlSucceeds("clients", "default", "--json").text
            #expect(object.contains(#""segment":"default","#) && object.contains(#""holdsLockSince":null"#))
            // Who lists has a session, too, without a segment.
            #expect(try daemon.shmctlSucceeds("clients").text.split(separator: "\n").count == 3)
            #expect(try daemon.shmctlSucceeds("clients", "unused").text.split(separator: "\n").count == 1)
            let outcome = try daemon.shmctl("clients", "nothing")
            #expect(outcome.status == 1 && outcome.words.contains("nothing"))
            try segment.set("key", to: [1])
        }
    }
}
