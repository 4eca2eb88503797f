import SharedMemDaemon
import Testing

@Suite struct StoredNameTests {
    @Test func namesAreReadAsTheyAreWritten() {
        for (name, text) in [
            (StoredName.table, "table"), (.life, "life"), (.data(segmentID: 1, generation: 1), "d1.1"),
            (.lock(segmentID: 123, generation: 45), "l123.45"),
            (.data(segmentID: .max, generation: .max), "d18446744073709551615.18446744073709551615"),
        ] {
            #expect(name.description == text)
            #expect(StoredName(text) == name)
        }
        // As many segments and generations as fit 16 bytes.
        #expect("\(StoredName.data(segmentID: 999_999_999, generation: 99_999))".utf8.count == 16)
    }

    @Test func otherTextsAreNoNames() {
        for text in [
            "", "d", "d1", "d1.", "d.1", "d1.1.1", "d0.1", "d1.0", "d01.1", "d1.01", "d+1.1", "d-1.1", "d 1.1", "x1.1",
            "D1.1", "d1.1 ", "d18446744073709551616.1", "table2", "Table", "unknown", "stored", "d１.1",
        ] {
            #expect(StoredName(text) == nil, "\(text)")
        }
    }
}
