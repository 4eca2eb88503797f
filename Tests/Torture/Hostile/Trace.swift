internal import Foundation

/// What a single case does, line by line, on standard error: a crash loses none of it.
enum Trace {
    static func say(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
}
