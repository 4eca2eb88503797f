internal import ArgumentParser

/// How a command writes its data.
struct OutputOptions: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Write JSON Lines: one object a line.")
    var isJSON = false
}
