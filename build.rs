//! Tells the linker what the binary needs: an rpath to the libpython that it was built against, and
//! our interposed calls in the dynamic symbol table, where libraries look first.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={EXTENSION}");
    pyo3_build_config::use_pyo3_cfgs();
    if std::env::var_os(EXTENSION).is_none() {
        require_libpython();
        pyo3_build_config::add_libpython_rpath_link_args();
    }
    if let Some(python) = pyo3_build_config::get().executable() {
        println!("cargo:rustc-env=UNICORO_BUILT_AGAINST={python}");
    }

    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let interposed = Path::new(&root).join("worker-engines/coroutine/interposed.list");
    println!("cargo:rerun-if-changed={}", interposed.display());
    println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol-list={}", interposed.display());
    // src/python/threads/pending_calls.rs.
    println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol=Py_AddPendingCall");
}

/// By which pyo3 is told that the interpreter brings its library: for the wheel (maturin sets it).
const EXTENSION: &str = "PYO3_BUILD_EXTENSION_MODULE";

/// An interpreter without its shared library ends the build with what to do, not with a linker's
/// message.
fn require_libpython() {
    let config = pyo3_build_config::get();
    let (Some(directory), Some(name)) = (config.lib_dir(), config.lib_name()) else { return };
    let library = Path::new(directory).join(format!("lib{name}.so"));
    if config.shared() && library.exists() {
        return;
    }
    let python = config.executable().unwrap_or("python3");
    panic!(
        "{python} has no shared libpython to link with ({} is not there).\n\
         Debian: apt-get install libpython3-dev. pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared.\n\
         Or name another interpreter: PYO3_PYTHON=/path/to/python3 cargo build",
        library.display()
    );
}
