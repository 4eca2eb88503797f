import SharedMemProtocol
import Testing

struct SegmentNameTests {
    @Test(arguments: ["a", "Z", "0", "_", "-", "a.b", "default", "x..y", "-rf", "a."])
    func goodNamesAreKept(text: String) {
        #expect(SegmentName(text)?.description == text)
    }

    @Test(arguments: ["", ".", "..", ".hidden", "a/b", "a b", "ä", "a\n", "a\0", "a:b", "~"])
    func badNamesAreRefused(text: String) {
        #expect(SegmentName(text) == nil)
    }

    @Test func lengthIsLimited() {
        #expect(SegmentName(longestName) != nil)
        #expect(SegmentName(longestName + "n") == nil)
    }

    @Test func namesAreOrderedByTheirBytes() throws {
        let sorted = try ["-", "0", "A", "Z", "_", "a", "a-", "aa", "b"].map(name)
        #expect(sorted.shuffled().sorted() == sorted)
    }
}
