/// Which generation this process has attached, and as whom: what is watched belongs to it.
struct AttachedGeneration: Equatable, Sendable {
    /// What the daemon knew the process as when it gave the files.
    let lineage: Lineage
    /// Which segment, as the daemon numbers them.
    let segmentID: UInt64
    /// Which of its generations.
    let generation: UInt64

    static func == (left: AttachedGeneration, right: AttachedGeneration) -> Bool {
        left.lineage === right.lineage && left.segmentID == right.segmentID && left.generation == right.generation
    }
}
