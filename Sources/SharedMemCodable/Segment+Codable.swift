public import FoundationEssentials
public import SharedMem

extension Segment {
    /// Sets `key` to `value` as one JSON text, tagged `json`, and returns the version.
    ///
    /// Otherwise as `set(_:to:_:)`. Throws `notEncodable` and leaves the old value if the encoder refuses the new one,
    /// and `segment` if the segment does.
    @discardableResult
    public func set(
        _ key: some SegmentKey, encoding value: some Encodable, _ options: SetOptions = SetOptions(),
        encoder: JSONEncoder = JSONEncoder()
    ) throws(CodableError) -> UInt64 {
        let text: JSONText
        do {
            text = JSONText(bytes: [UInt8](try encoder.encode(value)))
        } catch {
            throw CodableError(encoding: error, of: "\(type(of: value))", key: key, segment: name)
        }
        do throws(SharedMemError) {
            return try set(key, to: text, options)
        } catch {
            throw CodableError(error)
        }
    }

    /// The value of `key`, decoded from its JSON text; nil: there is no such key.
    ///
    /// Takes what is tagged as JSON, as UTF-8 or as bytes, whoever wrote it. The bytes are copied before they are decoded:
    /// nobody changes them meanwhile. Throws `notDecodable` if they aren't JSON or don't have the shape of a `Value`, and
    /// `segment` if the segment refuses, with `wrongType` for a number.
    public func get<Value: Decodable>(
        _ key: some SegmentKey, decoding type: Value.Type, decoder: JSONDecoder = JSONDecoder()
    ) throws(CodableError) -> Value? {
        let found: JSONText?
        do throws(SharedMemError) {
            found = try get(key, as: JSONText.self)
        } catch {
            throw CodableError(error)
        }
        guard let found else { return nil }
        do {
            return try decoder.decode(type, from: Data(found.bytes))
        } catch {
            throw CodableError(decoding: error, as: "\(type)", key: key, segment: name)
        }
    }
}
