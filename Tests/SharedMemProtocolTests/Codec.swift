import SharedMemProtocol

/// A decoder and the encoder of what it returns, as one function on frames.
struct Codec {
    /// Decodes a frame and encodes the result again.
    let reencode: ([UInt8]) throws(DecodingFailure) -> [UInt8]

    /// Requests.
    static var requests: Codec {
        Codec { frame throws(DecodingFailure) in
            let decoded = try Request.decode(frame)
            return decoded.request.encoded(requestID: decoded.requestID)
        }
    }

    /// Replies.
    static var replies: Codec {
        Codec { frame throws(DecodingFailure) in
            let decoded = try Reply.decode(frame)
            return decoded.reply.encoded(requestID: decoded.requestID)
        }
    }

    /// Returns the damaged forms of `frame` that are accepted although they encode to other bytes, and those of
    /// another length that are accepted at all.
    func faults(in frame: [UInt8]) -> [String] {
        var faults: [String] = []
        for count in 0..<frame.count where accepts([UInt8](frame.prefix(count))) {
            faults.append("cut to \(count) of \(frame.count) bytes")
        }
        for extra in [1, 8, 136, 4096] where accepts(frame + [UInt8](repeating: 0, count: extra)) {
            faults.append("longer by \(extra) bytes")
        }
        for bit in 0..<frame.count * 8 {
            var damaged = frame
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            if let again = try? reencode(damaged), again != damaged { faults.append("bit \(bit) flipped") }
        }
        for index in frame.indices {
            for value in [UInt8.min, UInt8.max] {
                var damaged = frame
                damaged[index] = value
                if let again = try? reencode(damaged), again != damaged {
                    faults.append("byte \(index) set to \(value)")
                }
            }
        }
        return faults
    }

    /// Whether `frame` decodes.
    private func accepts(_ frame: [UInt8]) -> Bool {
        (try? reencode(frame)) != nil
    }
}
