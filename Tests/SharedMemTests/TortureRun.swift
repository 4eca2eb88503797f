import Foundation
import TestSupport

/// What a command of the torture program has said, run to its end.
struct TortureRun: Equatable {
    /// Its standard output.
    let text: String
    /// Its exit code.
    let status: Int32

    init(text: String, status: Int32) {
        self.text = text
        self.status = status
    }

    /// Runs a command against the daemon at `socketPath`; by `wrapper`, if there is one.
    init(_ command: String, socketPath: String, _ more: [String] = [], wrapper: [String] = []) throws {
        let output = Pipe()
        let process = Process()
        let words = wrapper + [try DaemonProcess.program("sharedmem-torture").path, command, "--socket", socketPath]
        process.executableURL = URL(filePath: words[0])
        process.arguments = words.dropFirst() + more
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        try process.run()
        text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }
}
