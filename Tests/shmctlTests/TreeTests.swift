import Foundation
import Testing

@testable import shmctl

/// Import and export of folder trees against a daemon of their own.
@Suite struct TreeTests {
    @Test func treeSurvivesARoundTrip() throws {
        try RunningDaemon.use { daemon in
            let outcome = try daemon.shell(
                #"""
                set -e
                mkdir -p "$T/in/deep/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p" "$T/in/empty" "$T/in/files"
                echo bottom > "$T/in/deep/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/file"
                for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do : > "$T/in/files/empty-$i"; done
                for i in 1 2 4 8; do head -c ${i}M /dev/urandom > "$T/in/files/large-$i"; done
                printf x > "$T/in/$(printf 'not-utf8-\377\376')"
                printf y > "$T/in/$(printf 'line\nfeed')"
                printf z > "$T/in/ spaces and \"quotes\" \\"
                ln -s files "$T/in/link"
                ln -s nowhere "$T/in/dangling"
                mkfifo "$T/in/pipe"
                "$SHMCTL" create docs --size 64MiB
                "$SHMCTL" import docs "$T/in"
                "$SHMCTL" export docs "$T/out"
                rm "$T/in/link" "$T/in/dangling" "$T/in/pipe"
                rmdir "$T/in/empty"
                diff -r --no-dereference "$T/in" "$T/out"
                """#)
            #expect(outcome.text == "")
            #expect(outcome.status == 0, "\(outcome.words)")
            let words = outcome.words.split(separator: "\n")
            #expect(words.count == 2, "\(outcome.words)")
            #expect(words.first?.hasPrefix("shmctl: imported 28 files, 15.7 MB, ") == true)
            #expect(words.first?.hasSuffix("; left out: 2 links, 1 empty folder, 1 socket, pipe or device") == true)
            #expect(words.last?.hasPrefix("shmctl: exported 28 files, 15.7 MB, ") == true)
        }
    }

    @Test func diffSeesAByteThatChangedOnTheWay() throws {
        try RunningDaemon.use { daemon in
            let outcome = try daemon.shell(
                #"""
                set -e
                mkdir "$T/in"
                head -c 100000 /dev/urandom > "$T/in/file"
                "$SHMCTL" import default "$T/in" && "$SHMCTL" set default file other && "$SHMCTL" export default "$T/out"
                diff -r --no-dereference "$T/in" "$T/out"
                """#)
            #expect(outcome.status == 1)
        }
    }

    @Test func summaryIsAnObject() throws {
        try RunningDaemon.use { daemon in
            let outcome = try daemon.shell(
                #"""
                mkdir "$T/in" && printf abc > "$T/in/a" && ln -s a "$T/in/b"
                "$SHMCTL" import default "$T/in" --json && "$SHMCTL" export default "$T/out" --json
                """#)
            let lines = outcome.text.split(separator: "\n")
            #expect(lines.first?.hasPrefix(#"{"fileCount":1,"byteCount":3,"milliseconds":"#) == true)
            #expect(
                lines.first?.hasSuffix(#","linkCount":1,"emptyFolderCount":0,"specialCount":0,"refused":[]}"#) == true)
            #expect(lines.last?.hasPrefix(#"{"fileCount":1,"byteCount":3,"milliseconds":"#) == true)
            #expect(outcome.status == 0)
        }
    }

    @Test func fileThatDoesntFitIsRefusedAndTheRestIsImported() throws {
        try RunningDaemon.use { daemon in
            let outcome = try daemon.shell(
                #"""
                mkdir "$T/in"
                printf first > "$T/in/a"
                head -c 2M /dev/zero > "$T/in/longer-than-the-segment"
                head -c 1000000 /dev/zero > "$T/in/longer-than-the-room"
                printf last > "$T/in/z"
                "$SHMCTL" set default room - < /dev/null && head -c 100000 /dev/zero | "$SHMCTL" set default room
                "$SHMCTL" import default "$T/in"
                """#)
            let words = outcome.words.split(separator: "\n").map(String.init)
            try #require(words.count == 4, "\(outcome.words)")
            #expect(words[0].hasPrefix("shmctl: imported 2 files, "))
            #expect(words[1].hasPrefix("shmctl: 'longer-than-the-room': "))
            #expect(words[2] == "shmctl: 'longer-than-the-segment': it is longer than the segment's 1048576 bytes")
            #expect(words[3] == "shmctl: 2 files were not imported")
            #expect(outcome.status == 73)
            #expect(try daemon.shmctlSucceeds("keys", "default").text == "a\nroom\nz\n")
        }
    }

    @Test func pathOfMoreThan512BytesIsRefused() throws {
        try RunningDaemon.use { daemon in
            let outcome = try daemon.shell(
                #"""
                p=$(printf '%0200d' 0)
                mkdir -p "$T/in/$p/$p"
                printf fits > "$T/in/$p/$p/$(printf '%0110d' 1)"
                printf not > "$T/in/$p/$p/$(printf '%0111d' 1)"
                "$SHMCTL" import default "$T/in"
                """#)
            #expect(outcome.words.contains("the key has 513 bytes, and a key has at most 512\n"))
            #expect(outcome.words.hasSuffix("shmctl: 1 file was not imported\n"))
            #expect(outcome.status == 64)
            #expect(try daemon.shmctlSucceeds("keys", "default").output.count == 513)
        }
    }

    @Test(.enabled(if: getuid() == 0, "only root can become another user"))
    func fileThatCantBeReadIsNamed() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("create", "open", "--size", "1MiB", "--mode", "0666")
            let outcome = try daemon.shell(
                #"""
                mkdir -p "$T/in/closed" && printf x > "$T/in/a" && printf x > "$T/in/closed/b" && printf x > "$T/in/c"
                chmod 0 "$T/in/a" "$T/in/closed"
                exec setpriv --reuid=12345 --regid=12345 --clear-groups "$SHMCTL" import open "$T/in"
                """#)
            let words = outcome.words.split(separator: "\n").map(String.init)
            try #require(words.count == 4, "\(outcome.words)")
            #expect(words[1] == "shmctl: 'a': it can't be read: Permission denied (EACCES)")
            #expect(words[2] == "shmctl: 'closed': the folder can't be opened: Permission denied (EACCES)")
            #expect(words[3] == "shmctl: 2 files were not imported")
            #expect(outcome.status == 77)
            #expect(try daemon.shmctlSucceeds("keys", "open").text == "c\n")
        }
    }

    @Test func folderThatIsntThereIsOneSentence() throws {
        try RunningDaemon.use { daemon in
            let importing = try daemon.shmctl("import", "default", "/nonexistent")
            #expect(
                importing.words
                    == "shmctl: can't open the folder '/nonexistent': No such file or directory (ENOENT)\n")
            #expect(importing.status == 74)
            let exporting = try daemon.shmctl("export", "default", "/nonexistent/out")
            #expect(
                exporting.words
                    == "shmctl: can't make the folder '/nonexistent/out': No such file or directory (ENOENT)\n")
            #expect(exporting.status == 74)
        }
    }

    @Test func keysThatWouldLeaveTheFolderAreRefusedOneByOne() throws {
        try RunningDaemon.use { daemon in
            let bad = ["", "..", "../up", "/absolute", "a", "a/../../up", "b//c", "b/", "./d"]
            for key in bad + ["a/b", "fine"] { try daemon.shmctlSucceeds("set", "default", "--", key, "v") }
            let outcome = try daemon.shmctl("export", "default", daemon.folder.path("out"))
            let words = outcome.words.split(separator: "\n").map(String.init)
            try #require(words.count == bad.count + 2, "\(outcome.words)")
            #expect(words.first?.hasPrefix("shmctl: exported 2 files, ") == true)
            #expect(
                Set(words.dropFirst().dropLast()) == [
                    "shmctl: '': the empty key names no file",
                    "shmctl: '..': '..' leads out of the folder",
                    "shmctl: '../up': '..' leads out of the folder",
                    "shmctl: '/absolute': it begins with a slash",
                    "shmctl: 'a': it would have to be a folder for 'a/b'",
                    "shmctl: 'a/../../up': '..' leads out of the folder",
                    "shmctl: 'b//c': a part of the path is empty",
                    "shmctl: 'b/': a part of the path is empty",
                    "shmctl: './d': '.' is no file's name",
                ])
            #expect(words.last == "shmctl: 9 keys were not exported")
            #expect(outcome.status == 74)
            let found = try daemon.shell(#"cd "$T" && find out up -type f | sort"#)
            #expect(found.text == "out/a/b\nout/fine\n")
        }
    }

    @Test func linkInTheWayIsNeverFollowed() throws {
        try RunningDaemon.use { daemon in
            for key in ["link/escaped", "file", "fine"] { try daemon.shmctlSucceeds("set", "default", key, "new") }
            let outcome = try daemon.shell(
                #"""
                mkdir "$T/out" "$T/outside"
                ln -s "$T/outside" "$T/out/link"
                printf old > "$T/outside/target"
                ln -s "$T/outside/target" "$T/out/file"
                "$SHMCTL" export default "$T/out" --force; echo "$?"
                ls "$T/outside"; cat "$T/outside/target" "$T/out/file" "$T/out/fine"
                """#)
            // A link that has a file's place is replaced by the file; one that has a folder's place refuses the key.
            #expect(outcome.text == "74\ntarget\noldnewnew")
            #expect(outcome.words.contains("shmctl: 'link/escaped': "))
            #expect(outcome.words.hasSuffix("shmctl: 1 key was not exported\n"))
        }
    }

    @Test func folderThatIsntEmptyNeedsForce() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "k", "new")
            let outcome = try daemon.shell(
                #"""
                mkdir "$T/out" && printf 'old and longer' > "$T/out/k"
                "$SHMCTL" export default "$T/out"; echo "$?"; cat "$T/out/k"
                "$SHMCTL" export default "$T/out" --force 2> /dev/null; echo "$?"; cat "$T/out/k"
                """#)
            #expect(outcome.text == "73\nold and longer0\nnew")
            #expect(
                outcome.words
                    == "shmctl: the folder '\(daemon.folder.path("out"))' isn't empty; --force writes into it all the same\n"
            )
        }
    }
}
