//! The loaded libraries whose thread-local blocks each green thread has for itself (`library_locals`).
//!
//! ```text
//!   dlopen, on any OS thread   map ─► list ─► relocate ─► set thread-local storage up ─► constructors
//!                                      ▲ seen from here on                               ▲ usable
//! ```
//!
//! What a reader would break: while another OS thread is between the two, `__tls_get_addr` answers null
//! or reads what is not there, the block's initial image has no addresses in it yet, and the library
//! may go again. So nothing but its name is taken from the list before its dlopen is over.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, CString, c_int, c_void};
use std::ops::Range;

/// A loaded library whose block is swapped, on one OS thread.
#[derive(Clone)]
pub struct Library {
    /// Its block.
    pub block: *mut u8,
    /// What each block begins with.
    pub image: &'static [u8],
    /// The addresses of its segments.
    pub span: Range<usize>,
}

/// What has come.
#[derive(Default)]
pub struct News {
    /// Libraries to swap, for good.
    pub found: Vec<Library>,
    /// Where libraries begin that need no second look.
    pub judged: Vec<u64>,
}

/// Looks for libraries that have come. `judged` are the addresses of those that are known, and `seen` is
/// `dlpi_adds` of dl_iterate_phdr(3) at the last look.
pub fn come_since(seen: &Cell<u64>, judged: &[u64]) -> News {
    let mut look =
        Look { seen, known: judged, is_changed: false, names: Vec::new(), others: Vec::new() };
    // SAFETY: the callback has this type, and `look` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(see), (&raw mut look).cast()) };
    let Look { mut names, others: judged, .. } = look;
    let mut news = News { found: Vec::new(), judged };
    names.retain(|name| is_loaded(name));
    if names.is_empty() {
        return news;
    }
    let mut complete = Complete { names: &names, loaded: Vec::new() };
    // SAFETY: the callback has this type, and `complete` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(take_up), (&raw mut complete).cast()) };
    for loaded in complete.loaded {
        let start = loaded.start;
        if let Some(library) = loaded.on_this_thread() {
            news.judged.push(start);
            news.found.push(library);
        }
    }
    news
}

/// Whether the library with its code at this address is one whose block is swapped, as any thread
/// may ask, at any time.
pub fn keeps_locals(code: usize) -> bool {
    struct Search {
        code: usize,
        is_found: bool,
    }
    unsafe extern "C" fn look_at(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        search: *mut c_void,
    ) -> c_int {
        // SAFETY: `keeps_locals` passes a `Search`; the info is valid during the call.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
        let is_inside = headers(info).iter().any(|header| {
            let start = (info.dlpi_addr + header.p_vaddr) as usize;
            header.p_type == libc::PT_LOAD
                && (start..start + header.p_memsz as usize).contains(&search.code)
        });
        if is_inside && let Some(tls) = tls_of(info) {
            search.is_found = must_be_swapped(info, tls, name_of(info).to_bytes());
        }
        c_int::from(is_inside)
    }
    let mut search = Search { code, is_found: false };
    // SAFETY: the callback has this type, and `search` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(look_at), (&raw mut search).cast()) };
    search.is_found
}

/// Waits until the library is loaded, and keeps it so for good; false: its dlopen has failed.
///
/// glibc lets one thread load at a time, so this returns when the dlopen of another is over. Not that of
/// this OS thread: a green thread parked in the middle of its own. But none parks before the library's
/// constructors run, which is after all that matters here: until then the dynamic linker calls nobody.
fn is_loaded(name: &CStr) -> bool {
    // SAFETY: loads nothing; the name ends in NUL.
    !unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY) }.is_null()
}

/// A first look at the list.
struct Look<'a> {
    seen: &'a Cell<u64>,
    known: &'a [u64],
    is_changed: bool,
    // Of those that must be swapped.
    names: Vec<CString>,
    // Where the others begin.
    others: Vec<u64>,
}

