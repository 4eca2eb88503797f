internal import CLinuxIPC

extension Directory {
    /// Is one name in a folder.
    package struct Entry: Sendable, Equatable {
        /// The name's bytes; without a slash, not always UTF-8.
        package let name: [UInt8]
        /// What has that name; a symbolic link counts as one wherever it leads.
        package let kind: FileStatus.Kind
    }

    /// Lists the folder without `.` and `..`, in the kernel's order; `readdir(3)`.
    package borrowing func entries() throws(Errno) -> [Entry] {
        guard let stream = unsafe linuxipc_open_entries(descriptor.rawValue) else { throw .current }
        defer { unsafe linuxipc_close_entries(stream) }
        var entries: [Entry] = []
        var raw = unsafe linuxipc_entry()
        while try retryingWhenInterrupted({ unsafe linuxipc_next_entry(stream, &raw) }) == 1 {
            let name = unsafe UnsafeRawBufferPointer(start: raw.name, count: raw.name_length)
            entries.append(Entry(name: unsafe [UInt8](name), kind: FileStatus.Kind(raw: unsafe raw.kind)))
        }
        return entries
    }

    /// Reads the ordinary file at `path`; anything else is `invalidArgument`, a longer one `fileTooLarge`; `read(2)`.
    package borrowing func readFile(_ path: [UInt8], atMost limit: Int = Int.max) throws(Errno) -> [UInt8] {
        // A pipe that nobody writes to would keep a blocking open waiting.
        let file = try openBeneath(path, flags: [.nonBlocking])
        guard try file.status().kind == .regular else { throw .invalidArgument }
        return try file.readToEnd(atMost: limit)
    }

    /// Writes a file at `path` that isn't there yet, otherwise `fileExists`; leaves none when it fails; `write(2)`.
    package borrowing func createFile(_ path: [UInt8], _ bytes: [UInt8], mode: UInt32 = 0o666) throws(Errno) {
        let file = try openBeneath(path, flags: [.writeOnly, .create, .exclusive], mode: mode)
        do throws(Errno) {
            try file.writeAll(bytes)
        } catch {
            try removeFile(path)
            throw error
        }
    }

    /// Writes a file at `path` in place of what is there (not a folder), whole or not at all; `rename(2)`.
    package borrowing func replaceFile(_ path: [UInt8], _ bytes: [UInt8], mode: UInt32 = 0o666) throws(Errno) {
        try withParent(of: path) { (parent, name) throws(Errno) in
            let parent = Directory(descriptor: try parent.duplicated())
            let raw = parent.descriptor.rawValue
            let temporary = [UInt8]((".sharedmem-" + String(getpid()) + ".tmp").utf8)
            let source = try Self.terminated(temporary)
            try parent.createFile(temporary, bytes, mode: mode)
            do throws(Errno) {
                try retryingWhenInterrupted { unsafe renameat(raw, source, raw, name) }
            } catch {
                try parent.removeFile(temporary)
                throw error
            }
        }
    }
}
