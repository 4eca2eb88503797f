extension Operation {
    /// Reads an object such as `{"set":"KEY","text":"VALUE"}`; nil: an empty line.
    ///
    /// The verb's member holds the key, or with "Base64" added its base64, as other commands write a key. A value is
    /// `text`, or `value` in base64; `type` says what it is.
    init?(json line: ArraySlice<UInt8>) throws(Failure) {
        if line.allSatisfy(JSONMembers.isSpace) { return nil }
        var members = try JSONMembers(line)
        let (verb, key) = try Self.verbAndKey(&members)
        _ = try ByteArgument(bytes: key).key()
        switch verb {
        case .set: self = .set(key: key, try Self.value(&members))
        case .delete: self = .delete(key: key)
        case .add: self = .add(key: key, delta: try NumberText.integer(Self.number("delta", verb, &members)))
        case .expect: self = .expect(key: key, version: try Self.version(Self.number("version", verb, &members)))
        }
        if let name = members.firstName {
            throw Failure(
                .usage,
                "\(TerminalText.quoted(name)) is no member of \(verb.article) \(verb.rawValue): expected "
                    + verb.members)
        }
    }

    /// Takes the verb and the key out of `members`.
    private static func verbAndKey(_ members: inout JSONMembers) throws(Failure) -> (Verb, [UInt8]) {
        for verb in Verb.allCases {
            if let key = members.take(verb.rawValue) {
                return (verb, try key.text(of: verb.rawValue))
            }
            if let key = members.take(verb.rawValue + "Base64") {
                return (verb, try key.base64(of: verb.rawValue + "Base64"))
            }
        }
        throw Failure(
            .usage, "a member set, delete, add or expect is expected, with the key (or setBase64, ... with its base64)")
    }

    /// Takes the value of a set out of `members`.
    private static func value(_ members: inout JSONMembers) throws(Failure) -> TypedValue {
        let kind = try members.take("type").map { member throws(Failure) in try Self.kind(member.text(of: "type")) }
        let text = members.take("text")
        let value = members.take("value")
        switch (text, value) {
        case (let text?, nil): return try TypedValue(text.text(of: "text"), as: kind)
        case (nil, let value?): return try TypedValue(value.base64(of: "value"), as: kind ?? .bytes)
        default:
            throw Failure(.usage, "a set has either text, or value in base64: expected \(Verb.set.members)")
        }
    }

    /// Takes the digits of a number out of `members`.
    private static func number(
        _ name: String, _ verb: Verb, _ members: inout JSONMembers
    ) throws(Failure) -> [UInt8] {
        guard let member = members.take(name) else {
            throw Failure(.usage, "\(verb.article) \(verb.rawValue) has a number \(name): expected \(verb.members)")
        }
        return try member.digits(of: name)
    }
}

extension Operation.Verb {
    /// The article that a sentence puts before the verb.
    fileprivate var article: String { self == .add || self == .expect ? "an" : "a" }

    /// What an object with this verb looks like.
    fileprivate var members: String {
        switch self {
        case .set: #"{"set":KEY,"text":TEXT} or {"set":KEY,"value":BASE64}"#
        case .delete: #"{"delete":KEY}"#
        case .add: #"{"add":KEY,"delta":NUMBER}"#
        case .expect: #"{"expect":KEY,"version":NUMBER}"#
        }
    }
}
