internal import Glibc

/// What follows from the user that the daemon is.
enum OwnUser {
    /// The user that an installation makes for the daemon alone.
    private static let name = "sharedmemd"

    /// Says, for the end of a status sentence, whose clients could open what they may only read for writing: those of
    /// the daemon's own user, unless that one is the daemon's alone.
    static let exposure: String = {
        let own = geteuid()
        do throws(Accounts.Unanswered) {
            if try Accounts.system.uid(name) == own { return "" }
        } catch {
            // Then it's said; it is true of every user.
        }
        return "; read-only isn't enforced against uid \(own), the daemon's own"
    }()
}
