import Foundation
import Testing

/// The examples `parent` and `child` against a daemon of their own.
@Suite struct ExampleTests {
    @Test func childPrintsWhatParentShares() throws {
        try RunningDaemon.use { daemon in
            let child = try BuiltProgram("child").path
            let outcome = try run(daemon, "parent", [child])
            #expect(outcome.text == "This is a test string\n")
            #expect(outcome.words == "")
            #expect(outcome.status == 0)
            // It is still there now that both have ended.
            #expect(try daemon.shmctlSucceeds("get", "default", "").text == "This is a test string")
        }
    }

    @Test func variableNamesAnotherSegment() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("create", "other", "--size", "64KiB")
            let outcome = try run(daemon, "parent", [BuiltProgram("child").path], segment: "other")
            #expect(outcome.text == "This is a test string\n")
            #expect(try daemon.shmctlSucceeds("get", "other", "").text == "This is a test string")
            #expect(try daemon.shmctl("get", "default", "").status == 1)
        }
    }

    @Test func parentPassesArgumentsAndFailuresOn() throws {
        try RunningDaemon.use { daemon in
            let failed = try run(daemon, "parent", ["/bin/sh", "-c", "echo \"$0\"; exit 3", "argument"])
            #expect(failed.text == "argument\n")
            #expect(failed.words == "parent: '/bin/sh' ended with exit status 3\n")
            #expect(failed.status == 3)
            let killed = try run(daemon, "parent", ["/bin/sh", "-c", "kill -9 $$"])
            #expect(killed.words == "parent: '/bin/sh' was ended by signal 9\n")
            #expect(killed.status == 1)
            let missing = try run(daemon, "parent", ["/nonexistent"])
            #expect(missing.words == "parent: can't start '/nonexistent': No such file or directory\n")
            #expect(missing.status == 1)
        }
    }

    @Test func parentWithoutAProgramSaysHowItIsUsed() throws {
        let outcome = try BuiltProgram("parent").run([])
        #expect(
            outcome.words
                == "usage: parent PROGRAM [ARGUMENT...]: shares a sentence and runs PROGRAM, which may read it\n")
        #expect(outcome.text == "")
        #expect(outcome.status == 64)
    }

    @Test func withoutAValueOrADaemonThereIsOneSentence() throws {
        try RunningDaemon.use { daemon in
            let outcome = try run(daemon, "child", [])
            #expect(
                outcome.words
                    == "child: nothing is shared in segment 'default'; the program 'parent' shares something\n")
            #expect(outcome.text == "")
            #expect(outcome.status == 1)
        }
        for name in ["parent", "child"] {
            let outcome = try BuiltProgram(name).run(["true"], environment: ["SHAREDMEM_SOCKET": "/nonexistent"])
            #expect(outcome.words.hasPrefix("\(name): "))
            #expect(outcome.words.split(separator: "\n").count == 1)
            #expect(outcome.status == 1)
        }
    }

    /// Runs an example against `daemon`.
    private func run(
        _ daemon: RunningDaemon, _ name: String, _ arguments: [String], segment: String? = nil
    ) throws -> BuiltProgram.Outcome {
        var environment = ["SHAREDMEM_SOCKET": daemon.socketPath]
        if let segment { environment["SHAREDMEM_SEGMENT"] = segment }
        return try BuiltProgram(name).run(arguments, environment: environment)
    }
}
