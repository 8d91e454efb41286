//! Thread-local variables of C libraries, one set for each green thread.
//!
//! A library that keeps the state of "this thread" in its own thread-local block would find, after a
//! switch, the state of another green thread on the same OS thread. So the blocks of the libraries
//! that `libraries` names are exchanged at every switch; each green thread begins with the block's
//! initial image, as a new OS thread does.
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
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use unicoro_contract::Real;

use super::libraries::{self, Library};
use super::thread_state;

/// A switch has something to do here: a library is known, or one may have come.
static IS_NEEDED: AtomicBool = AtomicBool::new(true);
/// Libraries were loaded that nobody has looked at.
static HAS_NEWS: AtomicBool = AtomicBool::new(true);
/// Extension modules that green threads are loading.
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
    struct Loading {
        is_green: bool,
    }
    impl Drop for Loading {
        fn drop(&mut self) {
            LOADING.fetch_sub(usize::from(self.is_green), Ordering::Relaxed);
            HAS_NEWS.store(true, Ordering::Relaxed);
            IS_NEEDED.store(true, Ordering::Relaxed);
        }
    }
    // A module's first code may park before the loading ends. What an OS thread loads no green thread
    // uses before.
    let is_green = thread_state::current().is_some();
    LOADING.fetch_add(usize::from(is_green), Ordering::Relaxed);
    IS_NEEDED.store(true, Ordering::Relaxed);
    let _loading = Loading { is_green };
    load()
}

/// Whether a library whose block is swapped has its code or its data at this address.
pub fn is_known(address: usize) -> bool {
    LIBRARIES.get().iter().any(|library| library.span.contains(&address))
}

/// Looks for libraries that have come.
fn look() {
    if HAS_NEWS.swap(false, Ordering::Relaxed) || LOADING.load(Ordering::Relaxed) > 0 {
        take_up_news();
    }
    let is_needed = !LIBRARIES.get().is_empty() || LOADING.load(Ordering::Relaxed) > 0;
    IS_NEEDED.store(is_needed, Ordering::Relaxed);
    // The order against `while_loading`, which sets the two in the other one.
    if HAS_NEWS.load(Ordering::Relaxed) {
        IS_NEEDED.store(true, Ordering::Relaxed);
    }
}

/// Takes up the libraries that have come and must be swapped.
fn take_up_news() {
    let news = SEEN.with(|seen| libraries::come_since(seen, JUDGED.get()));
    if !news.judged.is_empty() {
        JUDGED.set([JUDGED.get(), &news.judged].concat().leak());
    }
    if !news.found.is_empty() {
        LIBRARIES.set([LIBRARIES.get(), &news.found].concat().leak());
    }
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
