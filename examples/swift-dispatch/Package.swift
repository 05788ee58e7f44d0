// swift-tools-version:6.0
// A small dispatch program: one dispatcher's morning through the public API of the Swift package.
import PackageDescription

let package = Package(
    name: "swift-dispatch",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "../../bindings-swift")],
    targets: [
        .executableTarget(
            name: "gladhand-morning", dependencies: [.product(name: "Gladhand", package: "bindings-swift")])
    ],
    swiftLanguageModes: [.v6]
)
