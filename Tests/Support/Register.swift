/// One key of a store as a register: it holds a value or none, and a version that only increases.
package struct Register: Hashable, Sendable {
    /// What it holds, by a number that no other value has; nil: the key isn't there.
    package var value: UInt64?
    /// The version of the newest change that is known to have a version.
    package var version: UInt64
    /// Whether that is the version of the value; otherwise the value's is some greater one.
    private var isVersionExact = true

    /// A register that holds `value` since `version`.
    package init(value: UInt64? = nil, version: UInt64 = 0) {
        self.value = value
        self.version = version
    }

    /// The register after `effect`; nil: that effect is impossible here.
    package func after(_ effect: RegisterOperation.Effect) -> Register? {
        switch effect {
        case .set(let value, let version): return changed(to: value, version)
        case .deleted(let version): return value == nil ? nil : changed(to: nil, version)
        case .foundNothingToDelete, .gotNothing: return value == nil ? self : nil
        case .got(let value, let version):
            guard value == self.value, isVersionExact ? version == self.version : version > self.version else {
                return nil
            }
            return Register(value: value, version: version)
        }
    }

    private func changed(to value: UInt64?, _ version: UInt64?) -> Register? {
        guard let version else {
            var register = self
            register.value = value
            register.isVersionExact = false
            return register
        }
        return version > self.version ? Register(value: value, version: version) : nil
    }
}

/// An operation on one key as its caller saw it.
package struct RegisterOperation: Hashable, Sendable {
    /// What it did.
    package enum Effect: Hashable, Sendable {
        /// Set the register to a value, as a version; nil: the caller never learned which.
        case set(value: UInt64, version: UInt64?)
        /// Deleted a value, as a version; nil: the caller never learned which.
        case deleted(version: UInt64?)
        /// Was to delete a value, and there was none.
        case foundNothingToDelete
        /// Read a value and its version.
        case got(value: UInt64, version: UInt64)
        /// Read that there is no value.
        case gotNothing
    }

    /// What it did; of a change that never returned: what it would have done.
    package var effect: Effect
    /// When it was called.
    package var invoked: UInt64
    /// When it returned; nil: its caller died, it may have happened at any time since, or not at all.
    package var returned: UInt64?

    /// An operation that was called at `invoked` and returned at `returned`.
    package init(_ effect: Effect, invoked: UInt64, returned: UInt64?) {
        self.effect = effect
        self.invoked = invoked
        self.returned = returned
    }

    /// The version of the change that it made, if it made one and its caller learned the version.
    package var changeVersion: UInt64? {
        switch effect {
        case .set(_, let version), .deleted(let version): version
        case .foundNothingToDelete, .got, .gotNothing: nil
        }
    }
}

extension RegisterOperation: CustomStringConvertible {
    /// What it did and when, on one line.
    package var description: String {
        let what: String =
            switch effect {
            case .set(let value, let version): "set to \(value), version \(Self.text(version))"
            case .deleted(let version): "delete, version \(Self.text(version))"
            case .foundNothingToDelete: "delete of nothing"
            case .got(let value, let version): "get of \(value), version \(version)"
            case .gotNothing: "get of nothing"
            }
        return "\(what), called at \(invoked), returned at \(Self.text(returned))"
    }

    private static func text(_ number: UInt64?) -> String { number.map(String.init) ?? "unknown" }
}
