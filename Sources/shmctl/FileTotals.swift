/// How many files a long command was done with.
struct FileTotals: Equatable {
    /// How many there were.
    var fileCount = 0
    /// How many bytes they have.
    var byteCount: UInt64 = 0
    /// How long it took.
    var elapsed: Duration = .zero
}

extension FileTotals {
    /// What was counted so far.
    init(_ progress: Progress) {
        self.init(fileCount: progress.fileCount, byteCount: progress.byteCount, elapsed: progress.elapsed)
    }

    /// The totals, to stand behind a verb.
    var text: String { Progress.text(fileCount, byteCount, elapsed) }

    /// Adds the members that say them.
    func append(to object: inout JSONObject) {
        object.append("fileCount", fileCount)
        object.append("byteCount", byteCount)
        object.append("milliseconds", Progress.milliseconds(elapsed))
    }
}
