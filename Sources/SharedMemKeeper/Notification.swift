/// Is one datagram of `sd_notify(3)`: what a server says of itself, or asks for.
struct Notification: Equatable, Sendable {
    /// READY=1: it serves.
    var isReady = false
    /// RELOADING=1: it reads its configuration again.
    var isReloading = false
    /// STOPPING=1: it ends.
    var isStopping = false
    /// WATCHDOG=1: it is alive.
    var isAlive = false
    /// WATCHDOG=trigger: it asks to be aborted.
    var asksForAbort = false
    /// STATUS=: how it is, in words.
    var status: String?
    /// What is to be done with the descriptors.
    var request = Request.none

    /// What is to be done with the descriptors that come with a datagram, or came with an earlier one.
    enum Request: Equatable, Sendable {
        /// Nothing: none were expected.
        case none
        /// FDSTORE=1: keep them under a name.
        case store(name: String)
        /// FDSTOREREMOVE=1: drop those of a name.
        case remove(name: String)
        /// BARRIER=1: close the one that came, by which the sender sees that all it sent before is done.
        case barrier
    }

    /// Why a datagram can't be used.
    enum Malformed: Error, Equatable, Sendable, CustomStringConvertible {
        /// It has no byte.
        case empty
        /// It holds a byte 0.
        case zeroByte
        /// It isn't UTF-8.
        case encoding
        /// A line has no `=`.
        case line(String)
        /// FDNAME= isn't a name.
        case name(String)
        /// FDSTOREREMOVE=1 came without FDNAME=.
        case nameMissing
        /// BARRIER=1 isn't alone, or FDSTORE=1 and FDSTOREREMOVE=1 came together.
        case contradiction

        var description: String {
            switch self {
            case .empty: "it is empty"
            case .zeroByte: "it holds a byte 0"
            case .encoding: "it isn't UTF-8"
            case .line(let line): "its line \"\(line)\" isn't NAME=VALUE"
            case .name(let name):
                "FDNAME=\(name) is no name; expected 1 to 255 printable ASCII characters without ':', not \"control\""
            case .nameMissing: "FDSTOREREMOVE=1 needs FDNAME="
            case .contradiction: "it asks for several things at once; expected one of FDSTORE, FDSTOREREMOVE, BARRIER"
            }
        }
    }
}

extension Notification {
    /// The most bytes that a datagram has; systemd's limit too.
    static let maximumByteCount = 4096

    /// Reads a datagram; names that aren't known here are passed over, MAINPID= among them.
    init(_ bytes: some Collection<UInt8>) throws(Malformed) {
        guard !bytes.isEmpty else { throw .empty }
        guard !bytes.contains(0) else { throw .zeroByte }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .encoding }
        var name: String?
        var isStore = false
        var isRemove = false
        var isBarrier = false
        let lines = text.split(separator: "\n")
        for line in lines {
            guard let equals = line.firstIndex(of: "="), equals != line.startIndex else { throw .line(String(line)) }
            let value = line[line.index(after: equals)...]
            switch line[..<equals] {
            case "READY": isReady = value == "1"
            case "RELOADING": isReloading = value == "1"
            case "STOPPING": isStopping = value == "1"
            case "WATCHDOG":
                isAlive = value == "1"
                asksForAbort = value == "trigger"
            case "STATUS": status = String(value)
            case "FDSTORE": isStore = value == "1"
            case "FDSTOREREMOVE": isRemove = value == "1"
            case "FDNAME":
                guard Self.isName(value) else { throw .name(String(value)) }
                name = String(value)
            case "BARRIER": isBarrier = value == "1"
            default: break
            }
        }
        switch (isStore, isRemove, isBarrier) {
        case (false, false, false): break
        case (true, false, false): request = .store(name: name ?? Self.nameOfNameless)
        case (false, true, false):
            guard let name else { throw .nameMissing }
            request = .remove(name: name)
        case (false, false, true) where lines.count == 1: request = .barrier
        default: throw .contradiction
        }
    }

    /// What a descriptor without FDNAME= is called; `sd_pid_notify_with_fds(3)`.
    private static let nameOfNameless = "stored"

    /// Tells whether a descriptor can be kept under `name`: it has to fit into LISTEN_FDNAMES, and the listening socket
    /// is called `control` there.
    static func isName(_ name: some StringProtocol) -> Bool {
        (1...255).contains(name.utf8.count) && name.utf8.allSatisfy { (0x20...0x7e).contains($0) }
            && !name.utf8.contains(UInt8(ascii: ":")) && name != ListenVariables.control
            && name != ListenVariables.ownControl
    }
}
