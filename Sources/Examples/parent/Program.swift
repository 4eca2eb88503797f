internal import Glibc
internal import SharedMem

/// Shares a sentence under the empty key, then runs the program that its argument names and waits for it.
@main
struct Program {
    static func main() {
        guard CommandLine.argc > 1 else {
            complain("usage: parent PROGRAM [ARGUMENT...]: shares a sentence and runs PROGRAM, which may read it")
            exit(64)
        }
        do throws(SharedMemError) {
            let segment = try Segment.open(segmentName)
            try segment.set("", to: "This is a test string")
        } catch {
            complain("parent: \(error.description)")
            exit(1)
        }
        exit(run())
    }

    /// The segment that the sentence is shared in.
    private static var segmentName: String {
        guard let name = unsafe getenv("SHAREDMEM_SEGMENT") else { return "default" }
        return unsafe String(cString: name)
    }

    /// Runs the program, which inherits everything, and answers with what to exit with: `posix_spawnp(3)`, `waitpid(2)`.
    private static func run() -> CInt {
        // The program's own arguments: all of ours but the first, up to the null pointer at the end.
        let arguments = unsafe CommandLine.unsafeArgv + 1
        let name = CommandLine.arguments[1]
        var process = pid_t()
        let error = unsafe posix_spawnp(&process, name, nil, nil, arguments, environ)
        guard error == 0 else {
            complain("parent: can't start '\(name)': \(unsafe String(cString: strerror(error)))")
            return 1
        }
        var status: CInt = 0
        while unsafe waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else {
                complain("parent: can't wait for '\(name)': \(unsafe String(cString: strerror(errno)))")
                return 1
            }
        }
        // The low seven bits are the signal that ended the program, the next eight what it exited with.
        if status & 0x7F != 0 {
            complain("parent: '\(name)' was ended by signal \(status & 0x7F)")
            return 1
        }
        let code = status >> 8 & 0xFF
        if code != 0 { complain("parent: '\(name)' ended with exit status \(code)") }
        return code
    }

    /// Says a sentence on standard error.
    private static func complain(_ sentence: String) {
        let line = sentence + "\n"
        _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
    }
}
