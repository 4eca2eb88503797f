internal import CSharedMem
internal import LinuxIPC
internal import SharedMem

// How Swift's results become C's: 0 or a negative errno.

/// Runs `body` and turns what it throws into a negative errno.
@inline(__always)
func outcome(_ body: () throws(SharedMemError) -> Void) -> Int32 {
    do throws(SharedMemError) {
        try body()
        return 0
    } catch {
        return error.outcome
    }
}

extension SharedMemError {
    /// The negative errno that a C caller gets.
    var outcome: Int32 { errno > 0 ? -errno : Errno.ioError.outcome }
}

extension Errno {
    /// The negative errno that a C caller gets.
    var outcome: Int32 { -rawValue }
}

// MARK: - Handles

/// Runs `body` with the object behind a handle, which the caller keeps; `invalidArgument` without one.
///
/// No reference is counted: the caller owns one as long as the call lasts.
@inline(__always)
func with<Object: AnyObject>(_ handle: OpaquePointer?, _ body: (Object) -> Int32) -> Int32 {
    guard let handle = unsafe handle else { return Errno.invalidArgument.outcome }
    return unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle))._withUnsafeGuaranteedRef { body($0) }
}

/// A handle that owns a reference of `object`.
func handle(of object: some AnyObject) -> OpaquePointer {
    unsafe OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// Gives back the reference that a handle owns.
func free<Object: AnyObject>(_ handle: OpaquePointer?, _: Object.Type) {
    guard let handle = unsafe handle else { return }
    unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).release()
}

// MARK: - Strings

/// Text of a C caller; nil: there is none.
///
/// What isn't UTF-8 in it becomes a character that no segment's name has.
func text(_ start: UnsafePointer<CChar>?) -> String? {
    guard let start = unsafe start else { return nil }
    return unsafe String(cString: start)
}

/// Runs `body` with the path of a C caller, nil: there is none; one that isn't UTF-8 is an invalid argument.
func outcome(at path: UnsafePointer<CChar>?, _ body: (String?) throws(SharedMemError) -> Void) -> Int32 {
    var text: String?
    if let start = unsafe path {
        text = unsafe String(validatingCString: start)
        if text == nil { return Errno.invalidArgument.outcome }
    }
    return outcome { () throws(SharedMemError) in try body(text) }
}
