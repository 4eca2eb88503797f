internal import Glibc
internal import LinuxIPC
internal import SharedMemStore
internal import TestSupport

/// What a holder does in its process.
struct HolderProcess {
    private let board: Board
    private let row: Board.Row
    private let parent: pid_t
    private let client: RawClient
    private let store: Store
    private var number: UInt64
    private var lastCommand: UInt64 = 0
    /// Whether it has closed its connection.
    private var isAlone = false

    /// Attaches.
    init(_ scene: Scene, _ row: Board.Row, parent: pid_t, number: UInt64) throws {
        board = scene.board
        self.row = row
        self.parent = parent
        self.number = number
        client = try RawClient(segment: scene.segmentName, socketPath: scene.socketPath)
        store = try client.store()
        row[HolderWord.session] = UInt64(client.sessionID)
        row[HolderWord.lastNumber] = number - 1
    }

    /// Works until it's killed or its parent is gone.
    mutating func run(_ habit: Holder.Habit) throws {
        if habit != .nothing { try client.takeLock(store) }
        row[HolderWord.state] = 1
        board.ring()
        while getppid() == parent {
            if row[HolderWord.seesWaiter] == 0, store.lockWord & Store.waitersBit != 0 {
                row[HolderWord.seesWaiter] = 1
                board.ring()
            }
            try obey()
            if habit == .setting {
                try setNext()
            } else {
                usleep(200)
            }
        }
    }

    /// Sets its key to the next number, so often that a kill nearly always hits it in the middle of a set.
    private mutating func setNext() throws {
        do throws(StoreError) {
            try client.set(Holder.tag, to: number, byteCount: 512, times: 256, in: store)
        } catch {
            // Memory that it was left alone with may be emptied under it.
            guard isAlone else { throw error }
        }
        row[HolderWord.lastNumber] = number
        number += 1
    }

    private mutating func obey() throws {
        let command = row[HolderWord.command]
        guard command != lastCommand else { return }
        lastCommand = command
        switch Holder.Command(rawValue: command & 0xff) {
        case .detach: try client.detach()
        case .closeSocket:
            client.closeSocket()
            isAlone = true
        case .take:
            row[HolderWord.seesWaiter] = 0
            try client.takeLock(store)
        case .release: row[HolderWord.released] = client.releaseLock(store) ? 1 : 2
        case .forge:
            try client.takeLock(store)
            try client.forgeLock(Holder.forgedSession)
        case .leaveChild: try leaveChild()
        case .rob: try rob()
        case nil: throw Finding("a holder was told \(command & 0xff)")
        }
        row[HolderWord.done] = command >> 8
        board.ring()
    }

    /// Frees the word by the name of whoever has it.
    private func rob() throws {
        let owner = Store.owner(of: store.lockWord)
        guard owner != 0 else { throw Finding("the lock word has no owner to rob") }
        _ = try client.store(as: owner).unlock()
        client.wakeLockWaiters()
    }

    /// Forks a child that does nothing but keep what it has inherited, for a minute.
    private func leaveChild() throws {
        let child = try ForkedProcess {
            sleep(60)
            return 0
        }
        row[HolderWord.child] = UInt64(child.identifier)
    }
}
