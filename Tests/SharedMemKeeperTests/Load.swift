import Foundation
import LinuxIPC
import Synchronization
import Testing

/// Clients that connect again and again, on threads of their own, and ask the server for its pid.
final class Load: Sendable {
    private struct State {
        var isStopped = false
        var answerCount = 0
        var refusals: [String] = []
    }

    private let state = Mutex(State())
    private let path: String
    private let threads = DispatchGroup()

    /// Begins.
    init(path: String) {
        self.path = path
        for _ in 0..<4 {
            threads.enter()
            Thread.detachNewThread {
                repeat { self.ask() } while !self.state.withLock { $0.isStopped }
                self.threads.leave()
            }
        }
    }

    /// Asks once: a `connect` that fails is a refusal; a connection that breaks later, with its server, isn't.
    private func ask() {
        let client: UnixSocket
        do throws(Errno) {
            client = try UnixSocket.connecting(to: path, milliseconds: 60_000)
        } catch {
            state.withLock { $0.refusals.append("\(error)") }
            return
        }
        do throws(Errno) {
            try client.setReceiveTimeout(milliseconds: 60_000)
            try client.send(Array("pid".utf8))
            var buffer = [UInt8](repeating: 0, count: 64)
            if try client.receive(into: &buffer).byteCount > 0 { state.withLock { $0.answerCount += 1 } }
        } catch {
            // The server died with this connection accepted.
        }
    }

    /// Waits until `count` more clients have had an answer.
    func waitForAnswers(_ count: Int) throws {
        let before = state.withLock { $0.answerCount }
        try waitUntil("clients are answered") { self.state.withLock { $0.answerCount } >= before + count }
    }

    /// Ends, and says how often there was an answer and why there were refusals.
    func stop() throws -> (answerCount: Int, refusals: [String]) {
        state.withLock { $0.isStopped = true }
        try #require(threads.wait(timeout: .now() + 120) == .success, "the load didn't end in 120 s")
        return state.withLock { ($0.answerCount, $0.refusals) }
    }
}
