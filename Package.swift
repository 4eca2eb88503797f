// swift-tools-version: 6.3
// The layers of sharedmemd. Dependencies point down only; `.ci/run` builds with
// `--explicit-target-dependency-import-check error`, which refuses an import that isn't declared here.
import PackageDescription

// MARK: What every own target is built with

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
    // Seeded faults and step hooks for the tests; a release build holds none of them.
    .define("SHAREDMEM_TEST_HOOKS", .when(configuration: .debug)),
]

let cSettings: [CSetting] = [.define("_GNU_SOURCE")]

func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func program(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.init(stringLiteral: name)] + dependencies, swiftSettings: settings)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "sharedmemd",
    products: [
        .library(name: "SharedMem", targets: ["SharedMem"]),
        .library(name: "SharedMemAsync", targets: ["SharedMemAsync"]),
        .library(name: "SharedMemCodable", targets: ["SharedMemCodable"]),
        .executable(name: "sharedmemd", targets: ["sharedmemd"]),
        .executable(name: "shmctl", targets: ["shmctl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // MARK: The public C headers, and what Swift can't import
        .target(name: "CSharedMem"),
        .target(name: "CXXHash"),
        .target(name: "CLinuxIPC", cSettings: cSettings),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),

        // MARK: The client's layers: no Foundation, no third-party package, also built as Embedded Swift
        layer("LinuxIPC", ["CLinuxIPC"]),
        layer("SharedMemStore", ["CSharedMem", "CXXHash"]),
        layer("SharedMemProtocol", ["CSharedMem"]),
        layer("SharedMem", ["SharedMemStore", "SharedMemProtocol", "LinuxIPC"]),

        // MARK: Beside the client, for programs that have a concurrency runtime, or Foundation, anyway
        layer("SharedMemAsync", ["SharedMem"]),
        layer("SharedMemCodable", ["SharedMem"]),

        // MARK: The daemon
        layer("SharedMemBroker", ["SharedMemProtocol"]),
        layer(
            "SharedMemDaemon",
            [
                "SharedMemBroker", "SharedMemProtocol", "SharedMemStore", "LinuxIPC", "CSystemd", "CXXHash", "Yams",
            ]),

        layer("SharedMemKeeper", ["SharedMemDaemon", "LinuxIPC", "CSystemd"]),

        // MARK: Programs
        program("sharedmemd", ["SharedMemKeeper", "SharedMemDaemon", "LinuxIPC", argumentParser]),
        program("shmctl", ["SharedMem", "LinuxIPC", argumentParser]),
        program("parent", path: "Sources/Examples/parent", ["SharedMem"]),
        program("child", path: "Sources/Examples/child", ["SharedMem"]),

        // MARK: Tests and measurements
        tests(of: "LinuxIPC", ["TestSupport", "linuxipc-peer"]),
        program("linuxipc-peer", path: "Tests/LinuxIPCPeer", ["LinuxIPC"]),
        tests(of: "SharedMemStore", ["CSharedMem", "LinuxIPC", "TestSupport", "sharedmem-torture"]),
        tests(of: "SharedMemProtocol", ["CSharedMem"]),
        tests(of: "SharedMemBroker", ["SharedMemProtocol"]),
        tests(
            of: "SharedMemDaemon",
            [
                "SharedMemBroker", "SharedMemProtocol", "SharedMemStore", "LinuxIPC", "TestSupport", "sharedmemd",
                "linuxipc-peer",
            ]),
        tests(of: "SharedMemKeeper", ["SharedMemDaemon", "LinuxIPC", "sharedmemd", "sharedmem-keeper-peer"]),
        program(
            "sharedmem-keeper-peer", path: "Tests/KeeperPeer",
            ["SharedMemKeeper", "SharedMemDaemon", "LinuxIPC", "CSystemd"]),
        tests(
            of: "SharedMem",
            [
                "CSharedMem", "LinuxIPC", "SharedMemProtocol", "SharedMemStore", "TestSupport", "sharedmemd",
                "sharedmem-torture",
            ]),
        tests(of: "SharedMemAsync", ["SharedMem", "TestSupport", "sharedmemd"]),
        tests(of: "SharedMemCodable", ["SharedMem", "TestSupport", "sharedmemd"]),
        tests(of: "shmctl", ["SharedMem", "LinuxIPC", "sharedmemd", argumentParser]),
        .target(name: "TestSupport", path: "Tests/Support", swiftSettings: settings),
        .target(
            name: "CBenchmarkFloors", path: "Tests/Benchmarks/CBenchmarkFloors",
            cSettings: [.unsafeFlags(["-O2"])]),
        program(
            "sharedmem-benchmarks", path: "Tests/Benchmarks/Program",
            ["CBenchmarkFloors", "SharedMem", "SharedMemStore", "LinuxIPC", "TestSupport", argumentParser]),
        program(
            "survival", path: "Tests/Survival/Program",
            ["SharedMem", "SharedMemProtocol", "SharedMemStore", "LinuxIPC", "TestSupport", argumentParser]),
        .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
        program(
            "sharedmem-torture", path: "Tests/Torture",
            [
                "SharedMem", "SharedMemStore", "LinuxIPC", "CSharedMem", "CXXHash", "CAllocationCount", "TestSupport",
                argumentParser,
            ]),
    ]
)
