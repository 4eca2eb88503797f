internal import LinuxIPC
internal import SharedMemStore

/// The memory that a conductor and its forked processes share beside any segment: rows of words, and a bell.
///
/// A forked process has it at the same address, and what it wrote outlives it.
final class Board: Sendable {
    private static let headByteCount = 64
    private static let bellOffset = 0
    private static let textByteCount = 1016
    private static let rowHeadByteCount = 8 + textByteCount

    private let mapping: Mapping
    private let bytes: SharedBytes
    private let rowByteCount: Int

    /// Makes a board of zeros.
    init(rowCount: Int, wordCount: Int) throws {
        rowByteCount = Self.rowHeadByteCount + wordCount * 8
        let byteCount = Self.headByteCount + rowCount * rowByteCount
        let file = try MemoryFile.create(label: "survival-board")
        try file.reserve(byteCount: byteCount)
        mapping = try Mapping(of: file, byteCount: byteCount, access: .readWrite, isPrivateToProcess: false)
        bytes = unsafe SharedBytes(mapping.baseAddress, byteCount: byteCount)
    }

    /// The row number `index`.
    func row(_ index: Int) -> Row { Row(board: self, start: Self.headByteCount + index * rowByteCount) }

    /// Wakes everybody who waits for a word of the board to change.
    func ring() {
        // Two who ring at once may ring once: who waits looks again soon enough.
        bytes.storeReleasing32(bytes.load32(Self.bellOffset) &+ 1, Self.bellOffset)
        mapping.wake(at: Self.bellOffset, count: .max)
    }

    /// Waits until `condition` holds, for so many seconds at most; whether it does.
    func wait<Failure: Error>(seconds: Int, until condition: () throws(Failure) -> Bool) throws(Failure) -> Bool {
        let start = SystemClock.monotonic()
        while true {
            let bell = bytes.load32(Self.bellOffset)
            if try condition() { return true }
            guard SystemClock.monotonic() - start < UInt64(seconds) * 1_000_000_000 else { return false }
            _ = mapping.wait(at: Self.bellOffset, while: bell, nanoseconds: 10_000_000)
        }
    }

    /// One process's part of the board.
    struct Row: Sendable {
        private let board: Board
        private let start: Int

        fileprivate init(board: Board, start: Int) {
            self.board = board
            self.start = start
        }

        /// A word, published with all that was stored before it.
        subscript(word: Int) -> UInt64 {
            get { board.bytes.loadAcquiring(start + Board.rowHeadByteCount + word * 8) }
            nonmutating set { board.bytes.storeReleasing(newValue, start + Board.rowHeadByteCount + word * 8) }
        }

        /// Says what was found.
        func complain(_ text: String) {
            let text = Array(text.utf8.prefix(Board.textByteCount))
            unsafe text.withUnsafeBytes { text in
                if let source = text.baseAddress { unsafe board.bytes.copyIn(source, count: text.count, start + 8) }
            }
            board.bytes.storeReleasing(UInt64(text.count), start)
            board.ring()
        }

        /// Forgets what was found.
        func clear() { board.bytes.storeReleasing(0, start) }

        /// What was found; nil: nothing.
        var complaint: String? {
            let count = Int(board.bytes.loadAcquiring(start))
            guard count > 0, count <= Board.textByteCount else { return nil }
            let text = unsafe [UInt8](unsafeUninitializedCapacity: count) { text, initialized in
                if let target = text.baseAddress { unsafe board.bytes.copyOut(start + 8, to: target, count: count) }
                initialized = count
            }
            return String(decoding: text, as: UTF8.self)
        }
    }
}
