import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

struct HistoryTests {
    /// Plays `count` events; stops at the first finding.
    private func findings(in history: inout History, count: Int) -> [String] {
        for _ in 0..<count {
            history.step()
            let findings = history.findings
            if !findings.isEmpty { return findings }
        }
        history.finish()
        return history.findings
    }

    /// The same seeds in every short run; the long run looks for histories that nobody has seen.
    static let seeds: [UInt64] =
        unsafe getenv("SHAREDMEM_TESTS_LONG") == nil
        ? Array(0..<10) : (0..<200).map { _ in UInt64.random(in: .min ... .max) }

    @Test(arguments: seeds)
    func randomHistoriesKeepEveryRule(seed: UInt64) {
        var history = History(seed: seed)
        let findings = findings(in: &history, count: 5_000)
        #expect(findings == [], "seed \(seed)")
        #expect(history.witness.peers.values.allSatisfy { $0.open.isEmpty }, "seed \(seed)")
    }

    @Test func historiesReachWhatTheyAreFor() {
        var history = History(seed: 1)
        #expect(findings(in: &history, count: 40_000) == [])
        for kind in [
            "hello", "hello with attachment", "attached", "detached", "created", "removed", "list", "list with more",
            "shown", "pinned", "unpinned", "disconnect", "reconnected", "left session taken up", "replaced", "repeated",
            "death", "close", "repair", "forgetProcess", "save", "restart", "pin found", "sessions",
            "sessions with more", "statistics", "holder none", "holder connected", "holder restored",
            "holder replaced", "makeGeneration", "retireGeneration", "watched", "unwatched", "watched less", "flags",
            "restored flags", "failure 2", "failure 12", "failure 13",
            "failure 16", "failure 17", "failure 22", "failure 28", "failure 43", "failure 93", "failure 116",
            "failure 122",
        ] {
            #expect(history.witness.counts[kind, default: 0] >= 5, "\(kind)")
        }
    }

    @Test func sameSeedIsTheSameHistory() {
        let counts = (0..<2).map { _ in
            var history = History(seed: 7)
            _ = findings(in: &history, count: 2_000)
            return history.witness.counts
        }
        #expect(counts[0] == counts[1])
    }

    @Test(arguments: Forgery.allCases)
    func forgedEffectsAreNoticed(forgery: Forgery) {
        var history = History(seed: 2)
        history.tamper = forgery.apply
        #expect(!findings(in: &history, count: 20_000).isEmpty)
    }

    #if SHAREDMEM_TEST_HOOKS
        @Test(arguments: Broker.Fault.allCases)
        func seededFaultsAreNoticed(fault: Broker.Fault) throws {
            var history = History(seed: 3)
            var isSeeded = false
            for _ in 0..<1_000 where !isSeeded {
                history.step()
                isSeeded = history.broker.seed(fault)
            }
            try #require(isSeeded)
            #expect(!history.broker.contradictions.isEmpty)
            #expect(!findings(in: &history, count: 1).isEmpty)
        }

        @Test func witnessNoticesAForgottenRequestOnItsOwn() {
            var history = History(seed: 4)
            for _ in 0..<5_000 {
                history.step()
                _ = history.broker.seed(.forgottenWaiter)
            }
            history.finish()
            #expect(history.witness.findings.contains { $0.hasSuffix("was forgotten") })
        }

        @Test func witnessNoticesAWrongChargeOnItsOwn() throws {
            var history = History(seed: 5)
            for _ in 0..<500 { history.step() }
            try #require(history.witness.findings == [])
            let isSeeded = history.broker.seed(.charge)
            try #require(isSeeded)
            // Now and then a step has nothing to play.
            for _ in 0..<20 where history.witness.findings.isEmpty { history.step() }
            #expect(history.witness.findings.contains { $0.contains("bytes charged") || $0.contains("segments") })
        }
    #endif
}
