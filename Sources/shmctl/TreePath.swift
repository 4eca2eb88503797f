/// A key as the path of a file below a folder, known not to lead out of it.
struct TreePath: Equatable {
    /// The path's parts: never none, and none of them empty, `.`, `..`, or with a zero byte or a slash in it.
    let components: [[UInt8]]

    /// Takes `key` apart at its slashes, or says why it can't be a path.
    init(key: [UInt8]) throws(Refusal) {
        let slash = UInt8(ascii: "/")
        let dot = UInt8(ascii: ".")
        guard !key.isEmpty else { throw .empty }
        guard key.first != slash else { throw .absolute }
        guard !key.contains(0) else { throw .zeroByte }
        let components = key.split(separator: slash, omittingEmptySubsequences: false).map(Array.init)
        for component in components {
            switch component {
            case []: throw .emptyComponent
            case [dot]: throw .dot
            case [dot, dot]: throw .leadsOut
            case _ where component.count > Self.maximumComponentByteCount: throw .componentTooLong
            default: break
            }
        }
        self.components = components
    }

    /// The longest name of a file, in bytes: NAME_MAX.
    static var maximumComponentByteCount: Int { 255 }

    /// The folder's parts.
    var parent: ArraySlice<[UInt8]> { components.dropLast() }

    /// The path's bytes.
    var bytes: [UInt8] { Self.joined(components[...]) }

    /// Puts slashes between `components`.
    static func joined(_ components: ArraySlice<[UInt8]>) -> [UInt8] {
        Array(components.joined(separator: [UInt8(ascii: "/")]))
    }
}

extension TreePath {
    /// Why a key can't be a file's path.
    enum Refusal: Error, Equatable {
        /// The key has no bytes.
        case empty
        /// The key begins with a slash.
        case absolute
        /// A part is `..`.
        case leadsOut
        /// A part is `.`, which would name the same file as the path without it.
        case dot
        /// Two slashes follow each other, or the last byte is one.
        case emptyComponent
        /// No file's name holds a zero byte.
        case zeroByte
        /// A part is longer than a file's name can be.
        case componentTooLong
        /// Another key lies in a folder of this name.
        case isFolderOf([UInt8])

        /// The reason, to stand after the key and a colon.
        var text: String {
            switch self {
            case .empty: "the empty key names no file"
            case .absolute: "it begins with a slash"
            case .leadsOut: "'..' leads out of the folder"
            case .dot: "'.' is no file's name"
            case .emptyComponent: "a part of the path is empty"
            case .zeroByte: "it holds a zero byte"
            case .componentTooLong: "a part of the path is longer than \(maximumComponentByteCount) bytes"
            case .isFolderOf(let key): "it would have to be a folder for \(TerminalText.quoted(key))"
            }
        }
    }
}
