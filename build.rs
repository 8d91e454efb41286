//! Tells the linker what the binary needs: an rpath to the libpython that it was built against, and
//! our interposed calls in the dynamic symbol table, where libraries look first.

use std::ops::RangeInclusive;
use std::path::Path;

use pyo3_build_config::BuildFlag;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={EXTENSION}");
    pyo3_build_config::use_pyo3_cfgs();
    require_known_python();
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

/// The engine relies on what these do, and was tested on no others.
const MINORS: RangeInclusive<u8> = 10..=14;

/// An interpreter that it was not made for ends the build, of the executable and of the wheel, with a sentence.
fn require_known_python() {
    let config = pyo3_build_config::get();
    let python = config.executable().unwrap_or("python3");
    let version = config.version();
    if config.build_flags().0.contains(&BuildFlag::Py_GIL_DISABLED) {
        panic!(
            "{python} is a free-threaded CPython {version}, which unicoro does not serve: use the \
             ordinary interpreter of the same version"
        );
    }
    if version.major != 3 || !MINORS.contains(&version.minor) {
        panic!(
            "{python} is CPython {version}, and unicoro serves 3.{} to 3.{}: use one of these",
            MINORS.start(),
            MINORS.end()
        );
    }
}

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
