internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// A fault of writers, which `watching` or `interrupted` must find.
enum WatchingFault: String, CaseIterable {
    /// Writers don't move the notify words.
    case wake
    /// Writers look whether anybody watches before their change is visible.
    case flag

    /// Puts the fault into this process's store; a release build was refused before.
    func seed() {
        #if SHAREDMEM_TEST_HOOKS
            switch self {
            case .wake: SeededFault.ofThisProcess = .wakeLeftOut
            case .flag: SeededFault.ofThisProcess = .flagReadTooEarly
            }
        #endif
    }
}

/// Watchers and writers of one segment, each a process that can be stopped, killed and replaced.
final class WatchingCrew {
    /// Watchers: twelve of a key, four of a prefix.
    static let watcherCount = 16
    /// Writers.
    static let writerCount = 4

    private let scene: Scene
    /// What watchers and writers say.
    let board: Board
    private let seed: UInt64
    private let fault: WatchingFault?
    private let isPatient: Bool
    /// Who knows the versions of all keys.
    let judge: Judge
    /// The watchers' processes.
    var watchers: [ForkedProcess] = []
    /// The writers' processes.
    var writers: [ForkedProcess] = []

    /// Starts all of them; patient watchers sleep until they're woken, however long that is.
    init(_ scene: Scene, seed: UInt64, fault: WatchingFault?, isPatient: Bool) throws {
        self.scene = scene
        self.seed = seed
        self.fault = fault
        self.isPatient = isPatient
        board = try Board(
            rowCount: Self.watcherCount + Self.writerCount + 1, wordCount: WatchedRow.wordCount)
        judge = try Judge(scene, board.row(Self.watcherCount + Self.writerCount))
        for number in 0..<Self.watcherCount { watchers.append(try startWatcher(number)) }
        for number in 0..<Self.writerCount { writers.append(try startWriter(number)) }
    }

    /// Starts a watcher, who knows nothing; every other one reads only.
    func startWatcher(_ number: Int) throws -> ForkedProcess {
        try WatcherProcess.start(
            scene, "watcher \(number)", WatchedKeys.interest(of: number), number % 2 == 0 ? .readOnly : .readWrite,
            WatchedRow(board.row(number)), isPatient: isPatient)
    }

    /// Starts a writer, who goes on where the one before it ended.
    func startWriter(_ number: Int) throws -> ForkedProcess {
        let row = writerRow(number)
        let parent = getpid()
        return try ForkedProcess { [scene, seed, fault] in
            do throws(Finding) {
                fault?.seed()
                var writer = try ChangingProcess(scene, number, row, parent: parent, seed: seed)
                try writer.run()
                return 0
            } catch {
                row.complain("writer \(number): \(error.description)")
                return 1
            }
        }
    }

    /// What a writer says.
    func writerRow(_ number: Int) -> ChangingProcess.Row {
        ChangingProcess.Row(board.row(Self.watcherCount + number))
    }

    /// Ends everybody, whatever state they are in.
    func disband() throws {
        for process in watchers + writers {
            try process.kill()
            _ = try process.waitUntilEnd()
        }
        watchers = []
        writers = []
        try judge.abandon()
    }
}
