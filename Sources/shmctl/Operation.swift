/// One operation of a transaction.
enum Operation: Equatable {
    /// Set a key to a value.
    case set(key: [UInt8], TypedValue)
    /// Delete a key; one that isn't there is none of anybody's business.
    case delete(key: [UInt8])
    /// Add to the whole number that a key holds.
    case add(key: [UInt8], delta: Int64)
    /// Require that a key has a version before the transaction, 0: that it doesn't exist.
    case expect(key: [UInt8], version: UInt64)

    /// The verbs by which operations are named.
    enum Verb: String, CaseIterable {
        case set, delete, add, expect

        /// What a line with this verb looks like.
        var pattern: String {
            switch self {
            case .set: "set KEY VALUE [bytes|text|int64|double]"
            case .delete: "delete KEY"
            case .add: "add KEY DELTA"
            case .expect: "expect KEY VERSION"
            }
        }
    }

    /// Reads the version of an expectation, or throws a sentence that says what one looks like.
    static func version(_ text: [UInt8]) throws(Failure) -> UInt64 {
        guard let version = String(validating: text, as: UTF8.self).flatMap({ UInt64($0) }) else {
            throw Failure(
                .usage, "\(TerminalText.quoted(text)) is no version, a whole number, or 0: the key must not exist")
        }
        return version
    }

    /// Reads what a value is said to be.
    static func kind(_ text: [UInt8]) throws(Failure) -> ValueKind {
        guard let kind = String(validating: text, as: UTF8.self).flatMap({ ValueKind(rawValue: $0) }) else {
            throw Failure(.usage, "\(TerminalText.quoted(text)) is no type: expected bytes, text, int64 or double")
        }
        return kind
    }
}

// MARK: - Many of them

extension Operation {
    /// How operations are written.
    enum Notation {
        /// A verb and words.
        case words
        /// An object of JSON.
        case json
    }

    /// Reads one operation a line; a failure names the line, counted from 1.
    static func operations(in text: [UInt8], _ notation: Notation) throws(Failure) -> [Operation] {
        var operations: [Operation] = []
        var number = 0
        for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            do throws(Failure) {
                let operation: Operation? =
                    switch notation {
                    case .words: try Operation(words: line)
                    case .json: try Operation(json: line)
                    }
                if let operation { operations.append(operation) }
            } catch {
                throw Failure(error.status, "line \(number): \(error.text); nothing was written")
            }
        }
        return operations
    }
}
