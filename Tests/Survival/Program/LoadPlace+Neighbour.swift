internal import SharedMem

extension LoadPlace {
    /// A neighbour's value is whole, and never older than what was seen before.
    mutating func readNeighbour(_ key: Int, _ timer: inout CallTimer) throws(Finding) {
        let tag = Payload.tag(client: neighbour, key: key)
        let name = Payload.name(tag)
        let metadata = try timer.time("metadata of '\(name)'") { () throws(SharedMemError) in
            try segment.metadata(name)
        }
        let value = try timer.time("get of '\(name)'") { () throws(SharedMemError) in try segment.get(name) }
        if let metadata {
            guard metadata.version >= seen[key] else {
                throw Finding("lost: '\(name)' has version \(metadata.version), \(seen[key]) was seen before")
            }
            seen[key] = metadata.version
        }
        if let value {
            _ = try Payload.number(of: value, tag: tag)
        } else if seen[key] > 0 {
            throw Finding("lost: '\(name)' is gone, version \(seen[key]) was seen before")
        }
    }

    /// Both keys of a neighbour's transaction are of one and the same.
    func readPair(_ timer: inout CallTimer) throws(Finding) {
        let tags = Self.pairKeys.map { Payload.tag(client: neighbour, key: $0) }
        let names = tags.map { Payload.name($0) }
        let values = try timer.time("values of '\(names[0])' and '\(names[1])'") { () throws(SharedMemError) in
            try segment.values(of: names)
        }
        var numbers: [UInt64] = []
        for (value, tag) in zip(values, tags) {
            guard let value else { continue }
            numbers.append(try Payload.number(of: value, tag: tag))
        }
        guard numbers.count != 1, numbers.first == numbers.last else {
            throw Finding("half a transaction: '\(names[0])' and '\(names[1])' are \(numbers)")
        }
    }
}
