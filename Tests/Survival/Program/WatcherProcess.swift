internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// What a watcher does in its process: it notes the version of each key that it's interested in, as it is told.
struct WatcherProcess {
    /// Starts one in the row `row`, who knows nothing; a patient one sleeps until it's woken, however long that is.
    static func start(
        _ scene: Scene, _ name: String, _ interest: WatchedKeys.Interest, _ access: Segment.Access, _ row: WatchedRow,
        isPatient: Bool
    ) throws -> ForkedProcess {
        row.clear()
        let parent = getpid()
        return try ForkedProcess {
            do throws(Finding) {
                if isPatient { Patience.seed() }
                var watcher = try WatcherProcess(scene, interest, access, row, parent: parent)
                try watcher.run()
                return 0
            } catch {
                row.complain("\(name): \(error.description)")
                return 1
            }
        }
    }

    private let segment: Segment
    private let interest: WatchedKeys.Interest
    private let row: WatchedRow
    private let parent: pid_t
    /// The newest version that it was told of each key, deletions too.
    private var versions = [UInt64](repeating: 0, count: WatchedKeys.count)
    /// Keys whose version is that of a listing, which may be ahead of changes that are told behind it.
    private var isListed = [Bool](repeating: false, count: WatchedKeys.count)

    /// Attaches.
    init(
        _ scene: Scene, _ interest: WatchedKeys.Interest, _ access: Segment.Access, _ row: WatchedRow, parent: pid_t
    ) throws(Finding) {
        segment = try scene.open(access)
        self.interest = interest
        self.row = row
        self.parent = parent
        row.done = 1
    }

    /// Watches until it's killed or its parent is gone.
    mutating func run() throws(Finding) {
        switch interest {
        case .waiting(let key): try wait(for: key)
        case .key(let key):
            let name = WatchedKeys.name(key)
            try follow(
                call("watching '\(name)'") { () throws(SharedMemError) in try segment.watch(name, after: 0) })
        case .prefix(let prefix):
            try follow(
                call("watching what begins with '\(prefix)'") { () throws(SharedMemError) in
                    try segment.watch(prefix: prefix, listingFirst: true)
                })
        }
    }

    /// How long it waits in one go: only to see whether its parent is still there.
    private static var limit: Duration { .seconds(30) }

    private mutating func wait(for key: Int) throws(Finding) {
        let name = WatchedKeys.name(key)
        while getppid() == parent {
            let known = versions[key]
            let found = try call("waiting for '\(name)'") { () throws(SharedMemError) in
                try segment.wait(for: name, after: known, timeout: Self.limit)
            }
            guard let found else { continue }
            guard found.version > known else {
                throw Finding("a wait after version \(known) of '\(name)' ended with version \(found.version)")
            }
            versions[key] = found.version
            row.newsCount += 1
            if found.exists { try checkValue(of: key) }
            row[key] = found.exists ? found.version : 0
        }
    }

    private mutating func follow(_ watch: Watch) throws(Finding) {
        while getppid() == parent {
            let news = try call("the next change") { () throws(SharedMemError) in
                try watch.next(timeout: Self.limit)
            }
            if let news { try apply(news) }
        }
    }

    private mutating func apply(_ news: SegmentChanges) throws(Finding) {
        row.newsCount += 1
        var named = [Bool](repeating: false, count: WatchedKeys.count)
        for change in news.changes {
            guard let key = WatchedKeys.index(of: change.key), interest.contains(key) else {
                throw Finding(
                    "it was told of a key that it doesn't watch: '\(String(decoding: change.key, as: UTF8.self))'")
            }
            guard !named[key] else { throw Finding("'\(WatchedKeys.name(key))' was told twice at once") }
            named[key] = true
            try apply(change, key, isListing: news.isListing)
        }
        guard news.isListing else { return }
        row.listingCount += 1
        for key in 0..<WatchedKeys.count where !named[key] {
            // What isn't there now may have been there at an older version, which is told behind the listing.
            isListed[key] = true
            row[key] = 0
        }
    }

    private mutating func apply(_ change: SegmentChange, _ key: Int, isListing: Bool) throws(Finding) {
        let name = WatchedKeys.name(key)
        let known = versions[key]
        if change.version < known || change.version == known && !isListing {
            guard !isListing, isListed[key] else {
                throw Finding("'\(name)' was told at version \(change.version) after version \(known)")
            }
            return
        }
        versions[key] = change.version
        isListed[key] = isListing
        if change.kind == .set, row.newsCount % 16 == 0 { try checkValue(of: key) }
        row[key] = change.kind == .set ? change.version : 0
    }

    /// A value may be newer than what was told, but it's a value of the key.
    private func checkValue(of key: Int) throws(Finding) {
        let name = WatchedKeys.name(key)
        let value = try call("get of '\(name)'") { () throws(SharedMemError) in try segment.get(name) }
        if let value { _ = try Payload.number(of: value, tag: WatchedKeys.tag(key)) }
    }
}
