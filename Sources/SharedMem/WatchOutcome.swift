/// How an attempt to have something watched ended.
enum WatchOutcome {
    /// The daemon has set the flags.
    case watched
    /// The daemon isn't there, or doesn't answer.
    case away
    /// The generation isn't the one to watch: attach again, if need be after a moment.
    case moved
}
