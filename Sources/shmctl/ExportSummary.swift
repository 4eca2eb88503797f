/// What an export did and what it left out.
struct ExportSummary: Equatable {
    /// A key that couldn't be written as a file.
    struct Refused: Equatable {
        /// The key.
        let key: [UInt8]
        /// Why, to stand after the key and a colon.
        let reason: String
    }

    /// How many files were written.
    private(set) var fileCount = 0
    /// How many bytes they have.
    private(set) var byteCount: UInt64 = 0
    /// How long it took.
    private(set) var elapsed: Duration = .zero
    /// The keys that weren't written.
    private(set) var refused: [Refused] = []

    /// Writes down a key that can't be written.
    mutating func refuse(_ key: [UInt8], _ reason: String) {
        refused.append(Refused(key: key, reason: reason))
    }

    /// Takes over what was counted.
    mutating func finish(_ progress: Progress) {
        fileCount = progress.fileCount
        byteCount = progress.byteCount
        elapsed = progress.elapsed
    }
}

extension ExportSummary {
    /// The summary as one sentence.
    var text: String {
        "exported " + Progress.text(fileCount, byteCount, elapsed)
    }

    /// The summary as a JSON object.
    var json: JSONObject {
        var object = JSONObject()
        object.append("fileCount", fileCount)
        object.append("byteCount", byteCount)
        object.append("milliseconds", Progress.milliseconds(elapsed))
        object.append(
            "refused",
            refused.map { refused in
                var object = JSONObject()
                object.append("key", bytes: refused.key)
                object.append("reason", refused.reason)
                return object
            })
        return object
    }
}
