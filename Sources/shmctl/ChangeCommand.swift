internal import Glibc
internal import LinuxIPC

/// A shell command that is run for one change: key and value reach it as data, never as part of the command.
struct ChangeCommand {
    /// What the shell is given.
    let command: [UInt8]
    /// The segment's name.
    let segment: String
    /// What has happened to the key.
    let change: String
    let key: [UInt8]
    let version: UInt64

    /// Runs it with `value` as its standard input and waits for its end; a status other than 0 is said.
    func run(_ value: [UInt8]) throws(Failure) {
        let end: ChildProcess.End
        do throws(Errno) {
            let input = try Self.file(holding: value)
            end = try start(input.descriptor.rawValue).reap()
        } catch {
            throw Failure("can't run the command", error)
        }
        switch end {
        case .exited(0): break
        case .exited(let status):
            StandardError.say("the command for the key \(TerminalText.quoted(key)) exited with \(status)")
        case .killed(let signal):
            StandardError.say("the command for the key \(TerminalText.quoted(key)) was ended by signal \(signal)")
        }
    }

    /// What its environment says of the change; a zero byte can't be in one.
    private var variables: [[UInt8]] {
        var variables = [
            ("SHMCTL_SEGMENT", Array(segment.utf8)), ("SHMCTL_CHANGE", Array(change.utf8)),
            ("SHMCTL_VERSION", Array(String(version).utf8)), ("SHMCTL_KEY_BASE64", Base64.encoded(key)),
        ]
        if !key.contains(0) { variables.append(("SHMCTL_KEY", key)) }
        return variables.map { Array($0.0.utf8) + [UInt8(ascii: "=")] + $0.1 }
    }

    /// A file that is read from its start: a command needn't read it, and one that doesn't blocks nobody.
    private static func file(holding bytes: [UInt8]) throws(Errno) -> MemoryFile {
        let file = try MemoryFile.create(label: "shmctl-value")
        try StandardStream.write(bytes, to: file.descriptor.rawValue)
        guard lseek(file.descriptor.rawValue, 0, SEEK_SET) == 0 else { throw Errno(rawValue: errno) }
        return file
    }

    /// Starts the shell: `posix_spawn(3)`.
    private func start(_ input: CInt) throws(Errno) -> ChildProcess {
        var actions = unsafe posix_spawn_file_actions_t()
        try Self.check(unsafe posix_spawn_file_actions_init(&actions))
        defer { _ = unsafe posix_spawn_file_actions_destroy(&actions) }
        try Self.check(unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO))
        let arguments = CStrings([Array("sh".utf8), Array("-c".utf8), command])
        let environment = CStrings(Self.inherited() + variables)
        var pid: pid_t = 0
        try Self.check(
            unsafe posix_spawn(&pid, "/bin/sh", &actions, nil, arguments.pointers, environment.pointers))
        return ChildProcess(pid: pid)
    }

    private static func check(_ error: CInt) throws(Errno) {
        if error != 0 { throw Errno(rawValue: error) }
    }

    /// The program's own environment, without what a command around this one has set there.
    private static func inherited() -> [[UInt8]] {
        var variables: [[UInt8]] = []
        var next = unsafe environ
        while let text = unsafe next.pointee {
            let bytes = unsafe UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:))
            if !bytes.starts(with: "SHMCTL_".utf8) { variables.append(bytes) }
            unsafe next += 1
        }
        return variables
    }
}

/// Strings as C programs take them: an array of pointers that ends with nil.
@safe private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [[UInt8]]) {
        count = strings.count
        unsafe pointers = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() {
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.count + 1)
            for (position, byte) in string.enumerated() { unsafe copy[position] = CChar(bitPattern: byte) }
            unsafe copy[string.count] = 0
            unsafe pointers[index] = copy
        }
        unsafe pointers[strings.count] = nil
    }

    deinit {
        for index in 0..<count { unsafe pointers[index]?.deallocate() }
        unsafe pointers.deallocate()
    }
}
