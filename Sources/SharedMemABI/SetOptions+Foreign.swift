internal import CSharedMem
internal import LinuxIPC
internal import SharedMem

extension SetOptions {
    /// What a C caller wants.
    ///
    /// Throws `invalidArgument`: something can't be; `protocolNotSupported`: this library doesn't know of it.
    @unsafe
    init(foreign options: UnsafePointer<sharedmem_set_options>?) throws(Errno) {
        self.init()
        guard let options = unsafe options else { return }
        let known = try unsafe Known(options, size: options.pointee.size).value
        guard known.has_expected_version <= 1, let type = UInt8(exactly: known.type) else { throw .invalidArgument }
        self.type = ValueType(rawValue: type)
        if known.has_expected_version == 1 { ifVersion = known.expected_version }
        if known.expires_in_ms != 0 { expiresIn = .milliseconds(Int64(clamping: known.expires_in_ms)) }
    }
}
