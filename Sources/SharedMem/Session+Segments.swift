internal import LinuxIPC
internal import SharedMemProtocol

extension Session {
    /// Makes a segment; doesn't attach to it.
    ///
    /// All its memory is reserved before this returns (0.6 s for each GiB were measured). Throws `exists`,
    /// `notPermitted`, `full` or `invalidArgument`.
    public func create(_ segment: String, options: SegmentOptions) throws(SharedMemError) {
        let definition = SegmentDefinition(
            name: try Self.name(segment), byteCount: options.byteCount, entryCount: options.entryCount,
            mode: options.mode, owner: options.owner, group: options.group)
        _ = try exchange(.create(definition))
    }

    /// Removes a segment's name; those who are attached get `removed`, the memory goes with the last mapping.
    ///
    /// Only its owner and root may.
    public func remove(_ segment: String) throws(SharedMemError) {
        let name = try Self.name(segment)
        _ = try exchange(.remove(name))
    }

    /// Describes the segments that the caller may read, in the order of their names.
    public func segments() throws(SharedMemError) -> [SegmentInfo] {
        var infos: [SegmentInfo] = []
        var last: SegmentName?
        while true {
            let answer = try exchange(.list(after: last))
            guard case .list(let page, let more) = answer.reply else { throw Connection.unexpected("a list") }
            for description in page { infos.append(SegmentInfo(description)) }
            last = page.last?.name
            if !more || page.isEmpty { return infos }
        }
    }

    /// Describes the first segment that the caller may read whose name comes behind `last` (empty: the first of all).
    package func segment(after last: String) throws(SharedMemError) -> SegmentInfo? {
        let answer = try exchange(.list(after: last.isEmpty ? nil : Self.name(last)))
        guard case .list(let page, _) = answer.reply else { throw Connection.unexpected("a list") }
        return page.first.map { SegmentInfo($0) }
    }

    /// Describes one segment, which the caller must be allowed to read.
    public func info(of segment: String) throws(SharedMemError) -> SegmentInfo {
        let name = try Self.name(segment)
        let answer = try exchange(.show(name))
        guard case .shown(let description) = answer.reply else { throw Connection.unexpected("a description") }
        return SegmentInfo(description)
    }

    /// A name as the protocol has it.
    static func name(_ text: String) throws(SharedMemError) -> SegmentName {
        guard let name = SegmentName(text) else {
            throw SharedMemError(
                .invalidArgument, errno: Errno.invalidArgument.rawValue,
                "'" + text + "' can't be a segment's name: 1 to 64 of A-Z a-z 0-9 . _ - are, not starting with a dot")
        }
        return name
    }
}
