//! A thread without a kernel thread: what glibc gives a thread, for a green thread to have.
//!
//! `pthread_create` makes a thread with everything that one has: the thread-local variables of every
//! library that is loaded or will be, keys, errno, a locale, a `pthread_t`, a number that mutexes know
//! their owner by. It leaves the kernel at once and behind glibc's back; its block stays. Whoever runs
//! the green thread points the FS register at that block. At the end it is revived for a moment, and
//! glibc ends it as any thread: the destructors of keys and of thread-local objects run, on a kernel
//! thread that they may block.
//!
//! ```text
//!   new      pthread_create ─► body ─► leave: saves its registers ─► exit(2)    no kernel thread
//!   use      FS := block ... FS := the block before                             on the scheduler's
//!   drop     clone(2) ─► leave returns in body ─► body returns ─► glibc's end   on one of its own
//! ```
//!
//! The rules that a reader would break: a function that changes FS uses no thread-local variable of its
//! own, neither before nor after, because a compiler may keep its address. In a forked child the
//! scheduler's own block is free memory, and no block is ended.
#![allow(unsafe_code)]

use std::arch::{asm, naked_asm};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicIsize, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::fork;

/// Its stack carries glibc's structures and thread-local variables at its top, and below, at the end,
/// the destructors' frames. Addresses that are never touched cost nothing.
const SLOT: usize = 512 * 1024;
/// Slots mapped at a time.
const SLOTS: usize = 32;

/// Numbers of threads with a block: above the kernel's largest (`PID_MAX_LIMIT`, 2^22), and below the
/// bits that futexes keep beside an owner (`FUTEX_TID_MASK`).
const FIRST_NUMBER: i32 = 1 << 24;

