// swift-tools-version: 6.3
// The client's layers once more, compiled as Embedded Swift: a library that needs the C library alone.
//
// Embedded and ordinary modules can't import each other, so this package has targets of the same names whose folders
// are links to the ordinary ones. `Tests/Embedded/run` builds it and looks at what the library needs.
import PackageDescription

// MARK: What every target is built with

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    // SE-0458: every unsafe expression is marked.
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    // SE-0335
    .enableUpcomingFeature("ExistentialAny"),
    // SE-0409
    .enableUpcomingFeature("InternalImportsByDefault"),
    // SE-0444
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Embedded"),
    // Embedded Swift compiles a module as a whole.
    .unsafeFlags(["-wmo", "-parse-as-library", "-Xfrontend", "-function-sections"]),
]

let cSettings: [CSetting] = [.define("_GNU_SOURCE"), .unsafeFlags(["-ffunction-sections", "-fdata-sections"])]

// A symbol that nothing defines is an error here, not at the first call in somebody's program.
let linkerSettings: [LinkerSetting] = [
    .unsafeFlags(
        ["-enable-experimental-feature", "Embedded", "-nostartfiles"]
            + [
                "-z", "defs",
                // Others are hidden, and dropped where nobody calls them.
                "--version-script", "\(Context.packageDirectory)/libsharedmem.map", "--gc-sections",
                "-soname", "libsharedmem.so.1",
                // A thread may sleep in it, and the C library calls it at a fork: it stays once it is loaded.
                "-z", "nodelete", "-z", "relro", "-z", "now",
            ].flatMap { ["-Xlinker", $0] })
]

func layer(_ name: String, _ dependencies: [Target.Dependency], linkerSettings: [LinkerSetting] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings, linkerSettings: linkerSettings)
}

let package = Package(
    name: "libsharedmem",
    products: [
        .library(name: "sharedmem", type: .dynamic, targets: ["SharedMemABI"])
    ],
    targets: [
        .target(name: "CSharedMem"),
        .target(name: "CXXHash"),
        .target(name: "CLinuxIPC", cSettings: cSettings),
        layer("LinuxIPC", ["CLinuxIPC"]),
        layer("SharedMemStore", ["CSharedMem", "CXXHash"]),
        layer("SharedMemProtocol", ["CSharedMem"]),
        layer("SharedMem", ["SharedMemStore", "SharedMemProtocol", "LinuxIPC"]),
        layer(
            "SharedMemABI", ["SharedMem", "LinuxIPC", "CLinuxIPC", "CSharedMem"], linkerSettings: linkerSettings),
    ]
)
