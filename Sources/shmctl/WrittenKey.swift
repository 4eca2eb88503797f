internal import ArgumentParser

/// The key that a command writes whose next argument may be a negative number.
struct WrittenKey: ParsableArguments {
    @Argument(help: "The segment's name.")
    var segment: String

    @Argument(help: "The key: at most 512 bytes.", transform: ByteArgument.parseKey)
    var key: ByteArgument
}
