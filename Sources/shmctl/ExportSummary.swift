/// What an export did and what it left out.
struct ExportSummary: Equatable {
    /// A key that couldn't be written as a file.
    struct Refused: Equatable {
        /// The key.
        let key: [UInt8]
        /// Why, to stand after the key and a colon.
        let reason: String
    }

    /// The files that were written.
    var totals = FileTotals()
    /// The keys that weren't written.
    private(set) var refused: [Refused] = []

    /// Writes down a key that can't be written.
    mutating func refuse(_ key: [UInt8], _ reason: String) {
        refused.append(Refused(key: key, reason: reason))
    }
}

extension ExportSummary {
    /// The summary as one sentence.
    var text: String {
        "exported " + totals.text
    }

    /// The summary as a JSON object.
    var json: JSONObject {
        var object = JSONObject()
        totals.append(to: &object)
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
