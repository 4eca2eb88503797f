internal import Glibc
internal import LinuxIPC
internal import TestSupport

extension WatchingCrew {
    /// Changes that were acknowledged so far.
    var changeCount: UInt64 { writerRows.reduce(0) { $0 + $1.changeCount } }

    /// What watchers were told so far, by those that live.
    var newsCount: UInt64 { watcherRows.reduce(0) { $0 + $1.newsCount } }

    /// Listings among it.
    var listingCount: UInt64 { watcherRows.reduce(0) { $0 + $1.listingCount } }

    private var watcherRows: [WatchedRow] { (0..<Self.watcherCount).map { WatchedRow(board.row($0)) } }

    private var writerRows: [ChangingProcess.Row] { (0..<Self.writerCount).map { writerRow($0) } }

    /// Has the writers make so many changes more; returns at once.
    func begin(_ changes: UInt64) {
        for number in 0..<UInt64(Self.writerCount) {
            let row = writerRow(Int(number))
            let share = (changes + number) / UInt64(Self.writerCount)
            row.goal += share
        }
        board.ring()
    }

    /// Whether the writers have made all their changes; throws what anybody found.
    func isDone() throws(Finding) -> Bool {
        for row in watcherRows { if let complaint = row.complaint { throw Finding(complaint) } }
        for row in writerRows { if let complaint = row.complaint { throw Finding(complaint) } }
        return writerRows.allSatisfy { $0.changeCount >= $0.goal }
    }

    /// Waits until the writers have made all their changes.
    func expectDone(seconds: Int) throws(Finding) {
        let done = try board.wait(seconds: seconds) { () throws(Finding) in try isDone() }
        guard done else { throw Finding("the writers don't make their changes within \(seconds) s") }
    }

    /// Waits until each watcher knows the last version of what it watches; returns how many nanoseconds it took.
    ///
    /// For so many seconds at most. Nobody may write meanwhile.
    func expectLastVersions(seconds: Int) throws(Finding) -> UInt64 {
        let start = SystemClock.monotonic()
        let versions = try judge.versions()
        let rows = watcherRows
        let isUpToDate = try board.wait(seconds: seconds) { () throws(Finding) in
            _ = try isDone()
            return rows.indices.allSatisfy { Self.behind($0, rows[$0], versions) == nil }
        }
        if isUpToDate { return SystemClock.monotonic() - start }
        let late = rows.indices.compactMap { Self.behind($0, rows[$0], versions) }
        throw Finding(late.first ?? "a watcher is behind")
    }

    /// What a watcher doesn't know; nil: nothing.
    private static func behind(_ number: Int, _ row: WatchedRow, _ versions: [UInt64]) -> String? {
        let interest = WatchedKeys.interest(of: number)
        guard let key = versions.indices.first(where: { interest.contains($0) && row[$0] != versions[$0] }) else {
            return nil
        }
        return "watcher \(number) of \(interest) is behind: '\(WatchedKeys.name(key))' has version \(versions[key]),"
            + " it was told \(row[key]), in \(row.newsCount) times"
    }
}

// MARK: - Disturbance

extension WatchingCrew {
    /// Who is stopped or killed.
    enum Role: Equatable {
        case watcher(Int)
        case writer(Int)
    }

    /// Stops a process, or lets it go on.
    func send(_ signal: Int32, to role: Role) throws {
        switch role {
        case .watcher(let number): try watchers[number].send(signal)
        case .writer(let number): try writers[number].send(signal)
        }
    }

    /// Kills a process wherever it is, and starts another one in its place.
    func replace(_ role: Role) throws {
        switch role {
        case .watcher(let number):
            try watchers[number].kill()
            _ = try watchers[number].waitUntilEnd()
            watchers[number] = try startWatcher(number)
        case .writer(let number):
            try writers[number].kill()
            _ = try writers[number].waitUntilEnd()
            writers[number] = try startWriter(number)
        }
    }
}
