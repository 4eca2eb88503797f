internal import ArgumentParser
internal import SharedMem

/// Something that must never be seen.
struct Finding: Error, CustomStringConvertible {
    /// One sentence.
    let description: String

    init(_ description: String) { self.description = description }

    /// Runs a check; what it throws is printed as `wrong: …`, and the program ends with exit code 1.
    static func reported<Result>(_ check: () throws -> Result) throws -> Result {
        do {
            return try check()
        } catch {
            print("wrong: \(error)")
            throw ExitCode(1)
        }
    }
}

/// Runs a call of the client library; its failure becomes a finding that names `what` was called.
func call<Result>(_ what: String, _ body: () throws(SharedMemError) -> Result) throws(Finding) -> Result {
    do throws(SharedMemError) {
        return try body()
    } catch {
        throw Finding("\(what) failed: \(error)")
    }
}
