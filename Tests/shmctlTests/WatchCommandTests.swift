import Testing

@testable import shmctl

/// Watching on the command line, against a daemon of their own.
@Suite struct WatchCommandTests {
    /// Starts a watch whose lines are read one by one from descriptor 3; it is ended at the end.
    private static func watching(_ options: String, _ script: String) -> String {
        """
        set -e; mkfifo "$T/lines"
        "$SHMCTL" watch default \(options) >"$T/lines" &
        watch=$!; trap 'kill $watch' EXIT; exec 3<"$T/lines"
        line() { read -r text <&3; printf '%s\\n' "$text"; }
        \(script)
        """
    }

    @Test(.timeLimit(.minutes(2))) func aLineForEachChangeOfAKey() throws {
        try RunningDaemon.use { daemon in
            let outcome = try daemon.shell(
                #""$SHMCTL" set default k one; "# + "\n"
                    + Self.watching(
                        "k --initial",
                        #"""
                        line
                        "$SHMCTL" set default other no; "$SHMCTL" set default k 'two words'; line
                        "$SHMCTL" delete default k; line
                        "$SHMCTL" set default k --type int64 -- -3; line
                        "$SHMCTL" set default k 'a"b\c' ; line
                        """#))
            #expect(outcome.words == "")
            #expect(
                outcome.text == #"""
                    set k one
                    set k "two words"
                    delete k
                    set k -3 int64
                    set k "a\"b\\c"

                    """#)
        }
    }

    @Test(.timeLimit(.minutes(2))) func aPrefixAndJSON() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "a/1", "x")
            let outcome = try daemon.shell(
                Self.watching(
                    "--prefix a/ --json --initial",
                    #"""
                    line
                    "$SHMCTL" set default b/1 no; "$SHMCTL" set default a/2 5 --type int64; line
                    "$SHMCTL" delete default a/1; line
                    """#))
            #expect(outcome.words == "")
            #expect(
                outcome.text == #"""
                    {"segment":"default","key":"a/1","change":"listed","value":"eA==","text":"x","type":"text","version":1}
                    {"segment":"default","key":"a/2","change":"set","value":"BQAAAAAAAAA=","number":5,"type":"int64","version":3}
                    {"segment":"default","key":"a/1","change":"deleted","version":4}

                    """#)
        }
    }

    /// What is written is what the command transaction reads.
    @Test(.timeLimit(.minutes(2))) func linesCanBeAppliedElsewhere() throws {
        try RunningDaemon.use { daemon in
            let key = #"#a "quoted" \key"#
            try daemon.shmctlSucceeds("set", "default", "--", key, input: [0, 10, 255, 34])
            let outcome = try daemon.shell(
                #"""
                "$SHMCTL" create other --size 1M
                "$SHMCTL" watch default --initial --once | "$SHMCTL" transaction other
                "$SHMCTL" get other '#a "quoted" \key' --raw | od -An -tx1
                """#)
            #expect(outcome.words == "")
            #expect(outcome.text.hasSuffix(" 00 0a ff 22\n"))
        }
    }

    /// Neither a key nor a value is ever a part of the command.
    @Test(.timeLimit(.minutes(2))) func execPassesKeyAndValueAsData() throws {
        try RunningDaemon.use { daemon in
            let key = "$(touch $T/broken)'\"; `touch $T/broken` |"
            try daemon.shmctlSucceeds("set", "default", "--", key, "\n$(touch $T/broken)")
            let outcome = try daemon.shell(
                #"""
                "$SHMCTL" watch default --initial --once \
                    --exec 'printf "<%s> %s %s %s\n" "$SHMCTL_KEY" "$SHMCTL_CHANGE" "$SHMCTL_VERSION" "$SHMCTL_SEGMENT"; cat'
                ls "$T" | grep broken
                """#)
            #expect(outcome.words == "")
            #expect(outcome.text == "<\(key)> listed 1 default\n\n$(touch $T/broken)")
        }
    }

    @Test(.timeLimit(.minutes(2))) func execWithAKeyThatHasAZeroByte() throws {
        try RunningDaemon.use { daemon in
            let outcome = try daemon.shell(
                #"""
                printf 'set "a\\x00b" v\n' | "$SHMCTL" transaction default
                SHMCTL_KEY=outer "$SHMCTL" watch default --initial --once \
                    --exec 'printf "%s %s\n" "${SHMCTL_KEY-none}" "$SHMCTL_KEY_BASE64"; exit 3'
                """#)
            #expect(outcome.text == "1\nnone YQBi\n")
            #expect(outcome.words == "shmctl: the command for the key 'a\\x00b' exited with 3\n")
        }
    }

    @Test(.timeLimit(.minutes(2))) func onceEndsWithTheFirstChange() throws {
        try RunningDaemon.use { daemon in
            let outcome = try daemon.shell(
                #"""
                "$SHMCTL" watch default k --once >"$T/out" & watch=$!
                while kill -0 $watch 2>/dev/null; do "$SHMCTL" set default k v; done
                wait $watch; echo $?; cat "$T/out"
                """#)
            #expect(outcome.words == "")
            #expect(outcome.text == "0\nset k v\n")
        }
    }

    @Test(.timeLimit(.minutes(2))) func aTimeIsOver() throws {
        try RunningDaemon.use { daemon in
            let nothing = try daemon.shmctl("watch", "default", "k", "--timeout", "1ms")
            #expect(nothing.words == "shmctl: nothing has changed in that time\n")
            #expect(nothing.status == 2)
            try daemon.shmctlSucceeds("set", "default", "k", "v")
            #expect(
                try daemon.shmctlSucceeds("watch", "default", "--initial", "--timeout", "50ms").text == "set k v\n")
        }
    }

    @Test func wrongUsageIsRefused() throws {
        try RunningDaemon.use { daemon in
            let cases: [([String], String)] = [
                (["k", "--prefix", "a"], "a KEY and --prefix can't be used together"),
                (["--exec", "true", "--json"], "--exec and --json can't be used together"),
                (["--exec", ""], "--exec needs a command"),
            ]
            for (arguments, sentence) in cases {
                let outcome = try daemon.shmctl(["watch", "default"] + arguments)
                #expect(outcome.words.contains(sentence))
                #expect(outcome.status == 64)
            }
            #expect(try daemon.shmctl("watch", "nosuch", "--once").status == 1)
            #expect(
                try daemon.shmctl("watch", "default", String(repeating: "k", count: 513)).words
                    == "shmctl: the key has 513 bytes, and a key has at most 512\n")
        }
    }
}
