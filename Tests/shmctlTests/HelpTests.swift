import ArgumentParser
import Testing

@testable import shmctl

@Suite struct HelpTests {
    @Test func rootIsHelpful() {
        #expect(Shmctl.helpMessage(columns: 80) == Self.root)
    }

    @Test func everyCommandHasAHelpText() {
        #expect(Self.texts.map(\.name) == Shmctl.configuration.subcommands.compactMap { $0.configuration.commandName })
    }

    @Test(arguments: texts.map(\.name))
    func commandIsHelpful(name: String) throws {
        let command = try #require(Shmctl.configuration.subcommands.first { $0.configuration.commandName == name })
        #expect(Shmctl.helpMessage(for: command, columns: 80) == Self.texts.first { $0.name == name }?.text)
    }

    /// `shmctl --help`.
    static let root = #"""
        OVERVIEW: Make, list and fill shared-memory segments that sharedmemd keeps.

        Data goes to standard output, words to standard error. A KEY or a VALUE that
        begins with a dash stands after '--', but for a negative number as a VALUE or a
        DELTA.

        Exit status: 0 done; 1 no such key or segment; 2 condition not met (version
        differs, time-out); 64 wrong usage; 69 no daemon; 73 full; 74 input or output
        failed; 77 not permitted.

        USAGE: shmctl [--socket <path>] <subcommand>

