/// Whether a notify word can be slept on.
enum Footing {
    /// The daemon has said that writers move it.
    case firm(AttachedStore)
    /// It has said so just now: what was looked at before may have changed unsaid.
    case renewed(Registration)
    /// It can't be asked now: again in a moment.
    case none(AttachedStore)
    /// There is another generation.
    case gone
}
