internal import TestSupport

/// The keys that writers of a watched segment change, and who watches which of them.
enum WatchedKeys {
    /// How many there are.
    static let count = 100
    private static let client = 1002

    /// What a value of a key carries.
    static func tag(_ index: Int) -> UInt64 { Payload.tag(client: client, key: index) }

    /// The name of a key.
    static func name(_ index: Int) -> String { Payload.name(tag(index)) }

    /// The number of a key with these bytes; nil: it's none of them.
    static func index(of key: [UInt8]) -> Int? {
        let prefix = Array("c\(client)-k".utf8)
        guard key.starts(with: prefix), let index = Int(String(decoding: key.dropFirst(prefix.count), as: UTF8.self)),
            (0..<count).contains(index), Array(name(index).utf8) == key
        else { return nil }
        return index
    }

    /// How a watcher watches, and what.
    enum Interest {
        /// One key, by waiting for newer versions of it.
        case waiting(Int)
        /// One key, by a watch.
        case key(Int)
        /// The keys that begin with a text, by a watch.
        case prefix(String)

        /// Whether it's interested in a key.
        func contains(_ index: Int) -> Bool {
            switch self {
            case .waiting(let key), .key(let key): key == index
            case .prefix(let prefix): WatchedKeys.name(index).hasPrefix(prefix)
            }
        }
    }

    /// What a watcher is interested in, by its number.
    static func interest(of watcher: Int) -> Interest {
        switch watcher % 16 {
        case 12, 13: .prefix("")
        case 14, 15: .prefix("c\(client)-k1")
        case let number where number < 6: .waiting(number * 8 + 3)
        case let number: .key(number * 8 + 3)
        }
    }
}

/// What a watcher or a judge says of the keys, in a row of the board.
struct WatchedRow {
    /// Words of such a row.
    static let wordCount = 4 + WatchedKeys.count

    private let row: Board.Row

    init(_ row: Board.Row) { self.row = row }

    /// Forgets all.
    func clear() {
        for word in 0..<Self.wordCount { row[word] = 0 }
        row.clear()
    }

    /// The turn that a judge is told to take.
    var turn: UInt64 {
        get { row[0] }
        nonmutating set { row[0] = newValue }
    }

    /// The last turn that it has taken; of a watcher not 0: it's attached.
    var done: UInt64 {
        get { row[1] }
        nonmutating set { row[1] = newValue }
    }

    /// How often a watcher was told of changes.
    var newsCount: UInt64 {
        get { row[2] }
        nonmutating set { row[2] = newValue }
    }

    /// How often a watcher was given a listing.
    var listingCount: UInt64 {
        get { row[3] }
        nonmutating set { row[3] = newValue }
    }

    /// The version of a key; 0: it isn't there.
    subscript(key: Int) -> UInt64 {
        get { row[4 + key] }
        nonmutating set { row[4 + key] = newValue }
    }

    /// What was found.
    var complaint: String? { row.complaint }

    /// Says what was found.
    func complain(_ text: String) { row.complain(text) }
}
