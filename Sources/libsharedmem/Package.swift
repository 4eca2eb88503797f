// swift-tools-version: 6.3
// The client's layers once more, compiled as Embedded Swift: a library that needs the C library alone.
//
// Embedded and ordinary modules can't import each other, so this package has targets of the same names whose folders
// are links to the ordinary ones. `build` beside this file builds and links it; `Tests/Embedded/run` looks at what the
// library needs.
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
    .unsafeFlags(["-wmo", "-parse-as-library"]),
]

let cSettings: [CSetting] = [.define("_GNU_SOURCE"), .unsafeFlags(["-ffunction-sections", "-fdata-sections"])]

// Where a call waits for the daemon or the kernel, bytes count more than nanoseconds. What a get and a set run through is
// the store's, or is compiled into SharedMemABI; with -Osize there a set took 6 ns more.
let forSize: SwiftSetting = .unsafeFlags(["-Osize"])

func layer(_ name: String, _ dependencies: [Target.Dependency], _ more: SwiftSetting...) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings + more)
}

let package = Package(
    name: "libsharedmem",
    products: [
        .library(name: "sharedmem", type: .static, targets: ["SharedMemABI"])
    ],
    targets: [
        .target(name: "CSharedMem"),
        .target(name: "CXXHash"),
        .target(name: "CLinuxIPC", cSettings: cSettings),
        layer("LinuxIPC", ["CLinuxIPC"], forSize),
        layer("SharedMemStore", ["CSharedMem", "CXXHash"]),
        layer("SharedMemProtocol", ["CSharedMem"], forSize),
        layer("SharedMem", ["SharedMemStore", "SharedMemProtocol", "LinuxIPC"], forSize),
        layer("SharedMemABI", ["SharedMem", "LinuxIPC", "CLinuxIPC", "CSharedMem"]),
    ]
)
