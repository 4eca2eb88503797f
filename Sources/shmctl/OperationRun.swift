internal import SharedMem

/// The operations of a transaction on a segment, done all at once.
struct OperationRun {
    /// What is done, in this order.
    private let operations: [Operation]
    /// Where it is done.
    private let segment: Segment

    /// How often a transaction begins again because a number to add to has changed meanwhile.
    private static var attemptLimit: Int { 100 }

    /// Prepares to do `operations`.
    init(_ operations: [Operation], on segment: Segment) {
        self.operations = operations
        self.segment = segment
    }

    /// Does everything and answers with the version, or throws, and nothing was written.
    func commit() throws(Failure) -> UInt64 {
        for _ in 0..<Self.attemptLimit {
            do throws(Interruption) {
                return try attempt()
            } catch {
                switch error {
                case .failure(let failure): throw failure
                case .library(let error) where error.code == .versionDiffers: try checkExpectations()
                case .library(let error): throw Failure(error)
                }
            }
        }
        throw Failure(
            .notMet,
            "segment '\(segment.name)': what the transaction works on was changed \(Self.attemptLimit) times meanwhile")
    }

    /// Why an attempt ended.
    private enum Interruption: Error {
        /// The client library threw.
        case library(SharedMemError)
        /// An operation can't be done.
        case failure(Failure)
    }

    /// Throws the expectation that doesn't hold, if one doesn't.
    private func checkExpectations() throws(Failure) {
        for case .expect(let key, let version) in operations {
            let actual = try Failure.reporting { () throws(SharedMemError) in try segment.metadata(key)?.version ?? 0 }
            if actual != version {
                throw .versionDiffers(segment.name, key, expected: version, actual: actual)
            }
        }
    }

    /// Does everything once.
    private func attempt() throws(Interruption) -> UInt64 {
        var transaction = Transaction(segment)
        // When the values that were written expire; nil: never.
        var written: [[UInt8]: Duration?] = [:]
        for operation in operations {
            switch operation {
            case .set(let key, let value):
                try set(key, to: value, expiresIn: nil, in: &transaction)
                written[key] = .some(nil)
            case .delete(let key):
                try Self.reporting { () throws(SharedMemError) in try transaction.delete(key) }
                written[key] = .some(nil)
            case .add(let key, let delta):
                let lifetime: Duration?
                if let known = written[key] { lifetime = known } else { lifetime = try remaining(key, &transaction) }
                let sum = try integer(key, in: &transaction).addingReportingOverflow(delta)
                guard !sum.overflow else { throw .failure(.sumOutOfRange(segment.name, key)) }
                try set(key, to: TypedValue(sum.partialValue), expiresIn: lifetime, in: &transaction)
                written[key] = lifetime
            case .expect(let key, let version):
                try Self.reporting { () throws(SharedMemError) in try transaction.expect(version, of: key) }
            }
        }
        do throws(SharedMemError) {
            return try transaction.commit()
        } catch {
            throw .library(error)
        }
    }

    /// Sets a key in `transaction`.
    private func set(
        _ key: [UInt8], to value: TypedValue, expiresIn: Duration?, in transaction: inout Transaction
    ) throws(Interruption) {
        var options = SetOptions()
        options.type = value.type
        options.expiresIn = expiresIn
        try Self.reporting { () throws(SharedMemError) in try transaction.set(key, to: value.bytes, options) }
    }

    /// How long the value of `key` still lives; the transaction then fails unless it still has this value.
    private func remaining(_ key: [UInt8], _ transaction: inout Transaction) throws(Interruption) -> Duration? {
        try Self.reporting { () throws(SharedMemError) in
            let info = try segment.metadata(key)
            try transaction.expect(info?.version ?? 0, of: key)
            return info?.remainingLifetime
        }
    }

    /// The whole number that `key` holds in `transaction`, 0 if there is no such key.
    private func integer(_ key: [UInt8], in transaction: inout Transaction) throws(Interruption) -> Int64 {
        do throws(SharedMemError) {
            return try transaction.get(key, as: Int64.self) ?? 0
        } catch {
            guard error.code == .wrongType else { throw .library(error) }
        }
        do throws(SharedMemError) {
            if let number = try transaction.get(key, as: String.self).flatMap({ Int64($0) }) { return number }
        } catch {
            guard error.code == .wrongType else { throw .library(error) }
        }
        throw .failure(.notAnInteger(segment.name, key, nil))
    }

    /// Runs `body` and passes on what the client library throws.
    private static func reporting<Result>(
        _ body: () throws(SharedMemError) -> Result
    ) throws(Interruption) -> Result {
        do throws(SharedMemError) {
            return try body()
        } catch {
            throw .library(error)
        }
    }
}
