internal import Glibc
internal import LinuxIPC
internal import SharedMemDaemon

extension Keeper {
    /// Lets the supervision decide on an event and carries out what it decides.
    func handle(_ event: Supervision.Event) {
        for effect in supervision.handle(event, at: .now) { carryOut(effect) }
    }

    /// Carries out one decision.
    private func carryOut(_ effect: Supervision.Effect) {
        switch effect {
        case .log(let level, let sentence): log.write(level, sentence)
        case .end(let code): exitCode = code
        case .send(let signal): send(signal)
        case .start:
            do throws(Errno) {
                // The server mustn't go on when its keeper is killed: nobody would keep what it stores, and a new
                // keeper couldn't have the socket. A signal needs nothing of a server that may hang in its loop.
                let child = try serverImage.start(deathSignal: SIGTERM)
                server = child
                handle(.started(pid: child.pid))
            } catch {
                handle(.notStarted(error))
            }
        case .replaceProgram:
            do throws(Errno) {
                try successorImage.replaceThisProcess()
            } catch {
                handle(.notReplaced(error))
            }
        }
    }

    /// Sends the server a signal; it is there until it is reaped.
    private func send(_ signal: Int32) {
        do throws(Errno) {
            try server?.send(signal)
        } catch {
            log.write(.warning, "the server can't be sent signal \(signal): \(error), ignoring")
        }
    }

    /// The server: this program, without a keeper.
    private var serverImage: ProgramImage {
        var added = [
            "LISTEN_FDS=\(1 + store.entries.count)",
            "LISTEN_FDNAMES=\(names(listening: ListenVariables.control))",
            "NOTIFY_SOCKET=\(notificationPath)",
            "FDSTORE=\(store.limit)",
            "SHAREDMEMD_KEEPER=1",
        ]
        if let watchdog = options.watchdog { added.append("WATCHDOG_USEC=\(Int64(watchdog / .microseconds(1)))") }
        // The file that runs, also if another one has its name by now.
        return ProgramImage(
            path: "/proc/self/exe", arguments: options.serverArguments, environment: Self.environment + added,
            processVariables: ListenVariables.ofProcess, descriptors: [listening] + store.entries.map(\.held))
    }

    /// The keeper that takes over: the program that has this one's name by now.
    private var successorImage: ProgramImage {
        let added = [
            "LISTEN_FDS=\(1 + store.entries.count)",
            "LISTEN_FDNAMES=\(names(listening: ListenVariables.ownControl))",
        ]
        return ProgramImage(
            path: programPath, arguments: options.keeperArguments, environment: Self.environment + added,
            processVariables: ["LISTEN_PID"], descriptors: [listening] + store.entries.map(\.held))
    }

    /// What LISTEN_FDNAMES says.
    private func names(listening name: String) -> String {
        ([name] + store.entries.map(\.name)).joined(separator: ":")
    }

    /// This process's environment without what is meant for it alone.
    private static var environment: [String] {
        var entries: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            entries.append(unsafe String(cString: entry))
            unsafe next += 1
        }
        return ListenVariables.removed(from: entries)
    }
}

// MARK: - What the server says

extension Keeper {
    /// Does what a datagram asks for if the server sent it; descriptors that aren't kept are closed with it.
    func take(_ datagram: Datagram, _ bytes: some Collection<UInt8>) {
        guard datagram.sender == server?.pid || has(.senderNotChecked) else {
            log.write(
                .warning, "pid \(datagram.sender) sent a notification and isn't the server, ignoring")
            return
        }
        guard !datagram.isTruncated else {
            log.write(.warning, "the server sent a notification that is too long, ignoring")
            return
        }
        do throws(Notification.Malformed) {
            let notification = try Notification(bytes)
            switch notification.request {
            case .none, .barrier: break
            case .store(let name): for held in datagram.descriptors { keep(held, name: name) }
            case .remove(let name):
                if store.remove(name: name) == 0 {
                    log.write(.info, "the server drops \(name), which isn't kept, ignoring")
                }
            }
            handle(.notified(notification))
        } catch {
            log.write(.warning, "the server sent a notification that can't be read: \(error), ignoring")
        }
    }

    /// Keeps one descriptor, or says why not.
    private func keep(_ held: HeldDescriptor, name: String) {
        do throws(Errno) {
            switch try store.keep(held, name: name) {
            case .kept, .keptAlready: break
            case .full:
                log.write(
                    .error, "the descriptor \(name) isn't kept: \(store.limit) are kept already, the most there may be")
            case .namesTooLong:
                log.write(
                    .error,
                    "the descriptor \(name) isn't kept: all names would have more than "
                        + "\(DescriptorStore.maximumNamesByteCount) bytes")
            }
        } catch {
            log.write(.error, "the descriptor \(name) isn't kept: \(error)")
        }
    }
}
