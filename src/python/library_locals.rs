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
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

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

/// Looks for libraries that have come.
fn look() {
    if HAS_NEWS.swap(false, Ordering::Relaxed) || LOADING.load(Ordering::Relaxed) > 0 {
        let mut found = Found { libraries: Vec::new(), is_changed: false };
        // SAFETY: the callback has this type, and `found` outlives the call.
        unsafe { libc::dl_iterate_phdr(Some(inspect), (&raw mut found).cast()) };
        if found.is_changed {
            let known = LIBRARIES.get();
            let is_new = |new: &Library| known.iter().all(|old| old.block != new.block);
            let new = found.libraries.into_iter().filter(is_new);
            let all: Vec<_> = known.iter().cloned().chain(new).collect();
            LIBRARIES.set(all.leak());
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
    if needs_swapping(name) {
        found.libraries.extend(library(info));
    }
    0
}

/// The library with its block on this OS thread, if it has one.
fn library(info: &libc::dl_phdr_info) -> Option<Library> {
    // SAFETY: the headers are mapped as long as the library is.
    let headers =
        unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let tls = headers.iter().find(|header| header.p_type == libc::PT_TLS && header.p_memsz > 0)?;
    let at = |header: &libc::Elf64_Phdr| (info.dlpi_addr + header.p_vaddr) as usize;
    // SAFETY: part of a loaded segment, which is only read, by us and everybody.
    let initial =
        unsafe { std::slice::from_raw_parts(at(tls) as *const u8, tls.p_filesz as usize) };
    let mut image = vec![0; tls.p_memsz as usize];
    image[..tls.p_filesz as usize].copy_from_slice(initial);
    let index = TlsIndex { module: info.dlpi_tls_modid, offset: 0 };
    // SAFETY: a module with a TLS segment; makes the block on this thread if it is not there yet.
    let block = unsafe { __tls_get_addr(&raw const index) }.cast();
    let loaded = || headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
    let start = loaded().map(at).min()?;
    let end = loaded().map(|header| at(header) + header.p_memsz as usize).max()?;
    Some(Library { block, image: image.leak(), span: start..end })
}

/// Whether a library's block belongs to the green thread: greenlet keeps there which greenlet runs,
/// libstdc++ the exceptions being handled.
fn needs_swapping(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    [b"_greenlet.".as_slice(), b"libstdc++.so"].iter().any(|start| name.starts_with(start))
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
        let is_swapped = |known: &Library| known.span.contains(&(library as usize));
        if LIBRARIES.get().iter().any(is_swapped) {
            green.locals().endings.borrow_mut().push(Ending { destroy, object });
            return 0;
        }
    }
    // SAFETY: the caller's arguments.
    unsafe { registered_with_glibc(destroy, object, library) }
}

unsafe fn registered_with_glibc(
    destroy: unsafe extern "C" fn(*mut c_void),
    object: *mut c_void,
    library: *mut c_void,
) -> c_int {
    type Function =
        unsafe extern "C" fn(unsafe extern "C" fn(*mut c_void), *mut c_void, *mut c_void) -> c_int;
    static REAL: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    let mut real = REAL.load(Ordering::Relaxed);
    if real.is_null() {
        // SAFETY: the name ends in NUL.
        real = unsafe { libc::dlsym(libc::RTLD_NEXT, c"__cxa_thread_atexit_impl".as_ptr()) };
        if real.is_null() {
            // In every glibc since 2.18; there is nobody to tell.
            // SAFETY: ends the process.
            unsafe { libc::abort() };
        }
        REAL.store(real, Ordering::Relaxed);
    }
    // SAFETY: the function of this name has this type; the caller's arguments.
    unsafe { std::mem::transmute::<*mut c_void, Function>(real)(destroy, object, library) }
}
