internal import Glibc
internal import SharedMem

/// Reads the sentence that `parent` has shared under the empty key, and prints it.
@main
struct Program {
    static func main() {
        do throws(SharedMemError) {
            let segment = try Segment.open(segmentName, access: .readOnly)
            guard let sentence = try segment.string("") else {
                complain("child: nothing is shared in segment '\(segmentName)'; the program 'parent' shares something")
                exit(1)
            }
            print(sentence)
        } catch {
            complain("child: \(error.description)")
            exit(1)
        }
    }

    /// The segment that the sentence is shared in.
    private static var segmentName: String {
        guard let name = unsafe getenv("SHAREDMEM_SEGMENT") else { return "default" }
        return unsafe String(cString: name)
    }

    /// Says a sentence on standard error.
    private static func complain(_ sentence: String) {
        let line = sentence + "\n"
        _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
    }
}
