internal import CLinuxIPC
internal import CSharedMem
internal import LinuxIPC
internal import SharedMem

// sharedmem.h: the two classic calls: one text for all programs, as the DLL of old had it.

/// What the classic calls of this process share.
private let classic = ForkSafeMutex<Segment?>(nil)

/// The segment of the classic calls, attached at the first of them.
private func classicSegment() throws(SharedMemError) -> Segment {
    try classic.withLock { (attached) throws(SharedMemError) in
        if let attached { return attached }
        let name = ThisProcess.environmentValue(of: "SHAREDMEM_SEGMENT") ?? "default"
        let segment: Segment
        do throws(SharedMemError) {
            segment = try Segment.open(name)
        } catch {
            guard error.code == .notPermitted else { throw error }
            segment = try Segment.open(name, access: .readOnly)
        }
        attached = segment
        linuxipc_at_exit { forgetClassic() }
        return segment
    }
}

private func forgetClassic() { classic.withLock { $0 = nil } }

/// Runs `body` with the segment of the classic calls; once more if it was removed, because there may be a new one.
private func withClassicSegment<Result>(
    _ body: (Segment) throws(SharedMemError) -> Result
) throws(SharedMemError) -> Result {
    let segment = try classicSegment()
    do throws(SharedMemError) {
        return try body(segment)
    } catch {
        guard error.code == .removed else { throw error }
    }
    classic.withLock { if $0 === segment { $0 = nil } }
    return try body(classicSegment())
}

/// Sets the text.
@c @implementation
public func SetSharedMem(_ text: UnsafePointer<Int32>?) {
    let before = linuxipc_errno()
    linuxipc_set_errno(unsafe setClassic(text) ?? before)
}

/// Copies the text.
@c @implementation
public func GetSharedMem(_ buffer: UnsafeMutablePointer<Int32>?, _ capacity: UInt32) {
    let before = linuxipc_errno()
    linuxipc_set_errno(unsafe getClassic(buffer, capacity) ?? before)
}

/// Sets the text; nil: it's set, else why not.
private func setClassic(_ text: UnsafePointer<Int32>?) -> Int32? {
    guard let bytes = unsafe WideText.utf8(text) else { return EILSEQ }
    do throws(SharedMemError) {
        try withClassicSegment { (segment) throws(SharedMemError) in
            _ = try segment.set([UInt8](), to: bytes, SetOptions.typed(.utf8))
        }
        return nil
    } catch {
        return -error.outcome
    }
}

/// Copies the text; nil: it's copied, or there is no buffer, else why it's the empty one.
private func getClassic(_ buffer: UnsafeMutablePointer<Int32>?, _ capacity: UInt32) -> Int32? {
    guard let buffer = unsafe buffer, capacity > 0 else { return nil }
    var bytes: [UInt8] = []
    var failure: Int32?
    do throws(SharedMemError) {
        bytes = try withClassicSegment { (segment) throws(SharedMemError) in try segment.get([UInt8]()) ?? [] }
    } catch {
        failure = -error.outcome
    }
    unsafe WideText.store(bytes, in: buffer, capacity: Int(capacity))
    return failure
}

/// Text as C's wide characters on Linux: Unicode scalars of 32 bits, a zero at the end; whatever the locale.
private enum WideText {
    /// The text in UTF-8; nil: something in it is no Unicode scalar.
    static func utf8(_ text: UnsafePointer<Int32>?) -> [UInt8]? {
        var bytes: [UInt8] = []
        guard let text = unsafe text else { return bytes }
        var position = unsafe UnsafeRawPointer(text)
        while true {
            // Read as what it is in memory: a number that needn't be a scalar.
            let number = unsafe position.load(as: UInt32.self)
            if number == 0 { return bytes }
            guard let scalar = Unicode.Scalar(number) else { return nil }
            for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { bytes.append(byte) }
            unsafe position += 4
        }
    }

    /// Stores text, cut at a whole character, always with a zero at its end.
    static func store(_ bytes: [UInt8], in buffer: UnsafeMutablePointer<Int32>, capacity: Int) {
        let target = UnsafeMutableRawPointer(buffer)
        var decoder = UTF8()
        var rest = bytes.makeIterator()
        var count = 0
        while count < capacity - 1 {
            let scalar: Unicode.Scalar
            switch decoder.decode(&rest) {
            case .scalarValue(let found): scalar = found
            case .error: scalar = "\u{FFFD}"
            case .emptyInput:
                unsafe target.storeBytes(of: 0, toByteOffset: count * 4, as: UInt32.self)
                return
            }
            unsafe target.storeBytes(of: scalar.value, toByteOffset: count * 4, as: UInt32.self)
            count += 1
        }
        unsafe target.storeBytes(of: 0, toByteOffset: count * 4, as: UInt32.self)
    }
}
