import LinuxIPC
import Testing

@testable import SharedMemKeeper

@Suite struct DescriptorStoreTests {
    private func file() throws -> HeldDescriptor {
        HeldDescriptor(try MemoryFile.create(label: "store").takeDescriptor())
    }

    @Test func keepsInOrderAndDropsByName() throws {
        var store = DescriptorStore(limit: 10)
        for name in ["a", "b", "a", "c"] { #expect(try store.keep(file(), name: name) == .kept) }
        #expect(store.entries.map(\.name) == ["a", "b", "a", "c"])
        #expect(store.remove(name: "a") == 2)
        #expect(store.remove(name: "a") == 0)
        #expect(store.entries.map(\.name) == ["b", "c"])
    }

    @Test func sameFileOfTheSameNameIsKeptOnce() throws {
        var store = DescriptorStore(limit: 10)
        let first = try file()
        let duplicate = HeldDescriptor(try first.descriptor.duplicated())
        let readOnly = HeldDescriptor(
            try MemoryFile(adopting: first.descriptor.duplicated()).reopenedReadOnly().takeDescriptor())
        #expect(try store.keep(first, name: "a") == .kept)
        #expect(try store.keep(duplicate, name: "a") == .keptAlready)
        #expect(try store.keep(duplicate, name: "b") == .kept)
        // What can only be read is another thing.
        #expect(try store.keep(readOnly, name: "a") == .kept)
        #expect(store.entries.count == 3)
    }

    @Test func limitHoldsAndRemovalMakesRoom() throws {
        var store = DescriptorStore(limit: 2)
        #expect(try store.keep(file(), name: "a") == .kept)
        #expect(try store.keep(file(), name: "b") == .kept)
        #expect(try store.keep(file(), name: "c") == .full)
        #expect(store.remove(name: "a") == 1)
        #expect(try store.keep(file(), name: "c") == .kept)
        #expect(store.entries.map(\.name) == ["b", "c"])
    }

    @Test func allNamesFitIntoOneVariable() throws {
        var store = DescriptorStore(limit: 1000)
        let suffix = String(repeating: "n", count: 250)
        var count = 0
        while try store.keep(file(), name: "\(count)\(suffix)") == .kept { count += 1 }
        #expect(try store.keep(file(), name: "1000\(suffix)") == .namesTooLong)
        let byteCount = store.entries.reduce(0) { $0 + $1.name.utf8.count + 1 }
        #expect(byteCount <= DescriptorStore.maximumNamesByteCount)
        #expect(byteCount > DescriptorStore.maximumNamesByteCount - 512)
        // What is dropped makes room for as many bytes.
        #expect(store.remove(name: "0\(suffix)") == 1)
        #expect(try store.keep(file(), name: "0\(suffix)") == .kept)
        #expect(try store.keep(file(), name: "1000\(suffix)") == .namesTooLong)
    }
}
