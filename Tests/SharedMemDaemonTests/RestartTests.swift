import Foundation
import LinuxIPC
import SharedMemProtocol
import SharedMemStore
import Testing

@Suite struct RestartTests {
    @Test(arguments: [SIGKILL, SIGTERM, SIGABRT])
    func restartKeepsValuesGenerationAndSession(signal: Int32) throws {
        let manager = try TestServiceManager()
        defer { manager.end() }
        try manager.start()
        let client = try ClientProcess(path: manager.socketPath)
        let welcome = try client.greet()
        let before = try client.attach("default", as: welcome.session)
        try before.put("key", "value")
        try manager.kill(signal)
        // Everybody sees that the daemon is gone, however it ended.
        let word = try LifeWord(manager.held("life"))
        #expect(word.value & LifeFile.diedBit != 0)
        // The segment can be used while no daemon is there.
        try before.put("meanwhile", "too")
        try manager.start()
        try client.hangUp()
        try client.connect()
        guard case .reconnected(let again) = try client.reconnect(welcome) else {
            throw Unexpected(what: "the session can't be taken up again")
        }
        #expect(again.session == welcome.session)
        let after = try client.attach("default", as: again.session)
        #expect(after.attachment == before.attachment)
        #expect(try after.text("key") == "value")
        #expect(try after.text("meanwhile") == "too")
        try before.put("key", "newer")
        #expect(try after.text("key") == "newer")
        #expect(try manager.log.contains("; 0 segments are lost, "))
        #expect(Set(manager.names) == ["life", "table", "d1.1", "l1.1"])
    }

    @Test func daemonWithAnEmptyStoreIsCaught() throws {
        // The seeded fault of the test above: nothing was kept.
        let manager = try TestServiceManager()
        defer { manager.end() }
        try manager.start()
        let client = try ClientProcess(path: manager.socketPath)
        let welcome = try client.greet()
        try client.attach("default", as: welcome.session).put("key", "value")
        try manager.kill()
        for name in manager.names { manager.giveUp(name) }
        try manager.start()
        try client.hangUp()
        try client.connect()
        guard case .failure(let failure) = try client.reconnect(welcome) else {
            throw Unexpected(what: "a session is taken up again that nobody knows")
        }
        #expect(failure.error == Errno.noSuchFileOrDirectory.rawValue)
        let other = try client.greet()
        #expect(try client.attach("default", as: other.session).text("key") == nil)
    }
}

/// The life file's word, as clients see it.
struct LifeWord {
    let value: UInt32

    init(_ file: HeldDescriptor) throws {
        let mapping = try Mapping(
            of: MemoryFile(adopting: file.descriptor.duplicated()), byteCount: LifeFile.byteCount, access: .readOnly,
            isPrivateToProcess: true)
        value = unsafe mapping.baseAddress.load(as: UInt32.self)
    }
}
