import Foundation
import SharedMemDaemon
import SharedMemProtocol
import Testing

@Suite struct DefinitionFolderTests {
    static func definition(
        _ name: String, byteCount: UInt64 = 1 << 20, entryCount: UInt64 = 5, mode: UInt32 = 0o640
    ) throws -> SegmentDefinition {
        SegmentDefinition(
            name: try Sample.name(name), byteCount: byteCount, entryCount: entryCount, mode: mode, owner: 1000,
            group: 4_294_967_294)
    }

    @Test func definitionsComeBackByName() throws {
        let temporary = try TemporaryFolder()
        let definitions = [
            try Self.definition("a", byteCount: .max, entryCount: .max, mode: 0),
            try Self.definition("b.yaml", mode: 0o6),
            try Self.definition(String(repeating: "z", count: 64)),
        ]
        do {
            let folder = try DefinitionFolder(stateDirectory: temporary.path + "/state")
            for definition in definitions.reversed() { try folder.remember(definition) }
        }
        let recalled = try DefinitionFolder(stateDirectory: temporary.path + "/state").recall()
        #expect(recalled.definitions == definitions)
        #expect(recalled.problems.isEmpty)
    }

    @Test func rememberingAgainReplacesAndForgettingDrops() throws {
        let temporary = try TemporaryFolder()
        let folder = try DefinitionFolder(stateDirectory: temporary.path)
        try folder.remember(Self.definition("a"))
        try folder.remember(Self.definition("a", byteCount: 2 << 20))
        try folder.remember(Self.definition("b"))
        try folder.forget(Sample.name("b"))
        try folder.forget(Sample.name("never"))
        #expect(try folder.recall().definitions == [Self.definition("a", byteCount: 2 << 20)])
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path + "/segments") == ["a.yaml"])
    }

    @Test func onlyTheOwnerMayReadFolderAndFiles() throws {
        let temporary = try TemporaryFolder()
        let state = temporary.path + "/state"
        try DefinitionFolder(stateDirectory: state).remember(Self.definition("a"))
        for (path, mode) in [(state, 0o700), (state + "/segments", 0o700), (state + "/segments/a.yaml", 0o600)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == mode, "\(path)")
        }
    }

    @Test func damagedFileIsNamedAndTheOthersComeBack() throws {
        let temporary = try TemporaryFolder()
        let folder = try DefinitionFolder(stateDirectory: temporary.path)
        try folder.remember(Self.definition("good"))
        let whole = "size: 1048576\nentries: 0\nowner: 0\ngroup: 0\nmode: \"0600\"\n"
        let damaged: [(String, String, String)] = [
            ("a.yaml", "", "a.yaml: the document is empty; expected the definition of a segment"),
            (
                "b.yaml", "size: 1048576\nowner: 0\n",
                "b.yaml: entries, group, mode missing; expected the definition of a segment"
            ),
            (
                "c.yaml", whole.replacing("entries: 0", with: "entries: x"),
                "c.yaml:2: entries is \"x\"; expected a whole number from 0 to 18446744073709551615"
            ),
            (
                "d.yaml", whole.replacing("0600", with: "0700"),
                "d.yaml:5: mode is \"0700\"; expected an octal mode of r and w alone, from 0000 to 0666, such as 0660"
            ),
            ("e f.yaml", whole, "e f.yaml: is no definition; expected the name NAME.yaml"),
            ("notes.txt", whole, "notes.txt: is no definition; expected the name NAME.yaml"),
            (
                "f.yaml", whole.replacing("owner: 0", with: "owner: 4294967295"),
                "f.yaml:3: owner is \"4294967295\"; expected a whole number from 0 to 4294967294"
            ),
        ]
        for (name, text, _) in damaged { _ = try temporary.write("segments/" + name, text) }
        // A temporary file that a kill left isn't told of.
        _ = try temporary.write("segments/.g.yaml.new", "siz")
        let recalled = try folder.recall()
        #expect(recalled.definitions == [try Self.definition("good")])
        #expect(
            recalled.problems.sorted() == damaged.map { "\(temporary.path)/segments/\($0.2)" }.sorted())
    }

    @Test func everyCutOfADefinitionIsDamageOrTheWhole() throws {
        let temporary = try TemporaryFolder()
        let folder = try DefinitionFolder(stateDirectory: temporary.path)
        let definition = try Self.definition("a")
        try folder.remember(definition)
        let file = temporary.path + "/segments/a.yaml"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        for count in 0..<text.utf8.count {
            _ = try temporary.write("segments/a.yaml", String(text.prefix(count)))
            let recalled = try folder.recall()
            // Only the last newline can be missed without harm.
            #expect(recalled.definitions == (count == text.utf8.count - 1 ? [definition] : []), "\(count)")
            #expect(recalled.problems.count == 1 - recalled.definitions.count)
        }
    }

    @Test func folderThatCannotBeUsedIsSaid() throws {
        let temporary = try TemporaryFolder()
        let file = try temporary.write("file", "")
        #expect {
            _ = try DefinitionFolder(stateDirectory: file).recall()
        } throws: {
            "\($0)" == "the folder \(file)/segments can't be used: Not a directory (ENOTDIR)"
        }
    }
}
