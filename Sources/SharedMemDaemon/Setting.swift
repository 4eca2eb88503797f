internal import Yams

/// One value in a YAML file, with its place: everything that is said about it names file, line and path.
struct Setting {
    /// The file it is in.
    let file: String
    /// Its path, for example `segments.default.size`; empty: the whole document.
    let path: String
    /// Its line, from 1.
    let line: Int?
    /// The value.
    let node: Node

    /// Makes the error that this value isn't what was `expected`.
    func wrong(expected: String) -> ConfigurationError {
        let subject = path.isEmpty ? "the document" : path
        return ConfigurationError(file: file, line: line, sentence: "\(subject) is \(shown); expected \(expected)")
    }

    /// The value as it is shown in an error.
    private var shown: String {
        switch node {
        case .scalar(let scalar): scalar.string.isEmpty ? "empty" : scalar.string.quoted
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    /// The value's text if it is a scalar.
    var word: String? {
        guard case .scalar(let scalar) = node else { return nil }
        return scalar.string
    }

    /// The value's text as it is written, whatever YAML takes it for.
    func text(expected: String) throws(ConfigurationError) -> String {
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw wrong(expected: expected) }
        return scalar.string
    }

    /// The members of a mapping; `expected` says what the mapping is for.
    func members(expected: String) throws(ConfigurationError) -> [(key: String, setting: Setting)] {
        guard case .mapping(let mapping) = node else { throw wrong(expected: expected) }
        var members: [(key: String, setting: Setting)] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                throw Setting(file: file, path: prefix + "(key)", line: key.mark?.line ?? line, node: key)
                    .wrong(expected: "a word")
            }
            let setting = Setting(
                file: file, path: prefix + scalar.string.escapingControls, line: key.mark?.line ?? line, node: value)
            members.append((scalar.string, setting))
        }
        return members
    }

    /// The members of a mapping whose keys must be among `options`.
    func members(of options: [String], expected: String) throws(ConfigurationError) -> [String: Setting] {
        var known: [String: Setting] = [:]
        for (key, setting) in try members(expected: expected) {
            guard options.contains(key) else {
                throw ConfigurationError(
                    file: file, line: setting.line,
                    sentence: "\(setting.path) is no option; expected one of \(options.joined(separator: ", "))")
            }
            known[key] = setting
        }
        return known
    }

    /// The items of a list.
    func items(expected: String) throws(ConfigurationError) -> [Setting] {
        guard case .sequence(let sequence) = node else { throw wrong(expected: expected) }
        return sequence.enumerated().map { index, item in
            Setting(file: file, path: "\(path)[\(index + 1)]", line: item.mark?.line ?? line, node: item)
        }
    }

    /// What stands in front of a member's name.
    private var prefix: String { path.isEmpty ? "" : path + "." }
}

extension Setting {
    /// Parses a whole document; nil: it's empty.
    init?(parsing text: String, file: String) throws(ConfigurationError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw Self.explain(error, text: text, file: file)
        } catch {
            throw ConfigurationError(file: file, line: nil, sentence: "the YAML can't be read: \(error)")
        }
        guard let root else { return nil }
        self.init(file: file, path: "", line: root.mark?.line, node: root)
    }

    /// Says in a sentence why YAML isn't YAML.
    private static func explain(_ error: YamlError, text: String, file: String) -> ConfigurationError {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let place = context.map { " (\($0.text) from line \($0.mark.line))" } ?? ""
            return ConfigurationError(file: file, line: mark.line, sentence: "the YAML is broken: \(problem)\(place)")
        case .reader(let problem, let offset, _, _):
            let line = offset.map { 1 + text.prefix($0).utf8.count(where: { $0 == UInt8(ascii: "\n") }) }
            return ConfigurationError(file: file, line: line, sentence: "the YAML is broken: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let key = duplicates.first ?? ""
            return ConfigurationError(
                file: file, line: secondLine(of: key, from: context.mark, in: text),
                sentence: "\(key.quoted) stands twice; expected each key once")
        default:
            return ConfigurationError(file: file, line: nil, sentence: "the YAML can't be read: \(error)")
        }
    }

    /// The line where `key` comes for the second time in the mapping that begins at `mark`; the parser names only the
    /// mapping.
    private static func secondLine(of key: String, from mark: Mark, in text: String) -> Int {
        let indentation = mark.column - 1
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var count = 0
        for (index, line) in lines.enumerated().dropFirst(mark.line - 1) {
            let body = line.drop { $0 == " " }
            guard line.utf8.count - body.utf8.count == indentation, body.hasPrefix(key + ":") else { continue }
            count += 1
            if count == 2 { return index + 1 }
        }
        return mark.line
    }
}
