extension Operation {
    /// Reads `set KEY VALUE`, `delete KEY`, `add KEY DELTA` or `expect KEY VERSION`; nil: an empty line or a comment.
    init?(words line: ArraySlice<UInt8>) throws(Failure) {
        var words = LineWords(line)
        guard let first = try words.next() else { return nil }
        guard let verb = String(validating: first, as: UTF8.self).flatMap(Verb.init(rawValue:)) else {
            throw Failure(
                .usage,
                "there is no operation \(TerminalText.quoted(first)): expected set, delete, add or expect")
        }
        var rest: [[UInt8]] = []
        while let word = try words.next() { rest.append(word) }
        guard Self.wordCounts(verb).contains(rest.count), let key = rest.first else {
            throw Failure(
                .usage,
                "expected '\(verb.pattern)', found \(rest.count) \(rest.count == 1 ? "word" : "words") "
                    + "behind '\(verb.rawValue)' (words with spaces stand in double quotes)")
        }
        _ = try ByteArgument(bytes: key).key()
        switch verb {
        case .set: self = .set(key: key, try Self.value(rest.dropFirst()))
        case .delete: self = .delete(key: key)
        case .add: self = .add(key: key, delta: try NumberText.integer(rest[1]))
        case .expect: self = .expect(key: key, version: try Self.version(rest[1]))
        }
    }

    /// How many words may follow `verb`.
    private static func wordCounts(_ verb: Verb) -> ClosedRange<Int> {
        switch verb {
        case .set: 2...3
        case .delete: 1...1
        case .add, .expect: 2...2
        }
    }

    /// Reads a value and perhaps its type.
    private static func value(_ words: ArraySlice<[UInt8]>) throws(Failure) -> TypedValue {
        let kind = words.count > 1 ? try Self.kind(words.last ?? []) : nil
        return try TypedValue(words.first ?? [], as: kind)
    }
}
