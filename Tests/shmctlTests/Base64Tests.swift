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
        #expect(Base64.decoded(Array(encoded.utf8)) == Array(text.utf8))
    }

    @Test func everyByteAndLengthSurvives() {
        let wrong = (0...600).filter { count in
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ count) }
            let encoded = Base64.encoded(bytes)
            return Data(base64Encoded: Data(encoded)) != Data(bytes) || Base64.decoded(encoded) != bytes
        }
        #expect(wrong == [])
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "Zm8", "Zh==", "Zm9=", "====", "Z===", "=Zg=", "Zg==Zg==", "Zm9v\n", "Zm-_", " Zm9v",
    ])
    func whatNoEncoderWritesIsRefused(text: String) {
        #expect(Base64.decoded(Array(text.utf8)) == nil)
    }
}
