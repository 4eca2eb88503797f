import Testing

@testable import shmctl

@Suite struct ProgressTests {
    @Test func textSaysFilesAndBytesAndRate() {
        #expect(Progress.text(1, 1_250_000, .seconds(1)) == "1 file, 1.2 MB, 1.2 MB/s")
        #expect(Progress.text(12_000, 512_000_000, .seconds(4)) == "12000 files, 512.0 MB, 128.0 MB/s")
        #expect(Progress.text(0, 0, .zero) == "0 files, 0.0 MB, 0.0 MB/s")
    }

    @Test func filesAreCounted() {
        var progress = Progress(isVisible: false)
        progress.count(byteCount: 3)
        progress.count(byteCount: 0)
        #expect(progress.fileCount == 2)
        #expect(progress.byteCount == 3)
    }

    @Test func summaryNamesWhatWasLeftOut() {
        var summary = ImportSummary()
        summary.linkCount = 2
        summary.emptyFolderCount = 1
        #expect(summary.text == "imported 0 files, 0.0 MB, 0.0 MB/s; left out: 2 links, 1 empty folder")
        summary.specialCount = 3
        summary.refuse([0xFF], Failure(.full, "no room"))
        #expect(
            String(decoding: summary.json.bytes, as: UTF8.self)
                == #"{"fileCount":0,"byteCount":0,"milliseconds":0,"linkCount":2,"emptyFolderCount":1,"specialCount":3,"#
                + #""refused":[{"pathBase64":"/w==","reason":"no room"}]}"#)
    }
}
