package import SharedMemStore

extension Segment {
    /// Holds the segment's memory against its invariants, under the lock word; for tests and measurements.
    package func audit() throws(SharedMemError) -> Audit {
        var failure: AuditFailure?
        let audit: Audit? = try writing(stripes: { _ in 0 }) { (store, _) throws(StoreError) in
            do throws(AuditFailure) {
                return try store.audit()
            } catch {
                failure = error
                return nil
            }
        }
        if let audit { return audit }
        throw SharedMemError(.corrupted, "segment '" + name + "': " + (failure?.description ?? "unknown"))
    }
}
