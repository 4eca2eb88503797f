public import SharedMem

/// Why a `Codable` value was not set or not read: a code, the segment's error if there is one, and the place in the value.
public struct CodableError: Error, Sendable {
    /// What kind of failure it is.
    public let code: Code
    /// What the segment said; nil: the value was refused, not its key or its place.
    public let segmentError: SharedMemError?
    /// Where in the value it failed, as `servers[0].port`; empty: the value as a whole.
    public let path: String
    /// One sentence without a full stop: which segment, key and type, where in the value, and what was expected.
    public let description: String

    /// A kind of failure; more may be added.
    public struct Code: Equatable, Sendable {
        private enum Kind: UInt8 { case segment, notEncodable, notDecodable }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// The segment refused: `segmentError` says why.
        public static var segment: Code { Code(.segment) }
        /// The encoder refused the value.
        public static var notEncodable: Code { Code(.notEncodable) }
        /// The bytes are not JSON, or of another shape than the type.
        public static var notDecodable: Code { Code(.notDecodable) }
    }
}

extension CodableError: CustomStringConvertible {}

// MARK: - From the layers below

extension CodableError {
    /// What the segment refused.
    init(_ error: SharedMemError) {
        code = .segment
        segmentError = error
        path = ""
        description = error.description
    }

    /// What an encoder threw.
    init(encoding error: any Error, of type: String, key: some SegmentKey, segment: String) {
        let reason: Reason =
            switch error {
            case EncodingError.invalidValue(_, let context): Reason(context.codingPath, context.debugDescription)
            default: Reason([], "\(error)")
            }
        self.init(.notEncodable, "a value of type \(type) can't be encoded", reason, key, segment)
    }

    /// What a decoder threw.
    init(decoding error: any Error, as type: String, key: some SegmentKey, segment: String) {
        let reason: Reason =
            switch error {
            case DecodingError.keyNotFound(let missing, let context):
                Reason(context.codingPath, "the key '\(missing.stringValue)' is missing")
            case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
                DecodingError.dataCorrupted(let context):
                Reason(context.codingPath, context.debugDescription)
            default: Reason([], "\(error)")
            }
        self.init(.notDecodable, "the value can't be decoded as \(type)", reason, key, segment)
    }

    private init(_ code: Code, _ what: String, _ reason: Reason, _ key: some SegmentKey, _ segment: String) {
        self.code = code
        segmentError = nil
        path = reason.path
        let name = key.withKeyBytes { key in
            unsafe key.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
        let place = reason.path.isEmpty ? "" : "at '\(reason.path)': "
        // A key may hold control characters: they are escaped.
        description = "segment '\(segment)', key \(name.debugDescription): \(what): \(place)\(reason.sentence)"
    }

    /// Where and why a coder refused.
    private struct Reason {
        let path: String
        let sentence: String

        init(_ codingPath: [any CodingKey], _ description: String) {
            var path = ""
            for key in codingPath {
                if let index = key.intValue {
                    path += "[\(index)]"
                } else {
                    path += (path.isEmpty ? "" : ".") + key.stringValue
                }
            }
            self.path = path
            sentence = description.last == "." ? String(description.dropLast()) : description
        }
    }
}