        OPTIONS:
          --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                  else /run/sharedmemd/control.sock).
          --version               Show the version.
          -h, --help              Show help information.

        SUBCOMMANDS:
          create                  Make a segment.
          remove                  Remove a segment and its values.
          list                    List the segments that you may read, by name.
          show                    Describe a segment.
          get                     Write the value of a key.
          set                     Set the value of a key.
          add                     Add to the whole number that a key holds, and write
                                  the sum.
          delete                  Delete keys.
          transaction             Do the operations on standard input all at once, or
                                  none of them.
          keys                    List the keys of a segment, in the order of their
                                  bytes.
          watch                   Write a line for each change of a key, of the keys
                                  with a prefix, or of all keys.
          import                  Set a key for each file below a folder.
          export                  Write all keys of a segment as files below a folder,
                                  or as JSON Lines.
          status                  Tell how the daemon is, and what it holds.
          clients                 List the programs that use segments: root's view is
                                  all of them, others' their own.

          See 'shmctl help <subcommand>' for detailed help.
        """#

    /// `shmctl COMMAND --help`, for each command.
    static let texts: [(name: String, text: String)] = [
        (
            "create",
            #"""
            OVERVIEW: Make a segment.

            The memory is reserved at once. The daemon remembers the segment over a reboot,
            without its values.

            USAGE: shmctl create [--socket <path>] [--json] <segment> --size <size> [--mode <mode>] [--owner <user>] [--group <group>] [--entries <count>]

            ARGUMENTS:
              <segment>               The segment's name: 1 to 64 of A-Z a-z 0-9 . _ - and
                                      no dot at the start.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --size <size>           How much memory: bytes, or a number with KiB, MiB,
                                      GiB or TiB.
              --mode <mode>           Permission bits, octal; r attaches for reading, rw
                                      for writing. (default: 0600)
              --owner <user>          The owner, by name or number. (default: you)
              --group <group>         The group, by name or number. (default: yours)
              --entries <count>       How many keys the index is made for. (default: as
                                      fits the size)
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "remove",
            #"""
            OVERVIEW: Remove a segment and its values.

            Programs that are attached get an error at their next call.

            USAGE: shmctl remove [--socket <path>] <segment>

            ARGUMENTS:
              <segment>               The segment's name.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "list",
            #"""
            OVERVIEW: List the segments that you may read, by name.

            USAGE: shmctl list [--socket <path>] [--json]

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "show",
            #"""
            OVERVIEW: Describe a segment.

            USAGE: shmctl show [--socket <path>] [--json] <segment>

            ARGUMENTS:
              <segment>               The segment's name.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "get",
            #"""
            OVERVIEW: Write the value of a key.

            To a file or a pipe go exactly the value's bytes, and an int64 or a double as
            digits. On a terminal control characters are escaped and a line feed ends the
            value. With --json: segment, key (or keyBase64), value in base64, number or
            text when it is one, type and version.

            USAGE: shmctl get [--socket <path>] [--json] <segment> <key> [--raw] [--meta]

            ARGUMENTS:
              <segment>               The segment's name.
              <key>                   The key: at most 512 bytes.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --raw                   Write the value's bytes as they are stored, to a
                                      terminal too.
              --meta                  Write what is known of the value instead: version,
                                      when and by whom it was written, type, length, expiry.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "set",
            #"""
            OVERVIEW: Set the value of a key.

            Without a VALUE, or with '-', the value is standard input, byte by byte as it
            comes; a terminal is read only when '-' asks for it.
            A VALUE is kept as text if it is UTF-8, standard input as bytes; --type says
            otherwise. An int64 or a double is written in digits, and kept as a number of 8
            bytes.

            USAGE: shmctl set [--socket <path>] [--json] <segment> <key> [<value>] [--type <type>] [--if-version <version>] [--expires-in <duration>]

            ARGUMENTS:
              <segment>               The segment's name.
              <key>                   The key: at most 512 bytes.
              <value>                 The value, or '-' for standard input.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --type <type>           What the value is. (values: bytes, text, int64,
                                      double)
              --if-version <version>  Set only if the key has this version, 0: if there is
                                      no such key; otherwise exit status 2.
              --expires-in <duration> How long the value lives: a number with ms, s, m, h
                                      or d. (default: until it is replaced or deleted)
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "add",
            #"""
            OVERVIEW: Add to the whole number that a key holds, and write the sum.

            No other program's change is lost in between. A key that isn't there counts as
            0. Text that is a whole number becomes an int64. When the value expires stays
            as it was.

            USAGE: shmctl add [--socket <path>] [--json] <segment> <key> [<delta>]

            ARGUMENTS:
              <segment>               The segment's name.
              <key>                   The key: at most 512 bytes.
              <delta>                 What is added: a whole number, negative or not.
                                      (default: 1)

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "delete",
            #"""
            OVERVIEW: Delete keys.

            A key that isn't there makes the exit status 1; all others are deleted all the
            same.

            USAGE: shmctl delete [--socket <path>] [--json] <segment> <key> ... [--if-version <version>]

            ARGUMENTS:
              <segment>               The segment's name.
              <key>                   The keys: each at most 512 bytes.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --if-version <version>  Delete the one KEY only if it has this version;
                                      otherwise exit status 2.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "transaction",
            #"""
            OVERVIEW: Do the operations on standard input all at once, or none of them.

            Nobody sees a part of it. There is an operation on each line:
              set KEY VALUE [TYPE]   TYPE: bytes, text, int64 or double
              delete KEY             or nothing, if there is no such key
              add KEY DELTA          to the whole number that the key holds
              expect KEY VERSION     0: no such key; if not so, exit status 2
            Versions are those before the transaction. Without a TYPE a value is text if it
            is UTF-8.
            A word with spaces, or an empty one, stands in double quotes, where \n, \r, \t,
            \", \\ and \xHH are escapes. Empty lines and lines that begin with # are
            skipped. A wrong line is named, and nothing is written.
            With --json a line is an object: {"set":KEY,"text":TEXT},
            {"set":KEY,"value":BASE64}, both with a type if need be, {"delete":KEY},
            {"add":KEY,"delta":NUMBER} or {"expect":KEY,"version":NUMBER}; setBase64 and so
            on take a key in base64.
            The version that all keys have got is written.

            USAGE: shmctl transaction [--socket <path>] [--json] <segment>

            ARGUMENTS:
              <segment>               The segment's name.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Read and write JSON Lines: one object a line.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "keys",
            #"""
            OVERVIEW: List the keys of a segment, in the order of their bytes.

            One key a line; a key may itself hold a line feed, so scripts use -0 or --json.
            On a terminal control characters and backslashes are escaped.

            USAGE: shmctl keys [--socket <path>] [--json] <segment> [--prefix <prefix>] [-0]

            ARGUMENTS:
              <segment>               The segment's name.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --prefix <prefix>       Only keys that begin so.
              -0                      End each key with a zero byte instead of a line feed.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "watch",
            #"""
            OVERVIEW: Write a line for each change of a key, of the keys with a prefix, or
            of all keys.

            A line is 'set KEY VALUE' or 'delete KEY', as the command transaction reads it:
            a word that needs it is in double quotes, with escapes. Changes that follow
            each other quickly may become one line; the last one always comes. If there
            were too many to follow, everything that is there now comes once more, and
            standard error says so. With --json: segment, key (or keyBase64), change
            ("set", "deleted" or "listed"), version, and for all but a deletion value in
            base64, number or text when it is one, and type.

            With --exec a shell runs COMMAND for each change, one after the other, instead
            of writing a line: the value is its standard input, and its environment has
            SHMCTL_SEGMENT, SHMCTL_CHANGE (set, deleted or listed), SHMCTL_VERSION,
            SHMCTL_KEY_BASE64, and SHMCTL_KEY unless the key has a zero byte.

            It runs until it's interrupted, or until --once or --timeout ends it; the exit
            status is 2 if that came before any change.

            USAGE: shmctl watch [--socket <path>] [--json] <segment> [<key>] [--prefix <prefix>] [--exec <command>] [--once] [--timeout <duration>] [--initial]

            ARGUMENTS:
              <segment>               The segment's name.
              <key>                   The key: at most 512 bytes; without one, all keys.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --prefix <prefix>       Only keys that begin so.
              --exec <command>        Run a command for each change.
              --once                  End with the first change.
              --timeout <duration>    End after so long: a whole number with ms, s, m, h or
                                      d.
              --initial               Begin with what is there now.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "import",
            #"""
            OVERVIEW: Set a key for each file below a folder.

            The key is the file's path below DIR, the value its content. Only regular files
            are imported: links, sockets, pipes, devices and empty folders are counted and
            left out. A file that can't be read, whose path has more than 512 bytes, or
            that doesn't fit is named at the end; all others are imported, and the exit
            status is that of the first one named. A key that is there already gets the new
            value; none is deleted.

            USAGE: shmctl import [--socket <path>] [--json] <segment> <dir>

            ARGUMENTS:
              <segment>               The segment's name.
              <dir>                   The folder.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "export",
            #"""
            OVERVIEW: Write all keys of a segment as files below a folder, or as JSON
            Lines.

            With the format tree each key becomes a file below DIR, which is made if it
            isn't there and otherwise must be empty. A key that would leave the folder
            ('..', a slash at the start, a link in the way), that is no file's path, or
            that would have to be a folder for another key is named at the end; all others
            are written, and the exit status is 74.
            With the format jsonl there is no DIR: standard output gets one object for each
            key, with key (or keyBase64) and value in base64.

            USAGE: shmctl export [--socket <path>] [--json] <segment> [<dir>] [--format <format>] [--force]

            ARGUMENTS:
              <segment>               The segment's name.
              <dir>                   The folder, for the format tree.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --format <format>       What the keys are written as. (values: tree, jsonl;
                                      default: tree)
              --force                 Write into a folder that isn't empty, and replace
                                      files there.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "status",
            #"""
            OVERVIEW: Tell how the daemon is, and what it holds.

            USAGE: shmctl status [--socket <path>] [--json]

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
        (
            "clients",
            #"""
            OVERVIEW: List the programs that use segments: root's view is all of them,
            others' their own.

            A line for each session and each segment that it is attached to or may still
            write. A program's name is what it claims. STATE is connected; restored: it
            hasn't come back since the daemon was restarted; or abandoned: its connection
            has ended, its process lives. LOCK says for how long it has the segment's lock.

            USAGE: shmctl clients [--socket <path>] [--json] [<segment>]

            ARGUMENTS:
              <segment>               Only those of this segment.

            OPTIONS:
              --socket <path>         The daemon's socket (default: $SHAREDMEM_SOCKET, or
                                      else /run/sharedmemd/control.sock).
              --json                  Write JSON Lines: one object a line.
              --version               Show the version.
              -h, --help              Show help information.

            """#
        ),
    ]
}
