/// What an import did and what it left out.
struct ImportSummary: Equatable {
    /// A file or a folder that couldn't be imported.
    struct Refused: Equatable {
        /// Its path below the folder.
        let path: [UInt8]
        /// Why, and what the program exits with if it's the first one.
        let failure: Failure
    }

    /// The files that were imported.
    var totals = FileTotals()
    /// Symbolic links, which are left out.
    var linkCount = 0
    /// Folders with nothing in them, for which there is no key.
    var emptyFolderCount = 0
    /// Sockets, pipes and devices, which are left out.
    var specialCount = 0
    /// What couldn't be imported, in the order in which it was met.
    private(set) var refused: [Refused] = []

    /// Writes down what couldn't be imported.
    mutating func refuse(_ path: [UInt8], _ failure: Failure) {
        refused.append(Refused(path: path, failure: failure))
    }
}

extension ImportSummary {
    /// The summary as one sentence.
    var text: String {
        let left = [
            Self.counted(linkCount, "link", "links"),
            Self.counted(emptyFolderCount, "empty folder", "empty folders"),
            Self.counted(specialCount, "socket, pipe or device", "sockets, pipes and devices"),
        ].compactMap(\.self)
        let tail = left.isEmpty ? "" : "; left out: " + left.joined(separator: ", ")
        return "imported " + totals.text + tail
    }

    /// The summary as a JSON object.
    var json: JSONObject {
        var object = JSONObject()
        totals.append(to: &object)
        object.append("linkCount", linkCount)
        object.append("emptyFolderCount", emptyFolderCount)
        object.append("specialCount", specialCount)
        object.append(
            "refused",
            refused.map { refused in
                var object = JSONObject()
                object.append("path", bytes: refused.path)
                object.append("reason", refused.failure.text)
                return object
            })
        return object
    }

    /// Writes a count with the word that fits it, or nil for none.
    private static func counted(_ count: Int, _ one: String, _ many: String) -> String? {
        count == 0 ? nil : "\(count) \(count == 1 ? one : many)"
    }
}