/// glibc's thread, hibernated. Ended when it is dropped, which must not be under its own block.
pub struct ThreadBlock(&'static Place);

/// A slot, and what is known of the thread in it.
struct Place {
    slot: usize,
    // Its `pthread_t`, which is the address of its block; 0 before the first.
    block: AtomicUsize,
    // Where it has left its registers.
    saved: AtomicUsize,
    number: i32,
    // The stack that the green thread really runs on.
    bottom: AtomicUsize,
    len: AtomicUsize,
}

struct Region {
    start: usize,
    places: [Place; SLOTS],
    next: *const Region,
}

/// The newest region; each leads to the one before it, and none ever goes: any thread may ask whether a
/// `pthread_t` is one of ours, at any time.
static REGIONS: AtomicPtr<Region> = AtomicPtr::new(ptr::null_mut());
/// Slots without a thread, the last one last.
static FREE: Mutex<Vec<&'static Place>> = Mutex::new(Vec::new());
/// Where glibc keeps a thread's number in its block, in bytes.
static NUMBER_AT: AtomicUsize = AtomicUsize::new(0);
/// The number of the next thread. Processes may share a mutex, so no two of them that live at once and
/// were begun one after the other have the same ones.
static NEXT_NUMBER: AtomicI32 = AtomicI32::new(FIRST_NUMBER);
/// Where `rseq`'s area lies from a block; 0: nowhere.
static RSEQ_AT: AtomicIsize = AtomicIsize::new(0);
/// FS can be written without a system call.
static HAS_FSGSBASE: AtomicBool = AtomicBool::new(false);

/// Finds out how threads look in this C library, and tries two of them. Before the first block, on the
/// scheduler's thread.
///
/// # Errors
/// A text for the operator: green threads cannot run here.
pub fn prepare() -> Result<(), String> {
    // getauxval(3): FSGSBASE is for us to use, on x86.
    const FSGSBASE: u64 = 1 << 1;
    // SAFETY: no pointers.
    let has_fsgsbase = unsafe { libc::getauxval(libc::AT_HWCAP2) } & FSGSBASE != 0;
    HAS_FSGSBASE.store(has_fsgsbase, Ordering::Relaxed);
    let refuse = |what: &str| {
        format!(
            "{what}: green threads need glibc 2.28 to 2.41 as it keeps threads on x86-64; use -k \
             gthread here"
        )
    };
    let number_at = find_number().ok_or_else(|| refuse("glibc's thread structure is unknown"))?;
    NUMBER_AT.store(number_at, Ordering::Relaxed);
    RSEQ_AT.store(find_rseq(), Ordering::Relaxed);
    const PROCESSES: i32 = 1 << 15;
    const THREADS: i32 = 1 << 14;
    let own = std::process::id().cast_signed() % PROCESSES * THREADS;
    NEXT_NUMBER.store(FIRST_NUMBER + own, Ordering::Relaxed);
    let refused = |error: io::Error| refuse(&format!("no thread could be made ({error})"));
    let (first, second) = (ThreadBlock::new().map_err(refused)?, ThreadBlock::new());
    let second = second.map_err(refused)?;
    if try_out(&first, &second) {
        Ok(())
    } else {
        Err(refuse("two threads share what each should have for itself"))
    }
}

impl ThreadBlock {
    /// A new thread. On the scheduler's thread, under its own block; the caller has blocked signals.
    ///
    /// # Errors
    /// No addresses, or no thread may be made (`EAGAIN`: RLIMIT_NPROC, a control group's pids.max).
    pub fn new() -> io::Result<Self> {
        let place = take_slot()?;
        match start(place) {
            Ok(()) => Ok(Self(place)),
            Err(error) => {
                free().push(place);
                Err(error)
            }
        }
    }

    /// Its `pthread_t`.
    pub fn address(&self) -> usize {
        self.0.block.load(Ordering::Relaxed)
    }

    /// Its number, as mutexes know their owner by.
    pub fn number(&self) -> i32 {
        self.0.number
    }

    /// Remembers the stack that its green thread runs on.
    pub fn set_stack(&self, stack: &Range<usize>) {
        self.0.bottom.store(stack.start, Ordering::Relaxed);
        self.0.len.store(stack.len(), Ordering::Relaxed);
    }
}

impl Drop for ThreadBlock {
    fn drop(&mut self) {
        // Nobody there would end it, and its memory is the child's to keep.
        if fork::is_child() {
            return;
        }
        // SAFETY: it has left, and nobody runs under its block any more: the owner has dropped it.
        if unsafe { self.0.revive() } {
            free().push(self.0);
        } else {
            log::error!(
                "no thread to end a green thread's thread with ({}): its memory stays",
                io::Error::last_os_error()
            );
        }
    }
}

/// The green thread's stack behind a `pthread_t`; `None`: it is none of ours. Async-signal-safe, as all
/// that asks about threads.
pub fn stack_of(thread: usize) -> Option<Range<usize>> {
    let place = place_of(thread)?;
    let bottom = place.bottom.load(Ordering::Relaxed);
    Some(bottom..bottom + place.len.load(Ordering::Relaxed))
}

/// Whether a `pthread_t` is a green thread's.
pub fn is_one(thread: usize) -> bool {
    place_of(thread).is_some()
}

/// Whether a thread of this number is a green one.
#[inline]
pub fn is_number(number: i32) -> bool {
    number >= FIRST_NUMBER
}

/// The block that is in force here.
#[inline]
pub fn current() -> usize {
    let block;
    // SAFETY: reads the block's first words, of which the third is its own address (x86-64 ABI, glibc's
    // `tcbhead_t`).
    unsafe {
        asm!("mov {}, fs:[0x10]", out(reg) block, options(nostack, readonly, preserves_flags))
    };
    block
}

/// Takes the calling OS thread's restartable sequences (rseq(2)) from it. A child that a green thread
/// forks has the kernel's registration of the thread that it ran on, and glibc gives that thread's
/// memory back there: the kernel would write to it, and end the child by SIGSEGV. Once, at its begin.
pub fn unregister_rseq() {
    const UNREGISTER: usize = 1;
    // What glibc registers with on x86-64, and the size that it has: `struct rseq`'s first, or more
    // where the kernel has more (getauxval(3)).
    const SIGNATURE: usize = 0x5305_3053;
    const FEATURES: u64 = 27; // AT_RSEQ_FEATURE_SIZE
    const SMALLEST: usize = 32;
    let offset = RSEQ_AT.load(Ordering::Relaxed);
    if offset != 0 {
        // SAFETY: no pointers.
        let features = unsafe { libc::getauxval(FEATURES) } as usize;
        let size = features.next_multiple_of(SMALLEST).max(SMALLEST);
        let area = current().wrapping_add_signed(offset);
        // SAFETY: the kernel checks that it is what the thread has registered, and marks it as left.
        unsafe { libc::syscall(libc::SYS_rseq, area, size, UNREGISTER, SIGNATURE) };
    }
}

/// Runs `body` under `block`, and then goes on under the one before.
///
/// # Safety
/// `block` is a thread's, which nobody else runs under. Neither the caller nor `body` hands the address
/// of a thread-local variable across.
#[inline(never)]
pub unsafe fn under(block: usize, body: &mut dyn FnMut()) {
    let before = current();
    // SAFETY: the caller's word.
    unsafe { live_under(block, body, &|| before) };
}

/// Runs `body`, the life of a green thread, under its `block`, and then goes on under the one that
/// `after` names: by then it may run on another OS thread.
///
/// # Safety
/// As [`under`]; and so is what `after` names.
#[inline(never)]
pub unsafe fn live_under(block: usize, body: &mut dyn FnMut(), after: &dyn Fn() -> usize) {
    // SAFETY: the caller's word.
    unsafe { enter(block) };
    let _after = After(after);
    body();
}

/// The block to go on under, however what comes before ends.
struct After<'a>(&'a dyn Fn() -> usize);

