// swift-tools-version:6.0
// Two dispatch programs for the terminal: one dispatcher's morning, and a live board of loads.
import PackageDescription

let gladhand: [Target.Dependency] = [.product(name: "Gladhand", package: "bindings-swift")]

let package = Package(
    name: "swift-dispatch",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "../../bindings-swift")],
    targets: [
        .executableTarget(name: "gladhand-morning", dependencies: gladhand),
        .executableTarget(name: "gladhand-board", dependencies: gladhand),
        .testTarget(
            name: "BoardTests",
            dependencies: ["gladhand-board", .product(name: "GladhandTesting", package: "bindings-swift")]),
    ],
    swiftLanguageModes: [.v6]
)
