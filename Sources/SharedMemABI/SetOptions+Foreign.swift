internal import CSharedMem
internal import SharedMem

extension SetOptions {
    /// What a C caller wants; nil: something in it can't be.
    @unsafe
    init?(foreign options: UnsafePointer<sharedmem_set_options>?) {
        self.init()
        guard let options = unsafe options else { return }
        guard let known = unsafe Known(options, size: options.pointee.size)?.value, known.has_expected_version <= 1,
            let type = UInt8(exactly: known.type)
        else { return nil }
        self.type = ValueType(rawValue: type)
        if known.has_expected_version == 1 { ifVersion = known.expected_version }
        if known.expires_in_ms != 0 { expiresIn = .milliseconds(Int64(clamping: known.expires_in_ms)) }
    }
}
