internal import Glibc
internal import LinuxIPC
internal import SharedMemStore
internal import TestSupport

/// A process that is attached without the library and has the lock word, seen from the conductor.
struct Holder {
    private let board: Board
    private let row: Board.Row
    /// The process.
    let process: ForkedProcess
    /// Its pid here, if it has another one of its own.
    private(set) var pid: pid_t

    /// What it does with the lock word.
    enum Habit: UInt64 {
        /// Attaches, and waits for a command.
        case nothing
        /// Takes the word and keeps it.
        case keeping
        /// Takes the word, and sets a key again and again under it.
        case setting
    }

    /// What it can be told.
    enum Command: UInt64 {
        /// Give the attachment back; the mapping stays.
        case detach = 1
        /// Close the connection; the mapping stays.
        case closeSocket
        /// Take the lock word.
        case take
        /// Give the lock word back.
        case release
        /// Take the lock word and write the id of a session that never was into it.
        case forge
        /// Leave a forked child behind that keeps the connection open.
        case leaveChild
        /// Free the lock word, whoever has it: what nobody may do.
        case rob
    }

    /// The id that `forge` writes.
    static let forgedSession: UInt32 = 0x2ab_cdef

    /// The client number in the tag of the key that it sets.
    static let tag = Payload.tag(client: 1000, key: 0)

    /// Starts it and waits until it stands as `habit` says.
    ///
    /// `number`: what it sets first; `isFirstOfNamespace`: it is process 1 of a pid namespace of its own.
    init(
        _ scene: Scene, row: Board.Row, _ habit: Habit, number: UInt64 = 1, isFirstOfNamespace: Bool = false
    ) throws {
        let board = scene.board
        self.board = board
        self.row = row
        let parent = getpid()
        for word in HolderWord.all { row[word] = 0 }
        process = try ForkedProcess {
            do {
                if isFirstOfNamespace { return try Self.runInNamespace(scene, row, habit, number) }
                var body = try HolderProcess(scene, row, parent: parent, number: number)
                try body.run(habit)
                return 0
            } catch {
                row.complain("a holder: \(error)")
                return 1
            }
        }
        pid = process.identifier
        try expect("a holder isn't ready") { row[HolderWord.state] != 0 }
        if isFirstOfNamespace {
            pid = try Shell.number(printedBy: "cat /proc/\(pid)/task/\(pid)/children | tr -d ' '")
        }
    }

    /// Runs the holder as a child in a new pid namespace, and ends with it.
    private static func runInNamespace(
        _ scene: Scene, _ row: Board.Row, _ habit: Habit, _ number: UInt64
    ) throws -> Int32 {
        try Kernel.leavePIDNamespace()
        let child = try ForkedProcess {
            do {
                var body = try HolderProcess(scene, row, parent: getppid(), number: number)
                try body.run(habit)
                return 0
            } catch {
                row.complain("a holder in a namespace: \(error)")
                return 1
            }
        }
        return try child.waitUntilEnd() == .exit(0) ? 0 : 1
    }

    /// Its session.
    var session: UInt32 { UInt32(truncatingIfNeeded: row[HolderWord.session]) }

    /// Whether it saw that somebody waits for its lock word.
    var seesWaiter: Bool { row[HolderWord.seesWaiter] != 0 }

    /// The number of the last value whose set returned; 0: none.
    var lastNumber: UInt64 { row[HolderWord.lastNumber] }

    /// Whether the last release found the word still its own.
    var releasedOwnWord: Bool { row[HolderWord.released] == 1 }

    /// Tells it something and waits until it's done.
    func tell(_ command: Command) throws(Finding) {
        let next = (row[HolderWord.command] >> 8) + 1
        row[HolderWord.command] = next << 8 | command.rawValue
        board.ring()
        try expect("a holder didn't obey \(command)") { row[HolderWord.done] == next }
    }

    /// Waits until a condition of its holds, for a minute at most.
    func expect(_ failure: String, _ condition: () -> Bool) throws(Finding) {
        let holds = try board.wait(seconds: 60) { () throws(Finding) in
            if let complaint = row.complaint { throw Finding(complaint) }
            return condition()
        }
        guard holds else { throw Finding(failure + " within 60 s") }
    }

    /// Ends it and its child at the end of a test, whatever state they are in.
    func abandon() {
        Glibc.kill(pid, SIGKILL)
        Glibc.kill(process.identifier, SIGKILL)
        let child = pid_t(truncatingIfNeeded: row[HolderWord.child])
        if child > 0 { Glibc.kill(child, SIGKILL) }
        do {
            _ = try process.waitUntilEnd()
        } catch {
            // Somebody has waited for it before.
        }
    }

    /// Kills it and says when its death was seen, on the monotonic clock.
    func kill() throws -> UInt64 {
        let descriptor = try Kernel.openProcess(pid)
        guard Glibc.kill(pid, SIGKILL) == 0 else { throw Finding("kill(\(pid)): errno \(errno)") }
        let time = try Kernel.waitForDeath(descriptor)
        _ = try process.waitUntilEnd()
        return time
    }
}

/// The words of a holder's row.
enum HolderWord {
    /// Not 0: it's attached, and has the lock word if it is to.
    static let state = 0
    /// The number of the last command in the high bits, the command in the low 8.
    static let command = 1
    /// The number of the last command that was obeyed.
    static let done = 2
    /// Its session.
    static let session = 3
    /// Not 0: somebody waits for its lock word.
    static let seesWaiter = 4
    /// The number of the last value whose set returned.
    static let lastNumber = 5
    /// 1: the last release found the word its own; 2: it didn't.
    static let released = 6
    /// The pid of the child that it left.
    static let child = 7
    /// All of them.
    static let all = 0..<8
}
