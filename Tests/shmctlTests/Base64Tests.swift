import Foundation
import Testing

@testable import shmctl

@Suite struct Base64Tests {
    /// The table of RFC 4648, section 10, and all digits beyond the letters.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"), ("\u{3E}\u{3F}\u{7E}\u{7F}", "Pj9+fw=="),
    ])
    func publishedTableHolds(text: String, encoded: String) {
        #expect(String(decoding: Base64.encoded(Array(text.utf8)), as: UTF8.self) == encoded)
    }

    @Test func everyByteAndLengthSurvives() {
        for count in 0...600 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ count) }
            #expect(Data(base64Encoded: Data(Base64.encoded(bytes))) == Data(bytes))
        }
    }
}
