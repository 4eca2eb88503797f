import Testing

@testable import shmctl

@Suite struct FileModeTests {
    @Test(arguments: [("0660", 0o660), ("600", 0o600), ("0", 0), ("0666", 0o666)] as [(String, UInt32)])
    func modeIsRead(text: String, mode: UInt32) throws {
        #expect(try FileMode.parse(text) == mode)
    }

    @Test(arguments: ["", "8", "0668", "rw", "0777", "0100", "01666", "06660", "-1", "+66", "0o660"])
    func nonsenseIsRefused(text: String) {
        #expect(throws: (any Error).self) { try FileMode.parse(text) }
    }

    @Test func modeIsWrittenAsFourDigits() {
        #expect(FileMode.text(0) == "0000")
        #expect(FileMode.text(0o660) == "0660")
    }
}
