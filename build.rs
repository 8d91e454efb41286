//! Tells the linker what the binary needs: an rpath to the libpython that it was built against, and
//! the coroutine engine's hooks in the dynamic symbol table, where libraries look first.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    pyo3_build_config::use_pyo3_cfgs();
    pyo3_build_config::add_libpython_rpath_link_args();
    if let Some(python) = &pyo3_build_config::get().executable() {
        println!("cargo:rustc-env=UNICORO_BUILT_AGAINST={python}");
    }

    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let hooks = Path::new(&root).join("worker-engines/coroutine/hooks.list");
    println!("cargo:rerun-if-changed={}", hooks.display());
    println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol-list={}", hooks.display());
}
