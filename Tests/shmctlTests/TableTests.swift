import Testing

@testable import shmctl

@Suite struct TableTests {
    @Test func columnsStandInLine() {
        let table = Table(rows: [["NAME", "SIZE", "MODE"], ["default", "16 MiB", "0660"], ["é", "1 B", ""]])
        #expect(table.lines == ["NAME     SIZE    MODE", "default  16 MiB  0660", "é        1 B     "])
    }

    @Test func noRowsMakeNoLines() {
        #expect(Table(rows: []).lines.isEmpty)
    }
}
