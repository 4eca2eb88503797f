import Testing

@testable import SharedMemKeeper

@Suite struct NotificationTests {
    private static func read(_ text: String) throws(Notification.Malformed) -> Notification {
        try Notification(Array(text.utf8))
    }

    @Test func wordsAreRead() throws {
        let table: [(String, Notification)] = [
            ("READY=1", Notification(isReady: true)),
            ("READY=0", Notification()),
            ("RELOADING=1\nMONOTONIC_USEC=5", Notification(isReloading: true)),
            ("STOPPING=1", Notification(isStopping: true)),
            ("WATCHDOG=1", Notification(isAlive: true)),
            ("WATCHDOG=trigger", Notification(asksForAbort: true)),
            ("STATUS=a = b", Notification(status: "a = b")),
            ("STATUS=", Notification(status: "")),
            ("MAINPID=1\nERRNO=2\nX_OWN=3", Notification()),
            ("FDSTORE=1\nFDNAME=d1.1", Notification(request: .store(name: "d1.1"))),
            ("FDNAME=d1.1\nFDSTORE=1\n", Notification(request: .store(name: "d1.1"))),
            ("FDSTORE=1", Notification(request: .store(name: "stored"))),
            ("FDSTOREREMOVE=1\nFDNAME=d1.1", Notification(request: .remove(name: "d1.1"))),
            ("BARRIER=1", Notification(request: .barrier)),
            ("FDNAME=alone", Notification()),
            (
                "READY=1\nSTATUS=ok\nFDSTORE=1",
                Notification(isReady: true, status: "ok", request: .store(name: "stored"))
            ),
        ]
        for (text, expected) in table { #expect(try Self.read(text) == expected, "\(text)") }
    }

    @Test func nonsenseIsRefused() {
        let long = String(repeating: "n", count: 256)
        let table: [(String, Notification.Malformed)] = [
            ("", .empty),
            ("READY=1\0", .zeroByte),
            ("READY", .line("READY")),
            ("=1", .line("=1")),
            ("READY=1\nnonsense", .line("nonsense")),
            ("FDSTORE=1\nFDNAME=", .name("")),
            ("FDSTORE=1\nFDNAME=a:b", .name("a:b")),
            ("FDSTORE=1\nFDNAME=a\tb", .name("a\tb")),
            ("FDSTORE=1\nFDNAME=ä", .name("ä")),
            ("FDSTORE=1\nFDNAME=control", .name("control")),
            ("FDSTORE=1\nFDNAME=own-control", .name("own-control")),
            ("FDSTORE=1\nFDNAME=\(long)", .name(long)),
            ("FDSTOREREMOVE=1", .nameMissing),
            ("FDSTORE=1\nFDSTOREREMOVE=1\nFDNAME=a", .contradiction),
            ("BARRIER=1\nREADY=1", .contradiction),
            ("BARRIER=1\nFDSTORE=1", .contradiction),
        ]
        for (text, expected) in table { #expect(throws: expected, "\(text)") { try Self.read(text) } }
        #expect(throws: Notification.Malformed.encoding) { try Notification([0x52, 0x3d, 0xff]) }
    }

    @Test func everyTruncationSaysLessOrIsRefused() throws {
        let text = Array("READY=1\nSTATUS=so so\nFDSTORE=1\nFDNAME=d12.34".utf8)
        for count in 0..<text.count {
            do throws(Notification.Malformed) {
                let read = try Notification(text[..<count])
                // Lines count as soon as their last byte is there.
                #expect(read.isReady == (count >= 7), "\(count) bytes")
                #expect(!read.isAlive && !read.asksForAbort && !read.isStopping && !read.isReloading, "\(count) bytes")
                #expect("so so".hasPrefix(read.status ?? ""), "\(count) bytes")
                switch read.request {
                case .none: #expect(count < 30, "\(count) bytes")
                case .store(let name):
                    #expect(name == "stored" && count < 38 || "d12.34".hasPrefix(name), "\(count) bytes")
                case .remove, .barrier: Issue.record("\(count) bytes are read as another request")
                }
            } catch {
                switch error {
                case .empty: #expect(count == 0)
                case .line(let line): #expect(!line.contains("="), "\(count) bytes")
                case .name(let name): #expect(name.isEmpty, "\(count) bytes")
                case .zeroByte, .encoding, .nameMissing, .contradiction: Issue.record("\(count) bytes: \(error)")
                }
            }
        }
    }

    @Test func everyFlippedByteIsReadOrRefused() {
        let text = Array("FDSTORE=1\nFDNAME=d12.34".utf8)
        for index in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[index] = byte
                let name: String? =
                    if case .store(let name) = (try? Notification(changed))?.request { name } else { nil }
                if let name { #expect(Notification.isName(name), "byte \(index) is \(byte)") }
            }
        }
    }
}
