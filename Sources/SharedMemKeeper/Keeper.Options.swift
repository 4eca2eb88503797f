extension Keeper {
    /// What a keeper is told.
    package struct Options: Sendable {
        /// Where clients connect.
        package var socketPath: String
        /// The folder that belongs to the daemon's user beside the socket's; nil: none.
        package var stateDirectory: String?
        /// The arguments of the server, the program's name first.
        package var serverArguments: [String]
        /// The arguments of a keeper that replaces this one, the program's name first.
        package var keeperArguments: [String]
        /// How long a server may be silent before it is aborted; nil: for ever.
        package var watchdog: Duration?
        /// How many descriptors are kept at most, if the process may have twice as many.
        package var descriptorLimit: Int
        /// The user that the keeper becomes if it is root.
        package var user: String
        /// A fault that a test seeds; a release build has none.
        package var fault: Fault?

        /// Tells a keeper what it has to know; the rest is as ever.
        package init(
            socketPath: String, stateDirectory: String?, serverArguments: [String], keeperArguments: [String],
            watchdog: Duration?, descriptorLimit: Int = 4096, user: String = "sharedmemd", fault: Fault? = nil
        ) {
            self.socketPath = socketPath
            self.stateDirectory = stateDirectory
            self.serverArguments = serverArguments
            self.keeperArguments = keeperArguments
            self.watchdog = watchdog
            self.descriptorLimit = descriptorLimit
            self.user = user
            self.fault = fault
        }
    }

    /// A fault that a test puts into the keeper on purpose, to show that it would be caught.
    package enum Fault: String, Sendable {
        /// Every sender is believed to be the server.
        case senderNotChecked = "sender"
        /// A dead server's last words aren't read before it is reaped.
        case lastWordsLost = "last-words"
    }

    /// Whether a fault is seeded; never in a release build.
    func has(_ fault: Fault) -> Bool {
        #if SHAREDMEM_TEST_HOOKS
            options.fault == fault
        #else
            false
        #endif
    }
}
