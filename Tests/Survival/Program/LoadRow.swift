/// What a client of the load has published: how far it is, and what it was acknowledged.
struct LoadRow {
    /// The registers of a client in each of its segments; its counter and the two keys of its transactions are among them.
    static let keyCount = 8
    private static let headWordCount = 4

    private let row: Board.Row

    init(_ row: Board.Row) { self.row = row }

    /// Words of a row for so many segments.
    static func wordCount(segmentCount: Int) -> Int { headWordCount + segmentCount * (1 + keyCount * 2) }

    /// Rounds through all operations so far.
    var cycleCount: UInt64 {
        get { row[0] }
        nonmutating set { row[0] = newValue }
    }

    /// Calls that returned so far.
    var callCount: UInt64 {
        get { row[1] }
        nonmutating set { row[1] = newValue }
    }

    /// What the longest call took, in nanoseconds.
    var longestCall: UInt64 {
        get { row[2] }
        nonmutating set { row[2] = newValue }
    }

    /// What the client found.
    var complaint: String? { row.complaint }

    /// Says what the client found.
    func complain(_ finding: String) { row.complain(finding) }

    /// The id of the client's segment number `place`, noted when it was attached.
    func segmentID(_ place: Int) -> UInt64 { row[start(place)] }

    /// Notes that id.
    func noteSegmentID(_ id: UInt64, _ place: Int) { row[start(place)] = id }

    /// What the client knows of a key of its own.
    struct Register: Equatable {
        /// The number of the value; 0: it was never set.
        var number: UInt64 = 0
        /// Its version.
        var version: UInt64 = 0
    }

    /// What was acknowledged for a key.
    func register(_ key: Int, _ place: Int) -> Register {
        let word = start(place) + 1 + key * 2
        return Register(number: row[word], version: row[word + 1])
    }

    /// Notes what was acknowledged for a key.
    func note(_ register: Register, _ key: Int, _ place: Int) {
        let word = start(place) + 1 + key * 2
        row[word] = register.number
        row[word + 1] = register.version
    }

    private func start(_ place: Int) -> Int { Self.headWordCount + place * (1 + Self.keyCount * 2) }
}