impl Drop for After<'_> {
    fn drop(&mut self) {
        // SAFETY: the word of who called `live_under`.
        unsafe { enter((self.0)()) };
    }
}

/// Makes a block the one in force.
///
/// # Safety
/// As in [`under`]; and the caller is not inlined into a function that uses thread-local variables.
#[inline]
unsafe fn enter(block: usize) {
    if HAS_FSGSBASE.load(Ordering::Relaxed) {
        // SAFETY: the caller's word; the kernel lets us, says `prepare`.
        unsafe { asm!("wrfsbase {}", in(reg) block, options(nostack, preserves_flags)) };
    } else {
        const ARCH_SET_FS: usize = 0x1002;
        // SAFETY: the caller's word. A direct call: libc's would set errno, under the one or the other.
        unsafe {
            asm!(
                "syscall",
                inlateout("rax") libc::SYS_arch_prctl => _,
                in("rdi") ARCH_SET_FS,
                in("rsi") block,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack)
            );
        }
    }
}

fn free() -> std::sync::MutexGuard<'static, Vec<&'static Place>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn place_of(thread: usize) -> Option<&'static Place> {
    let mut region: *const Region = REGIONS.load(Ordering::Acquire);
    // SAFETY: null, or a region that was leaked.
    while let Some(known) = unsafe { region.as_ref() } {
        let offset = thread.wrapping_sub(known.start);
        if offset < SLOTS * SLOT {
            let place = &known.places[offset / SLOT];
            return (place.block.load(Ordering::Relaxed) == thread).then_some(place);
        }
        region = known.next;
    }
    None
}

/// A slot that no kernel thread stands on.
fn take_slot() -> io::Result<&'static Place> {
    let mut free = free();
    // One that has just been ended may still be running its destructors.
    let is_left = |place: &&Place| place.block.load(Ordering::Relaxed) == 0 || place.has_left();
    if let Some(index) = free.iter().rposition(is_left) {
        return Ok(free.swap_remove(index));
    }
    free.extend(map_region()?.places.iter().rev());
    Ok(free.pop().expect("a region was just added"))
}

fn map_region() -> io::Result<&'static Region> {
    let (len, kind) = (SLOTS * SLOT, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
    // SAFETY: a new private mapping at an address of the kernel's choice.
    let start = unsafe {
        libc::mmap(ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, kind, -1, 0)
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: our own mapping; the advice changes no contents. It fails where the kernel has no huge
    // pages, which is as good.
    unsafe { libc::madvise(start, len, libc::MADV_NOHUGEPAGE) };
    let first = NEXT_NUMBER.fetch_add(SLOTS as i32, Ordering::Relaxed);
    let start = start as usize;
    let place = |index: usize| Place {
        slot: start + index * SLOT,
        block: AtomicUsize::new(0),
        saved: AtomicUsize::new(0),
        number: first + index as i32,
        bottom: AtomicUsize::new(0),
        len: AtomicUsize::new(0),
    };
    let region = Box::leak(Box::new(Region {
        start,
        places: std::array::from_fn(place),
        next: REGIONS.load(Ordering::Acquire),
    }));
    REGIONS.store(region, Ordering::Release);
    Ok(region)
}

/// Makes a thread in a slot, and waits until it has left.
fn start(place: &'static Place) -> io::Result<()> {
    let mut thread = 0;
    // SAFETY: initialised by pthread_attr_init, destroyed once; the slot is ours and empty.
    let failed = unsafe {
        let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
        libc::pthread_attr_init(attributes.as_mut_ptr());
        let attributes = attributes.assume_init_mut();
        libc::pthread_attr_setdetachstate(attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut failed = libc::pthread_attr_setstack(attributes, place.slot as *mut c_void, SLOT);
        if failed == 0 {
            let argument = ptr::from_ref(place).cast_mut().cast();
            failed = libc::pthread_create(&raw mut thread, attributes, body, argument);
        }
        libc::pthread_attr_destroy(attributes);
        failed
    };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    place.block.store(thread as usize, Ordering::Release);
    place.wait_until_it_has_left();
    place.number_word().store(place.number, Ordering::Relaxed);
    place.leave_rseq();
    Ok(())
}

/// The thread's start routine.
extern "C" fn body(place: *mut c_void) -> *mut c_void {
    // SAFETY: `start` passes a place, which lives for ever.
    unsafe { leave((*place.cast::<Place>()).saved.as_ptr()) };
    ptr::null_mut()
}

/// Saves the registers that a function keeps for its caller, notes where, and leaves the kernel. It
/// returns when it is revived.
#[unsafe(naked)]
unsafe extern "C" fn leave(saved: *mut usize) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "xor edi, edi",
        "mov eax, {exit}",
        "syscall",
        "ud2",
        exit = const libc::SYS_exit,
    )
}

