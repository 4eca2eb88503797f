internal import SharedMemStore

extension Segment {
    /// Runs `body`, and does what it has written all at once, on what it has read; returns what `body` returned.
    ///
    /// Nobody sees a part of it, and no writer is kept waiting while `body` runs. If another writer has changed something
    /// that was read, `body` runs again, so it must not do anything else that counts; after 100 times throws
    /// `versionDiffers`. Throws what `body` throws, or what `set(_:to:)` throws: nothing was written then.
    public func transaction<Result>(
        _ body: (inout Transaction) throws(SharedMemError) -> Result
    ) throws(SharedMemError) -> Result {
        var attempts = 0
        while true {
            attempts += 1
            var transaction = Transaction(self)
            do throws(SharedMemError) {
                let result = try body(&transaction)
                if !transaction.isCancelled { _ = try transaction.finish() }
                return result
            } catch {
                guard transaction.hasConflict, attempts < Self.transactionLimit else { throw error }
            }
        }
    }

    /// Runs of a transaction's closure before it is given up.
    private static var transactionLimit: Int { 100 }
}
