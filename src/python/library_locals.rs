//! Thread-local variables of C libraries, one set for each green thread.
//!
//! A library that keeps the state of "this thread" in its own thread-local block would find, after a
//! switch, the state of another green thread on the same OS thread. So the blocks of the libraries
//! that [`needs_swapping`] names are exchanged at every switch; each green thread begins with the
//! block's initial image, as a new OS thread does.
//!
//! ```text
//!   OS thread      _greenlet.so: [ThreadState*, guard]       where the library looks
//!                        ▲ resume           │ suspend
//!                        │                  ▼
//!   green thread         [ own block ]  ...  [ own block ]   while it does not run
//! ```
//!
//! What a reader would break: a swap happens in the green thread, between two instructions of the
//! library, so it must leave no pointer into the block behind; and never swap libpython, libc, the
//! executable, or a library that keeps threads of its own by thread (OpenMP).
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int, c_void};
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use unicoro_contract::Real;

use super::thread_state;

/// A switch has something to do here: a library is known, or one may have come.
static IS_NEEDED: AtomicBool = AtomicBool::new(true);
/// Libraries were loaded that nobody has looked at.
static HAS_NEWS: AtomicBool = AtomicBool::new(true);
/// Extension modules that are being loaded.
static LOADING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // Known libraries, with their blocks on this OS thread; in the order in which they were found.
    // Leaked, so that the variable needs no destructor: registering one would come through here.
    static LIBRARIES: Cell<&'static [Library]> = const { Cell::new(&[]) };
    // Where the libraries begin that were judged; their contents are read once. Leaked, too.
    static JUDGED: Cell<&'static [u64]> = const { Cell::new(&[]) };
    // `dlpi_adds` of dl_iterate_phdr(3) when they were last looked for.
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// A loaded library whose block is swapped, on one OS thread.
#[derive(Clone)]
struct Library {
    block: *mut u8,
    image: &'static [u8],
    // The addresses of its segments.
    span: Range<usize>,
}

/// The blocks of one green thread.
#[derive(Default)]
pub struct Locals {
    // As many as the libraries that were known when it last ran. While it runs, each holds what the
    // OS thread has outside green threads; while it does not, the green thread's own.
    blocks: RefCell<Vec<Box<[u8]>>>,
    // Destructors of its thread-local objects, the last registered first.
    endings: RefCell<Vec<Ending>>,
}

/// A destructor that a library has registered for the end of its thread.
#[derive(Clone, Copy)]
struct Ending {
    destroy: unsafe extern "C" fn(*mut c_void),
    object: *mut c_void,
}

impl Locals {
    /// At both ends of every stretch in which the green thread runs: exchanges what the libraries
    /// find.
    pub fn exchange(&self) {
        if IS_NEEDED.load(Ordering::Relaxed) {
            self.exchange_all();
        }
    }

    /// Whether there is anything in them.
    pub fn are_used(&self) -> bool {
        !self.blocks.borrow().is_empty()
    }

    /// The green thread, which runs, is about to end: its thread-local objects are destroyed, as at
    /// the end of a thread. Whether there were any.
    pub fn end(&self) -> bool {
        let mut any = false;
        for _ in 0..MOST_ENDINGS {
            let Some(Ending { destroy, object }) = self.endings.borrow_mut().pop() else { break };
            any = true;
            // SAFETY: registered by this green thread for its end, which is now; once.
            unsafe { destroy(object) };
        }
        any
    }

    #[inline(never)]
    fn exchange_all(&self) {
        look();
        let libraries = LIBRARIES.get();
        let mut blocks = self.blocks.borrow_mut();
        for library in &libraries[blocks.len()..] {
            // New to this green thread, or come while it ran: what is then in force is what it has
            // made of the initial image, and the OS thread is left with that image.
            blocks.push(library.image.into());
        }
        for (library, block) in libraries.iter().zip(blocks.iter_mut()) {
            // SAFETY: the library's block on this OS thread, of the image's size, for as long as the
            // thread lives (CPython never unloads an extension module); the other is ours.
            unsafe { ptr::swap_nonoverlapping(library.block, block.as_mut_ptr(), block.len()) };
        }
    }
}

