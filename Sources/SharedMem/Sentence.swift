internal import SharedMemStore

/// What a failure says in words, made when somebody reads it: a get that fails allocates nothing, also in a signal handler.
///
/// The C library gives out numbers alone. There it's empty, and what would make the words isn't compiled in.
struct Sentence: Sendable {
    #if hasFeature(Embedded)
        init(_: @autoclosure () -> String) {}

        init(_: StoreError, segment _: String) {}
    #else
        private enum Words {
            case whole(String)
            case store(StoreError, segment: String)
        }

        private let words: Words

        init(_ words: @autoclosure () -> String) { self.words = .whole(words()) }

        /// What the store of the segment `name` said.
        init(_ error: StoreError, segment name: String) { words = .store(error, segment: name) }

        /// The words, without a full stop.
        var description: String {
            switch words {
            case .whole(let sentence): sentence
            case .store(let error, let name): "segment '" + name + "': " + error.description
            }
        }
    #endif
}
