/// Which keys become files below a folder, and which can't.
struct TreePlan: Equatable {
    /// A key that can't be a file beside the others.
    struct Refused: Equatable {
        /// The key.
        let key: [UInt8]
        /// Why.
        let reason: TreePath.Refusal
    }

    /// The files to write, in the order of the keys.
    private(set) var paths: [TreePath] = []
    /// The keys that are left out, in their order.
    private(set) var refused: [Refused] = []

    /// Decides about all `keys`, which differ.
    ///
    /// Of two keys of which one would have to be the folder of the other (`a` beside `a/b`) the shorter is refused:
    /// that leaves most of the keys, and the same ones each time.
    init(keys: [[UInt8]]) {
        var accepted: [TreePath] = []
        var reasons: [[UInt8]: TreePath.Refusal] = [:]
        for key in keys {
            do throws(TreePath.Refusal) {
                accepted.append(try TreePath(key: key))
            } catch {
                reasons[key] = error
            }
        }
        var tenants: [[UInt8]: [UInt8]] = [:]
        for path in accepted {
            for count in 1..<path.components.count {
                let folder = TreePath.joined(path.components[..<count])
                if tenants[folder] == nil { tenants[folder] = path.bytes }
            }
        }
        for path in accepted {
            if let tenant = tenants[path.bytes] {
                reasons[path.bytes] = .isFolderOf(tenant)
            } else {
                paths.append(path)
            }
        }
        for key in keys {
            if let reason = reasons[key] { refused.append(Refused(key: key, reason: reason)) }
        }
    }
}
