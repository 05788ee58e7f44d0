#!/bin/sh
# Builds the XCFramework of the core on a Mac, and its archive beside the files of a release. Needs Xcode and rustup.
# Never run so far: see docs/swift-release.md.
#
#     bindings-swift/apple.sh OUT        then: cargo xtask swift-release …, which names the archive in the manifests
set -eu
out=${1:?where to}
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}
name=GladhandFFI
library=libgladhand_swift.a
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() {
  rustup target add "$1"
  (cd "$here/.." && cargo build --locked --release --package gladhand-swift --target "$1")
  strip -S "$target/$1/release/$library"
}
# One library for each platform; where a platform has two processors, both are in it.
both() {
  mkdir -p "$work/$1"
  lipo -create "$target/$2/release/$library" "$target/$3/release/$library" -output "$work/$1/$library"
}

export MACOSX_DEPLOYMENT_TARGET=13.0 IPHONEOS_DEPLOYMENT_TARGET=16.0
for triple in aarch64-apple-darwin x86_64-apple-darwin aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios; do
  build "$triple"
done
both macos aarch64-apple-darwin x86_64-apple-darwin
both simulator aarch64-apple-ios-sim x86_64-apple-ios

mkdir -p "$work/include" "$out"
cp "$here/Sources/$name/$name.h" "$work/include/"
printf 'module %s {\n    header "%s.h"\n    export *\n}\n' "$name" "$name" > "$work/include/module.modulemap"
xcodebuild -create-xcframework \
  -library "$work/macos/$library" -headers "$work/include" \
  -library "$target/aarch64-apple-ios/release/$library" -headers "$work/include" \
  -library "$work/simulator/$library" -headers "$work/include" \
  -output "$work/$name.xcframework"
rm -f "$out/$name.xcframework.zip"
ditto -c -k --keepParent "$work/$name.xcframework" "$out/$name.xcframework.zip"
swift package compute-checksum "$out/$name.xcframework.zip"