/// Sees one library, which may still be loading; not 0 ends the iteration.
unsafe extern "C" fn see(info: *mut libc::dl_phdr_info, _size: usize, look: *mut c_void) -> c_int {
    // SAFETY: `come_since` passes a `Look`; the info is valid during the call.
    let (info, look) = unsafe { (&*info, &mut *look.cast::<Look>()) };
    if !look.is_changed && look.seen.replace(info.dlpi_adds) == info.dlpi_adds {
        return 1;
    }
    look.is_changed = true;
    if let Some(tls) = tls_of(info)
        && !look.known.contains(&info.dlpi_addr)
    {
        let name = name_of(info);
        if must_be_swapped(info, tls, name.to_bytes()) {
            look.names.push(name.to_owned());
        } else {
            look.others.push(info.dlpi_addr);
        }
    }
    0
}

/// Libraries that are loaded, and stay.
struct Complete<'a> {
    names: &'a [CString],
    loaded: Vec<Loaded>,
}

/// Takes one of them up.
unsafe extern "C" fn take_up(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    complete: *mut c_void,
) -> c_int {
    // SAFETY: `come_since` passes a `Complete`; the info is valid during the call.
    let (info, complete) = unsafe { (&*info, &mut *complete.cast::<Complete>()) };
    if let Some(tls) = tls_of(info)
        && complete.names.iter().any(|name| **name == *name_of(info))
    {
        complete.loaded.extend(loaded(info, tls));
    }
    0
}

fn name_of(info: &libc::dl_phdr_info) -> &CStr {
    // SAFETY: a string that ends in NUL, says dl_iterate_phdr(3).
    unsafe { CStr::from_ptr(info.dlpi_name) }
}

/// The segments of a library.
fn headers(info: &libc::dl_phdr_info) -> &[libc::Elf64_Phdr] {
    // SAFETY: the headers are mapped as long as the library is.
    unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) }
}

/// The initial image of its thread-local block.
fn tls_of(info: &libc::dl_phdr_info) -> Option<&libc::Elf64_Phdr> {
    headers(info).iter().find(|header| header.p_type == libc::PT_TLS && header.p_memsz > 0)
}

/// Whether it must be swapped. Allocates nothing: an allocator may ask, when it makes a key.
fn must_be_swapped(info: &libc::dl_phdr_info, tls: &libc::Elf64_Phdr, path: &[u8]) -> bool {
    needs_swapping(path, tls.p_memsz as usize, |text| {
        let segments = headers(info).iter();
        let mut constants = segments
            .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags == libc::PF_R)
            .map(|header| {
                let start = (info.dlpi_addr + header.p_vaddr) as *const u8;
                // SAFETY: a loaded segment that nobody writes to.
                unsafe { std::slice::from_raw_parts(start, header.p_memsz as usize) }
            });
        constants.any(|segment| contains(segment, text))
    })
}

/// A library that is loaded.
struct Loaded {
    start: u64,
    module: usize,
    image: Vec<u8>,
    span: Range<usize>,
}

fn loaded(info: &libc::dl_phdr_info, tls: &libc::Elf64_Phdr) -> Option<Loaded> {
    let at = |header: &libc::Elf64_Phdr| (info.dlpi_addr + header.p_vaddr) as usize;
    // SAFETY: part of a loaded segment, relocated, which is only read, by us and everybody.
    let initial =
        unsafe { std::slice::from_raw_parts(at(tls) as *const u8, tls.p_filesz as usize) };
    let segments = || headers(info).iter().filter(|header| header.p_type == libc::PT_LOAD);
    let mut image = vec![0; tls.p_memsz as usize];
    image[..tls.p_filesz as usize].copy_from_slice(initial);
    let start = segments().map(at).min()?;
    let end = segments().map(|header| at(header) + header.p_memsz as usize).max()?;
    Some(Loaded { start: info.dlpi_addr, module: info.dlpi_tls_modid, image, span: start..end })
}

