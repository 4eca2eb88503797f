internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// A process that sets and deletes the watched keys, so often as it's told.
struct ChangingProcess {
    /// What a writer's row holds.
    struct Row {
        private let row: Board.Row

        init(_ row: Board.Row) { self.row = row }

        /// Changes that were acknowledged, by this process and those that it replaced.
        var changeCount: UInt64 {
            get { row[0] }
            nonmutating set { row[0] = newValue }
        }

        /// How many there shall be.
        var goal: UInt64 {
            get { row[1] }
            nonmutating set { row[1] = newValue }
        }

        /// What was found.
        var complaint: String? { row.complaint }

        /// Says what was found.
        func complain(_ text: String) { row.complain(text) }
    }

    private let scene: Scene
    private let segment: Segment
    private let number: Int
    private let row: Row
    private let parent: pid_t
    private var random: SplitMix

    init(_ scene: Scene, _ number: Int, _ row: Row, parent: pid_t, seed: UInt64) throws(Finding) {
        self.scene = scene
        self.number = number
        self.row = row
        self.parent = parent
        random = SplitMix(seed: seed &* 1000 &+ UInt64(number) &+ row.changeCount << 16)
        segment = try scene.open(.readWrite)
        // Others are stopped with the lock word for a while.
        segment.lockTimeoutMilliseconds = 300_000
    }

    /// Works until it's killed or its parent is gone.
    mutating func run() throws(Finding) {
        while getppid() == parent {
            guard row.changeCount < row.goal else {
                _ = scene.board.wait(seconds: 1) { row.changeCount < row.goal }
                continue
            }
            try change()
            row.changeCount += 1
        }
    }

    /// Deletes one key in eight, sets two at once in one of sixteen.
    private mutating func change() throws(Finding) {
        let drawn = random.next()
        let key = Int(drawn >> 32) % WatchedKeys.count
        let name = WatchedKeys.name(key)
        switch drawn % 16 {
        case 0, 1: _ = try call("deleting '\(name)'") { () throws(SharedMemError) in try segment.delete(name) }
        case 2:
            let other = (key + 37) % WatchedKeys.count
            _ = try call("setting '\(name)' and another key") { () throws(SharedMemError) in
                var transaction = Transaction(segment)
                for key in [key, other] { try transaction.set(WatchedKeys.name(key), to: value(of: key, drawn)) }
                return try transaction.commit()
            }
        default:
            _ = try call("setting '\(name)'") { () throws(SharedMemError) in
                try segment.set(name, to: value(of: key, drawn))
            }
        }
    }

    private func value(of key: Int, _ drawn: UInt64) -> [UInt8] {
        Payload.make(
            tag: WatchedKeys.tag(key), number: UInt64(number) << 48 | row.changeCount,
            byteCount: 16 + Int(drawn >> 8 & 0xff))
    }
}
