internal import ArgumentParser

/// Clients that work while their daemon and each other are killed, and what they must never see.
@main
struct Survival: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Work in segments while daemons and writers are killed, and say what was lost.",
        discussion: """
            Each finding is a line "wrong: …". Exit codes: 0 nothing wrong was seen, 1 something was, 64 usage.
            """,
        subcommands: [
            Load.self, Deaths.self, Stopped.self, Abandoned.self, Orphan.self, Attaching.self, Watching.self,
            Interrupted.self, Requeue.self, Crowd.self, Forge.self,
        ])
}
