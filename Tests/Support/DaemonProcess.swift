package import Foundation

/// A daemon of this build, started for one test in a folder of its own and ended with it.
package final class DaemonProcess {
    /// The folder that holds the socket, the state and the configuration.
    package let folder: URL
    private let process: Process

    /// Where it listens.
    package var socketPath: String { folder.appending(path: "control.sock").path }

    /// Starts `sharedmemd` with `configuration` (YAML; empty: the defaults) and waits until it says that it serves.
    package init(configuration: String = "") throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "sharedmemd-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "sharedmemd.yaml")
        try Data(configuration.utf8).write(to: file)
        process = Process()
        process.executableURL = try Self.program("sharedmemd")
        process.arguments = [
            "--no-keeper", "--config", file.path, "--socket", folder.appending(path: "control.sock").path,
            "--state-directory", folder.appending(path: "state").path,
        ]
        let errors = Pipe()
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let log = try Self.readUntilServing(errors.fileHandleForReading)
        guard log.contains("serving at") else {
            process.terminate()
            throw Failure(description: "the daemon ended before it served: \(log)")
        }
        // What it says later is dropped, so that a full pipe never stops it.
        errors.fileHandleForReading.readabilityHandler = { handle in _ = handle.availableData }
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        do {
            try FileManager.default.removeItem(at: folder)
        } catch {
            print("could not remove \(folder.path): \(error)")
        }
    }

    /// Where a program of this build is: beside the running one, or beside the test bundle.
    package static func program(_ name: String) throws -> URL {
        let own = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let loaded = Bundle.allBundles.map { $0.bundleURL } + [Bundle.main.bundleURL, own.deletingLastPathComponent()]
        for start in loaded {
            for place in [start, start.deletingLastPathComponent()] {
                let candidate = place.appending(path: name)
                if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            }
        }
        throw Failure(description: "\(name) isn't beside \(own.path): build it first")
    }

    private static func readUntilServing(_ handle: FileHandle) throws -> String {
        var log = ""
        while !log.contains("serving at") {
            let data = handle.availableData
            if data.isEmpty { break }
            log += String(decoding: data, as: UTF8.self)
        }
        return log
    }

    /// Why the daemon isn't there.
    package struct Failure: Error, CustomStringConvertible {
        /// One sentence.
        package let description: String
    }
}
