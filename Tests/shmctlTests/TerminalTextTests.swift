import Testing

@testable import shmctl

@Suite struct TerminalTextTests {
    @Test(arguments: [
        ([UInt8]("plain é 漢 😀".utf8), "plain é 漢 😀"),
        ([UInt8]("a\nb\tc\rd".utf8), #"a\nb\tc\rd"#),
        ([UInt8]("\u{1B}[2J".utf8), #"\x1b[2J"#),
        ([0, 7, 0x7F], #"\x00\x07\x7f"#),
        ([UInt8]("\u{85}\u{9B}".utf8), #"\xc2\x85\xc2\x9b"#),
        ([UInt8]("\u{202E}\u{2066}\u{200F}".utf8), #"\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f"#),
        ([0xFF, 0x61, 0xC3], #"\xffa\xc3"#),
        ([0xED, 0xA0, 0x80], #"\xed\xa0\x80"#),
        ([UInt8](#"C:\x"#.utf8), #"C:\\x"#),
    ])
    func whatATerminalWouldActOnIsEscaped(bytes: [UInt8], shown: String) {
        #expect(TerminalText.escaped(bytes) == shown)
        #expect(TerminalText.quoted(bytes) == "'\(shown)'")
    }

    @Test func linesStayWhereTextIsShownAsAWhole() {
        let text = "a\n\tb\\c\r\u{1B}"
        #expect(TerminalText.escaped(Array(text.utf8), keepsLines: true) == "a\n\tb\\c\\r\\x1b")
    }
}
