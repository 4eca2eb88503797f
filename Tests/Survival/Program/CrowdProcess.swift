internal import Glibc
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// A process with many watches, of keys of a few stripes or of the whole segment, which counts how often each is woken.
struct CrowdProcess {
    /// What it says in its row of the board.
    struct Row {
        private let row: Board.Row

        init(_ row: Board.Row) { self.row = row }

        /// Forgets all.
        func clear() {
            for word in 0..<4 { row[word] = 0 }
            row.clear()
        }

        /// Not 0: all its watches are there.
        var isReady: Bool {
            get { row[0] != 0 }
            nonmutating set { row[0] = newValue ? 1 : 0 }
        }

        /// Bit s: it watches a key of stripe s.
        var stripes: UInt64 {
            get { row[1] }
            nonmutating set { row[1] = newValue }
        }

        /// How often a descriptor was readable.
        var wakeUpCount: UInt64 {
            get { row[2] }
            nonmutating set { row[2] = newValue }
        }

        /// How often something had changed.
        var newsCount: UInt64 {
            get { row[3] }
            nonmutating set { row[3] = newValue }
        }

        /// What was found.
        var complaint: String? { row.complaint }

        /// Says what was found.
        func complain(_ text: String) { row.complain(text) }
    }

    /// Stripes whose keys one process watches.
    static let stripeCount = 4

    private let row: Row
    private let parent: pid_t
    private let watches: [Watch]
    private var entries: [pollfd]

    /// Attaches and watches so many keys; nil: the whole segment.
    init(_ scene: Scene, _ number: Int, keyCount: Int?, _ row: Row, parent: pid_t) throws(Finding) {
        let segment = try scene.open(.readOnly)
        self.row = row
        self.parent = parent
        let stripes = (0..<Self.stripeCount).map { (number * Self.stripeCount + $0) % 64 }
        let keys = try keyCount.map { (count) throws(Finding) in
            try Self.keys(count, of: stripes, in: segment)
        }
        row.stripes = keys == nil ? 0 : stripes.reduce(0) { $0 | 1 << UInt64($1) }
        watches = try call("watching") { () throws(SharedMemError) in
            var watches: [Watch] = []
            for key in keys ?? [] { watches.append(try segment.watch(key)) }
            if keys == nil { watches.append(try segment.watch(prefix: "")) }
            return watches
        }
        entries = []
        for watch in watches {
            let descriptor = try call("an event descriptor") { () throws(SharedMemError) in
                try watch.eventDescriptor()
            }
            entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
    }

    /// So many keys, the same number of each stripe.
    private static func keys(_ count: Int, of stripes: [Int], in segment: Segment) throws(Finding) -> [String] {
        var keys: [String] = []
        var counts = [Int](repeating: 0, count: 64)
        for number in 0..<1_000_000 where keys.count < count {
            let key = "crowd-\(number)"
            let stripe = try stripe(of: key, in: segment)
            guard stripes.contains(stripe), counts[stripe] * stripes.count < count else { continue }
            counts[stripe] += 1
            keys.append(key)
        }
        return keys
    }

    /// The watch stripe of a key.
    static func stripe(of key: String, in segment: Segment) throws(Finding) -> Int {
        try call("a key's stripe") { () throws(SharedMemError) in
            try segment.withStore { (store) throws(StoreError) in
                unsafe Array(key.utf8).withUnsafeBytes { unsafe store.notifyIndex(of: $0) }
            }
        }
    }

    /// Sleeps for all its watches and counts, until it's killed or its parent is gone.
    mutating func run() throws(Finding) {
        // Descriptors are readable at first.
        try look()
        row.wakeUpCount = 0
        row.newsCount = 0
        row.isReady = true
        while getppid() == parent {
            let count = unsafe poll(&entries, nfds_t(entries.count), 10_000)
            guard count >= 0 || errno == EINTR else { throw Finding("poll: errno \(errno)") }
            if count > 0 { try look() }
        }
    }

    private mutating func look() throws(Finding) {
        _ = unsafe poll(&entries, nfds_t(entries.count), 0)
        for index in entries.indices where entries[index].revents != 0 {
            row.wakeUpCount += 1
            let news = try call("a look") { () throws(SharedMemError) in try watches[index].poll() }
            if news != nil { row.newsCount += 1 }
        }
    }
}