impl Loaded {
    /// With its block on this OS thread, which is made if it is not there yet.
    fn on_this_thread(self) -> Option<Library> {
        let index = TlsIndex { module: self.module, offset: 0 };
        // SAFETY: a module with a TLS segment, whose dlopen is over.
        let block: *mut u8 = unsafe { __tls_get_addr(&raw const index) }.cast();
        let image = self.image;
        (!block.is_null()).then(|| Library { block, image: image.leak(), span: self.span })
    }
}

/// Whether a library's block belongs to the green thread, by its file and by the texts that its
/// read-only segments have.
///
/// * greenlet keeps there which greenlet runs, libstdc++ the exceptions being handled.
/// * Extension modules made with pyo3 keep a count of how often the thread is attached, and set it
///   to 0 while they let others run. Shared by green threads it falls below 0, and then pyo3 aborts
///   the process (seen with cryptography 50: "Attaching a thread to the interpreter is prohibited").
///   Not those with an allocator in them, whose caches belong to the OS thread.
/// * absl, in grpcio's module, keeps which lock the thread waits for, and who comes next. (Under keys,
///   see `thread_keys`; grpc's own variables are in the block.)
fn needs_swapping(path: &[u8], size: usize, has: impl Fn(&[u8]) -> bool) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if [b"_greenlet.".as_slice(), b"libstdc++.so"].iter().any(|start| name.starts_with(start)) {
        return true;
    }
    let is_extension = name.ends_with(b".so") && !name.starts_with(b"lib");
    is_extension
        && size <= LARGEST
        && (has(PYO3) || has(ABSL))
        && !ALLOCATORS.iter().any(|name| has(name))
}

/// Blocks of pyo3 modules have 100 to 500 bytes. Larger ones are no mere counts, and would cost at
/// every switch.
const LARGEST: usize = 1024;

/// The name of pyo3's exception for panics: in every module that it makes.
const PYO3: &[u8] = b"pyo3_runtime.PanicException";
/// What absl says of a thread that is in two waits at once: in every module that has it (grpcio).
const ABSL: &[u8] = b"detected illegal recursion into Mutex code";
const ALLOCATORS: [&[u8]; 2] = [b"mimalloc", b"jemalloc"];

fn contains(text: &[u8], part: &[u8]) -> bool {
    // SAFETY: both are valid for their lengths.
    let found =
        unsafe { libc::memmem(text.as_ptr().cast(), text.len(), part.as_ptr().cast(), part.len()) };
    !found.is_null()
}

/// `tls_index` of the x86-64 ABI.
#[repr(C)]
struct TlsIndex {
    module: usize,
    offset: usize,
}

unsafe extern "C" {
    fn __tls_get_addr(index: *const TlsIndex) -> *mut c_void;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_keeps_a_threads_state_is_swapped() {
        let by_name = |path: &str| needs_swapping(path.as_bytes(), 16, |_| false);
        assert!(by_name("/venv/greenlet/_greenlet.cpython-311-x86_64-linux-gnu.so"));
        assert!(by_name("/lib/x86_64-linux-gnu/libstdc++.so.6"));
        for path in ["", "/lib/libpython3.11.so.1.0", "/lib/libc.so.6", "/venv/_greenletty.so"] {
            assert!(!by_name(path), "{path}");
        }
        let made_with = |path: &str, size, text: &[u8]| {
            needs_swapping(path.as_bytes(), size, |part| contains(text, part))
        };
        assert!(made_with("/venv/_rust.abi3.so", 112, b"..pyo3_runtime.PanicException.."));
        assert!(!made_with("/venv/_rust.abi3.so", 4096, b"..pyo3_runtime.PanicException.."));
        assert!(!made_with("/lib/libuses.so", 112, b"pyo3_runtime.PanicException"));
        assert!(!made_with("/venv/a.so", 112, b"mimalloc: pyo3_runtime.PanicException"));
        assert!(made_with("/venv/grpc/cygrpc.so", 576, ABSL));
    }
}
