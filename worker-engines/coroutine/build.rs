//! Puts the interposed calls into the dynamic symbol table of this crate's own tests and benches, as the
//! binary's build script does for the binary.

use std::path::Path;

fn main() {
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let list = Path::new(&root).join("interposed.list");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", list.display());
    for kind in ["tests", "benches"] {
        let list = list.display();
        println!("cargo:rustc-link-arg-{kind}=-Wl,--export-dynamic-symbol-list={list}");
    }
}