/// A thread-local object's destructor may make another; one that always does is a bug of the
/// library's, and must not keep the green thread for ever.
const MOST_ENDINGS: usize = 1000;

/// Loads an extension module, which may bring such libraries: `load` does it.
pub fn while_loading<R>(load: impl FnOnce() -> R) -> R {
    struct Loading;
    impl Drop for Loading {
        fn drop(&mut self) {
            LOADING.fetch_sub(1, Ordering::Relaxed);
            HAS_NEWS.store(true, Ordering::Relaxed);
            IS_NEEDED.store(true, Ordering::Relaxed);
        }
    }
    // A module's first code may park before the loading ends.
    LOADING.fetch_add(1, Ordering::Relaxed);
    IS_NEEDED.store(true, Ordering::Relaxed);
    let _loading = Loading;
    load()
}

/// Whether a library whose block is swapped has its code or its data at this address.
pub fn is_known(address: usize) -> bool {
    LIBRARIES.get().iter().any(|library| library.span.contains(&address))
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
            // SAFETY: a string that ends in NUL, says dl_iterate_phdr(3).
            let name = unsafe { CStr::from_ptr(info.dlpi_name) }.to_bytes();
            search.is_found = must_be_swapped(info, tls, name);
        }
        c_int::from(is_inside)
    }
    let mut search = Search { code, is_found: false };
    // SAFETY: the callback has this type, and `search` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(look_at), (&raw mut search).cast()) };
    search.is_found
}

/// Looks for libraries that have come.
fn look() {
    if HAS_NEWS.swap(false, Ordering::Relaxed) || LOADING.load(Ordering::Relaxed) > 0 {
        let mut found = Found { libraries: Vec::new(), judged: Vec::new(), is_changed: false };
        // SAFETY: the callback has this type, and `found` outlives the call.
        unsafe { libc::dl_iterate_phdr(Some(inspect), (&raw mut found).cast()) };
        if !found.judged.is_empty() {
            JUDGED.set([JUDGED.get(), &found.judged].concat().leak());
        }
        if !found.libraries.is_empty() {
            LIBRARIES.set([LIBRARIES.get(), &found.libraries].concat().leak());
        }
    }
    let is_needed = !LIBRARIES.get().is_empty() || LOADING.load(Ordering::Relaxed) > 0;
    IS_NEEDED.store(is_needed, Ordering::Relaxed);
    // The order against `while_loading`, which sets the two in the other one.
    if HAS_NEWS.load(Ordering::Relaxed) {
        IS_NEEDED.store(true, Ordering::Relaxed);
    }
}

struct Found {
    libraries: Vec<Library>,
    judged: Vec<u64>,
    is_changed: bool,
}