/// A kernel thread for a thread that has left: clone(2), whose child returns from `leave`.
#[unsafe(naked)]
unsafe extern "C" fn revive(
    flags: usize,
    stack: usize,
    number: *mut i32,
    number_at_exit: *mut i32,
    block: usize,
) -> isize {
    naked_asm!(
        // The fourth argument of a system call has another register than that of a function.
        "mov r10, rcx",
        "mov eax, {clone}",
        "syscall",
        "test eax, eax",
        "jz 2f",
        "ret",
        "2:",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
        clone = const libc::SYS_clone,
    )
}

impl Place {
    fn number_word(&self) -> &'static AtomicI32 {
        let block = self.block.load(Ordering::Relaxed);
        // SAFETY: glibc's word in the block of a thread whose memory is a region's, for ever.
        unsafe { &*((block + NUMBER_AT.load(Ordering::Relaxed)) as *const AtomicI32) }
    }

    /// Whether no kernel thread stands on its stack: the kernel says so in the number's word (clone(2),
    /// `CLONE_CHILD_CLEARTID`).
    fn has_left(&self) -> bool {
        self.number_word().load(Ordering::Acquire) == 0
    }

    fn wait_until_it_has_left(&self) {
        let word = self.number_word();
        loop {
            let number = word.load(Ordering::Acquire);
            if number == 0 {
                return;
            }
            let no_end = ptr::null::<libc::timespec>();
            // SAFETY: a word that stays. Not a private futex: the kernel wakes it as a shared one. A
            // direct call: `futex` is interposed only by libc's `syscall`, from others than us.
            unsafe {
                libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, number, no_end)
            };
        }
    }

    /// The kernel does not keep restartable sequences (rseq(2)) up to date there: readers of the
    /// processor's number are told that nobody has registered.
    fn leave_rseq(&self) {
        const CPU_ID: usize = 4;
        const REGISTRATION_FAILED: i32 = -2;
        let offset = RSEQ_AT.load(Ordering::Relaxed);
        if offset != 0 {
            let area = self.block.load(Ordering::Relaxed).wrapping_add_signed(offset);
            // SAFETY: glibc's area in the block of a thread that has left.
            unsafe { ((area + CPU_ID) as *mut i32).write_volatile(REGISTRATION_FAILED) };
        }
    }

    /// Has it end as a thread; false: no kernel thread could be made.
    ///
    /// # Safety
    /// It has left, nobody runs under its block, and this is its end.
    unsafe fn revive(&'static self) -> bool {
        // As glibc's own for a thread.
        const FLAGS: c_int = libc::CLONE_VM
            | libc::CLONE_FS
            | libc::CLONE_FILES
            | libc::CLONE_SIGHAND
            | libc::CLONE_THREAD
            | libc::CLONE_SYSVSEM
            | libc::CLONE_SETTLS
            | libc::CLONE_PARENT_SETTID
            | libc::CLONE_CHILD_CLEARTID;
        let number = self.number_word().as_ptr();
        let (stack, block) =
            (self.saved.load(Ordering::Acquire), self.block.load(Ordering::Relaxed));
        // SAFETY: the caller's word; the stack is where `leave` stands.
        unsafe { revive(FLAGS as usize, stack, number, number, block) >= 0 }
    }
}

