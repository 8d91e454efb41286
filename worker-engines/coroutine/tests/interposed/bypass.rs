//! Libraries that bring their own versions of interposed functions.

use std::ffi::CString;
use std::path::Path;
use std::process::Command;

use unicoro_coroutine::bypassed;

/// Builds a library of one function with the linker's compiler, which a Rust tool chain needs too.
fn build(library: &Path, flags: &[&str]) {
    let source = library.with_extension("c");
    std::fs::write(&source, "int usleep(unsigned time) { return time != 0; }").unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(library).arg(&source).args(flags);
    assert!(compiler.status().unwrap().success());
}

#[test]
fn a_library_with_functions_of_its_own_is_named_while_it_is_loaded() {
    assert_eq!(bypassed(), []);
    for (flags, is_certain) in [(&["-Wl,-Bsymbolic"][..], true), (&[], false)] {
        let name = format!("unicoro-bypass-{}-{is_certain}.so", std::process::id());
        let library = std::env::temp_dir().join(name);
        build(&library, flags);
        let path = CString::new(library.to_str().unwrap()).unwrap();
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!handle.is_null());
        let found = bypassed();
        unsafe { libc::dlclose(handle) };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].library, library.to_str().unwrap());
        assert_eq!((&found[0].names[..], found[0].is_certain), (&["usleep"][..], is_certain));
    }
    assert_eq!(bypassed(), []);
}