/// Looks at one loaded library; not 0 ends the iteration.
unsafe extern "C" fn inspect(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    found: *mut c_void,
) -> c_int {
    // SAFETY: `look` passes a `Found`; the info is valid during the call.
    let (info, found) = unsafe { (&*info, &mut *found.cast::<Found>()) };
    if !found.is_changed && SEEN.replace(info.dlpi_adds) == info.dlpi_adds {
        return 1;
    }
    found.is_changed = true;
    // SAFETY: a string that ends in NUL, says dl_iterate_phdr(3).
    let name = unsafe { CStr::from_ptr(info.dlpi_name) }.to_bytes();
    if let Some(tls) = tls_of(info)
        && !JUDGED.get().contains(&info.dlpi_addr)
    {
        found.judged.push(info.dlpi_addr);
        found.libraries.extend(library(info, tls, name));
    }
    0
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

/// The library with its block on this OS thread, if it must be swapped.
fn library(info: &libc::dl_phdr_info, tls: &libc::Elf64_Phdr, path: &[u8]) -> Option<Library> {
    if !must_be_swapped(info, tls, path) {
        return None;
    }
    let at = |header: &libc::Elf64_Phdr| (info.dlpi_addr + header.p_vaddr) as usize;
    // SAFETY: part of a loaded segment, which is only read, by us and everybody.
    let initial =
        unsafe { std::slice::from_raw_parts(at(tls) as *const u8, tls.p_filesz as usize) };
    let loaded = || headers(info).iter().filter(|header| header.p_type == libc::PT_LOAD);
    let mut image = vec![0; tls.p_memsz as usize];
    image[..tls.p_filesz as usize].copy_from_slice(initial);
    let index = TlsIndex { module: info.dlpi_tls_modid, offset: 0 };
    // SAFETY: a module with a TLS segment; makes the block on this thread if it is not there yet.
    let block = unsafe { __tls_get_addr(&raw const index) }.cast();
    let start = loaded().map(at).min()?;
    let end = loaded().map(|header| at(header) + header.p_memsz as usize).max()?;
    Some(Library { block, image: image.leak(), span: start..end })
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

/// Where C++ and Rust register a thread-local object's destructor, for every library: those of a
/// green thread's blocks are kept for its end. All others are glibc's.
#[unsafe(no_mangle)]
unsafe extern "C" fn __cxa_thread_atexit_impl(
    destroy: unsafe extern "C" fn(*mut c_void),
    object: *mut c_void,
    library: *mut c_void,
) -> c_int {
    if let Some(green) = thread_state::current() {
        look();
        if is_known(library as usize) {
            green.locals().endings.borrow_mut().push(Ending { destroy, object });
            return 0;
        }
    }
    type Function =
        unsafe extern "C" fn(unsafe extern "C" fn(*mut c_void), *mut c_void, *mut c_void) -> c_int;
    static REAL: Real = Real::new(c"__cxa_thread_atexit_impl");
    // SAFETY: the address is that of the function of this name and this type; the caller's
    // arguments.
    unsafe {
        let real = std::mem::transmute::<*mut c_void, Function>(REAL.address());
        real(destroy, object, library)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::process::Command;

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

    /// A library with `__thread int counter = 7`, loaded as an extension module is.
    fn load_counter() -> unsafe extern "C" fn() -> c_int {
        let directory = std::env::temp_dir().join(format!("unicoro-locals-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("the temporary directory is writable");
        let (source, library) = (directory.join("counter.c"), directory.join("_greenlet.test.so"));
        let text = "static __thread int counter = 7; static __thread char zeros[9];\n\
                    int bump(void) { return ++counter + zeros[8]; }\n";
        std::fs::write(&source, text).expect("the file is ours");
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
        assert!(compiled.expect("a linker comes with Rust").success());
        let path = CString::new(library.to_str().expect("a plain path")).expect("no NUL");
        // SAFETY: the library's code runs no constructors; the function has this type.
        let bump = while_loading(|| unsafe {
            let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
            assert!(!handle.is_null(), "{path:?}");
            let bump = libc::dlsym(handle, c"bump".as_ptr());
            std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> c_int>(bump)
        });
        std::fs::remove_dir_all(directory).expect("it is ours");
        bump
    }

    #[test]
    fn each_green_thread_has_a_block_of_its_own() {
        let (early, late) = (Locals::default(), Locals::default());
        early.exchange();
        let bump = load_counter();
        // SAFETY: a function without arguments.
        let bump = || unsafe { bump() };
        // Before anybody has looked: it counts as the green thread's.
        assert_eq!((bump(), bump()), (8, 9));
        early.exchange();
        assert_eq!(bump(), 8, "the OS thread's own begins with the image");
        late.exchange();
        assert_eq!(bump(), 8);
        late.exchange();
        early.exchange();
        assert_eq!(bump(), 10);
        early.exchange();
        assert_eq!(bump(), 9);
        assert!(early.are_used() && late.are_used());
    }
    /// `cargo test --release --lib swap_costs -- --ignored --nocapture`
    #[test]
    #[ignore = "prints what a switch costs here"]
    fn swap_costs() {
        const ROUNDS: u32 = 10_000_000;
        let locals = Locals::default();
        let nanos = || {
            let start = std::time::Instant::now();
            for _ in 0..ROUNDS {
                std::hint::black_box(&locals).exchange();
                std::hint::black_box(&locals).exchange();
            }
            start.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
        };
        nanos();
        println!("leave and enter, no library: {:.1} ns", nanos());
        load_counter();
        nanos();
        println!("leave and enter, one library: {:.1} ns", nanos());
    }
}