/// Looked up once: dlsym(3) waits for whoever loads a library.
fn find_rseq() -> isize {
    // SAFETY: since glibc 2.35 an offset from each thread's block, and a size; absent before.
    unsafe {
        let offset: *const isize =
            libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_offset".as_ptr()).cast();
        let size: *const u32 = libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_size".as_ptr()).cast();
        if offset.is_null() || size.is_null() || *size == 0 { 0 } else { *offset }
    }
}

/// Where a thread's block has the thread's number: a place where two threads have theirs.
fn find_number() -> Option<usize> {
    let mine = candidates();
    let others = std::thread::spawn(candidates).join().ok()?;
    let mut both = mine.into_iter().filter(|at| others.contains(at));
    let only = both.next()?;
    both.next().is_none().then_some(only)
}

fn candidates() -> Vec<usize> {
    // `struct pthread` is larger in every glibc.
    const SEARCHED: usize = 0x700;
    let block = current();
    // SAFETY: within the calling thread's own structure, of which words are read.
    let word = |at: &usize| unsafe { ((block + at) as *const i32).read_volatile() };
    // SAFETY: no arguments.
    let number = unsafe { libc::gettid() };
    (0..SEARCHED).step_by(4).filter(|at| word(at) == number).collect()
}

/// Whether two threads have two of everything: a thread-local variable, errno, a key's value, a
/// `pthread_t`, and a recursive mutex that lets only its owner in.
fn try_out(first: &ThreadBlock, second: &ThreadBlock) -> bool {
    let mut trial = Trial::new();
    let mut seen = [None, None];
    for (index, block) in [first, second].into_iter().enumerate() {
        // SAFETY: nobody runs under it; `trial` takes no thread-local address across.
        unsafe { under(block.address(), &mut || seen[index] = Some(trial.enter(index))) };
    }
    // SAFETY: as above.
    unsafe { under(first.address(), &mut || trial.leave()) };
    let own = |index: usize, block: &ThreadBlock| {
        Some(Seen { thread: block.address(), was_empty: true, has_locked: index == 0 })
    };
    seen == [own(0, first), own(1, second)] && trial.is_intact
}

struct Trial {
    key: libc::pthread_key_t,
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    is_intact: bool,
}

#[derive(PartialEq)]
struct Seen {
    thread: usize,
    was_empty: bool,
    has_locked: bool,
}

thread_local! {
    static TRIED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Trial {
    fn new() -> Self {
        let mut trial = Self {
            key: 0,
            mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
            is_intact: false,
        };
        // SAFETY: initialised once each, of what outlives the calls.
        unsafe {
            libc::pthread_key_create(&raw mut trial.key, None);
            let mut attributes: libc::pthread_mutexattr_t = std::mem::zeroed();
            libc::pthread_mutexattr_init(&raw mut attributes);
            libc::pthread_mutexattr_settype(&raw mut attributes, libc::PTHREAD_MUTEX_RECURSIVE);
            libc::pthread_mutex_init(trial.mutex.get(), &raw const attributes);
        }
        trial
    }

    /// Takes everything, under the block of one thread.
    #[inline(never)]
    fn enter(&self, index: usize) -> Seen {
        let value = (index + 1) as *const c_void;
        // SAFETY: a key and a mutex of ours.
        unsafe {
            let was_empty = TRIED.replace(index + 1) == 0
                && *libc::__errno_location() == 0
                && libc::pthread_getspecific(self.key).is_null();
            *libc::__errno_location() = libc::EDOM;
            libc::pthread_setspecific(self.key, value);
            let has_locked = libc::pthread_mutex_trylock(self.mutex.get()) == 0;
            Seen { thread: libc::pthread_self() as usize, was_empty, has_locked }
        }
    }

    /// Gives it back under the block of the first.
    #[inline(never)]
    fn leave(&mut self) {
        // SAFETY: as in `enter`; it has the mutex.
        unsafe {
            self.is_intact = TRIED.replace(0) == 1
                && libc::pthread_getspecific(self.key) as usize == 1
                && libc::pthread_mutex_unlock(self.mutex.get()) == 0;
            *libc::__errno_location() = 0;
            libc::pthread_key_delete(self.key);
        }
    }
}
