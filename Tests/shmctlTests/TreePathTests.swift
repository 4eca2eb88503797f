import Testing

@testable import shmctl

@Suite struct TreePathTests {
    @Test(arguments: [
        ("a", ["a"]), ("a/b", ["a", "b"]), ("...", ["..."]), ("..a/.b", ["..a", ".b"]), ("a b/\n", ["a b", "\n"]),
        (String(repeating: "x", count: 255), [String(repeating: "x", count: 255)]), ("a\\b", ["a\\b"]), ("-", ["-"]),
    ])
    func pathStaysBelowTheFolder(key: String, components: [String]) throws {
        let path = try TreePath(key: Array(key.utf8))
        #expect(path.components == components.map { Array($0.utf8) })
        #expect(path.bytes == Array(key.utf8))
    }

    @Test(
        arguments: [
            ("", .empty), ("/", .absolute), ("/etc/passwd", .absolute), ("//a", .absolute), ("..", .leadsOut),
            ("../a", .leadsOut), ("a/..", .leadsOut), ("a/../../b", .leadsOut), (".", .dot), ("./a", .dot),
            ("a/.", .dot),
            ("a/./b", .dot), ("a//b", .emptyComponent), ("a/", .emptyComponent), ("a\0b", .zeroByte), ("\0", .zeroByte),
            ("a/" + String(repeating: "x", count: 256), .componentTooLong),
        ] as [(String, TreePath.Refusal)])
    func keyThatIsNoPathIsRefused(key: String, refusal: TreePath.Refusal) {
        #expect(throws: refusal) { try TreePath(key: Array(key.utf8)) }
        #expect(!refusal.text.isEmpty)
    }

    @Test func bytesThatArentUTF8AreAName() throws {
        #expect(try TreePath(key: [0xFF, 0x2F, 0xC3]).components == [[0xFF], [0xC3]])
    }
}
