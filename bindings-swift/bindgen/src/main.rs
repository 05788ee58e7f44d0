//! Writes the Swift side of the bindings from the built library. Run by `cargo xtask`; kept apart from the library so
//! that no command line parser is linked into a product.

fn main() {
    uniffi::uniffi_bindgen_main();
}
