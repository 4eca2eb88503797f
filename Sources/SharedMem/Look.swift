/// How a look at something watched ended.
enum Look {
    /// Something has changed; `isAll`: and nothing else is known to have.
    case found(SegmentChanges, isAll: Bool)
    /// The state of things has changed under the look: look again.
    case again
    /// Nothing has changed.
    case nothing(Rest)
}
