//! The stage of the tests: one engine for the process (it can run only once), whose requests are
//! closures. Each connection to it is one green thread's work.

use std::collections::VecDeque;
use std::io::Write;
use std::ops::Range;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use unicoro_contract::{
    AfterRead, AfterServe, Connection, Engine, EngineListener, Handler, Language, Pulse, Seat, Stop,
};
use unicoro_coroutine::CoroutineEngine;

/// What a green thread does.
pub type Job = Box<dyn FnOnce() + Send>;

/// Jobs that wait for a green thread, and where each says how it ended.
type Queue = Arc<Mutex<VecDeque<(Job, Sender<Result<(), String>>)>>>;

/// A wait that takes longer than this hangs.
const HANG: Duration = Duration::from_secs(20);
const STACK_BYTES: usize = 256 * 1024;

struct Stage {
    path: PathBuf,
    jobs: Queue,
}

static STAGE: OnceLock<Stage> = OnceLock::new();
static TURN: Mutex<()> = Mutex::new(());

/// A green thread's work.
pub fn job(body: impl FnOnce() + Send + 'static) -> Job {
    Box::new(body)
}

/// Runs each job in a green thread of its own, all at once, begun in this order; fails as the first
/// of them does, or when one hangs. How long all took.
pub fn run(jobs: Vec<Job>) -> Duration {
    let _turn: MutexGuard<()> = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = STAGE.get_or_init(Stage::new);
    let began = Instant::now();
    let (sender, results): (_, Receiver<Result<(), String>>) = mpsc::channel();
    let count = jobs.len();
    stage.jobs.lock().unwrap().extend(jobs.into_iter().map(|job| (job, sender.clone())));
    let clients: Vec<_> = (0..count)
        .map(|_| {
            let mut client = UnixStream::connect(&stage.path).unwrap();
            client.write_all(b"!").unwrap();
            client
        })
        .collect();
    for _ in 0..count {
        match results.recv_timeout(HANG) {
            Ok(Ok(())) => {}
            Ok(Err(text)) => panic!("a green thread failed: {text}"),
            Err(_) => panic!("a green thread hangs"),
        }
    }
    drop(clients);
    began.elapsed()
}

/// `run` in less than `limit`, which one after the other could not keep. Under valgrind (tests/valgrind)
/// times say nothing.
pub fn run_within(limit: Duration, jobs: Vec<Job>) -> Duration {
    let took = run(jobs);
    let is_timed = std::env::var_os("INTERPOSED_UNTIMED").is_none();
    assert!(took < limit || !is_timed, "took {took:?}, and not less than {limit:?}");
    took
}

/// Lets others run until `condition` holds. In a green thread.
pub fn wait_until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < HANG, "a condition never came true");
        unsafe { libc::usleep(1000) };
    }
}

/// Lets others run long enough to reach their waits. In a green thread.
pub fn let_others_wait() {
    for _ in 0..20 {
        unsafe { libc::usleep(500) };
    }
}

/// Runs `call` in a green thread, and fails unless another one ran meanwhile.
pub fn lets_others_run<R>(call: impl FnOnce() -> R + Send + 'static) {
    let turns = Arc::new(AtomicUsize::new(0));
    let is_done = Arc::new(AtomicBool::new(false));
    let (seen, end) = (Arc::clone(&turns), Arc::clone(&is_done));
    run(vec![
        job(move || {
            while !is_done.load(Ordering::SeqCst) {
                turns.fetch_add(1, Ordering::SeqCst);
                unsafe { libc::usleep(0) };
            }
        }),
        job(move || {
            wait_until(|| seen.load(Ordering::SeqCst) > 0);
            let before = seen.load(Ordering::SeqCst);
            call();
            let after = seen.load(Ordering::SeqCst);
            end.store(true, Ordering::SeqCst);
            assert!(after > before, "nobody ran while the call waited");
        }),
    ]);
}

/// A time of a clock, so far from now.
pub fn in_millis(clock: libc::clockid_t, millis: i64) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let nanos = time.tv_nsec + millis * 1_000_000;
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    libc::timespec { tv_sec: time.tv_sec + seconds, tv_nsec: rest }
}

/// The calling thread's errno.
pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Lets this process have more descriptors than select(2)'s sets hold.
pub fn raise_descriptor_limit() {
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max.min(8192);
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
    }
}

/// A descriptor that is closed at the end.
pub fn owned(fd: RawFd) -> OwnedFd {
    assert!(fd >= 0, "no descriptor: {}", std::io::Error::last_os_error());
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Two connected unix sockets.
pub fn socket_pair(kind: i32) -> (OwnedFd, OwnedFd) {
    let mut pair = [0; 2];
    assert_eq!(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) }, 0);
    (owned(pair[0]), owned(pair[1]))
}

/// A pipe: its reading and its writing end.
pub fn pipe() -> (OwnedFd, OwnedFd) {
    let mut pair = [0; 2];
    assert_eq!(unsafe { libc::pipe(pair.as_mut_ptr()) }, 0);
    (owned(pair[0]), owned(pair[1]))
}

impl Stage {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("unicoro-stage-{}", std::process::id()));
        drop(std::fs::remove_file(&path));
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let seat = Seat {
            listeners: vec![EngineListener::new(listener.into()).unwrap()],
            siblings: None,
            worker_connections: 20_000,
            request_timeout: None,
            beat: std::time::Duration::from_secs(1),
            idle_grace: std::time::Duration::ZERO,
            stop: Arc::new(Stop::new().unwrap()),
            pulse: Arc::new(NoPulse),
        };
        let jobs = Arc::new(Mutex::new(VecDeque::new()));
        let handler = Arc::new(Jobs(Arc::clone(&jobs)));
        std::thread::spawn(move || {
            let engine = Box::new(CoroutineEngine {
                stack_bytes: STACK_BYTES,
                switch_interval: None,
                most_at_once: None,
                carriers: 1,
                blocked_after: None,
            });
            engine.run(seat, handler).map_err(|refusal| refusal.to_string()).unwrap();
        });
        Self { path, jobs }
    }
}

struct NoPulse;

impl Pulse for NoPulse {
    fn beat(&self) {}
}

struct Jobs(Queue);

impl Handler for Jobs {
    fn opened(&self, _connection: &Connection) -> Option<Instant> {
        None
    }

    fn read(&self, connection: &mut Connection) -> AfterRead {
        if connection.inbox.is_empty() { AfterRead::Park { until: None } } else { AfterRead::Serve }
    }

    fn expired(&self, _connection: &mut Connection) -> AfterRead {
        AfterRead::Close
    }

    fn serve(&self, _connection: &mut Connection) -> AfterServe {
        let (job, result) = self.0.lock().unwrap().pop_front().unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(job)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
                .unwrap_or_default()
        });
        drop(result.send(outcome));
        AfterServe::Close
    }

    fn preemption_points(&self) -> Range<usize> {
        0..0
    }
}

/// A green thread may always park, but not while it prints what failed, under a lock of the standard
/// library.
impl Language for Jobs {
    fn on_engine_thread(&self, body: &mut dyn FnMut()) {
        body();
    }

    fn may_park(&self) -> bool {
        !std::thread::panicking()
    }
}

/// libc's `syscall`, called as by the code of another library: the engine never parks at what this
/// binary itself waits for by futexes, because the engine is in it.
pub fn syscall_of_a_library() -> unsafe extern "C" fn(
    libc::c_long,
    *mut u32,
    i32,
    u32,
    *const libc::timespec,
    usize,
    u32,
) -> libc::c_long {
    static CODE: OnceLock<usize> = OnceLock::new();
    let code = CODE.get_or_init(|| {
        let code = calls_syscall(libc::syscall as *const () as usize);
        let protection = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        unsafe {
            let page = libc::mmap(std::ptr::null_mut(), 4096, protection, kind, -1, 0);
            assert_ne!(page, libc::MAP_FAILED);
            std::ptr::copy_nonoverlapping(code.as_ptr(), page.cast(), code.len());
            #[cfg(target_arch = "aarch64")]
            __clear_cache(page, page.add(code.len()));
            page as usize
        }
    });
    unsafe { std::mem::transmute(*code) }
}

#[cfg(target_arch = "aarch64")]
unsafe extern "C" {
    /// The compiler's: what was written is code from now on.
    fn __clear_cache(begin: *mut libc::c_void, end: *mut libc::c_void);
}

/// Code that calls it with the arguments that it was given.
#[cfg(target_arch = "x86_64")]
fn calls_syscall(syscall: usize) -> Vec<u8> {
    let mut code = Vec::new();
    // mov rax, [rsp + 8]; push rax: the seventh argument, which lies on the stack.
    code.extend([0x48, 0x8b, 0x44, 0x24, 0x08, 0x50]);
    // mov rax, syscall; call rax; add rsp, 8; ret
    code.extend([0x48, 0xb8]);
    code.extend(syscall.to_le_bytes());
    code.extend([0xff, 0xd0, 0x48, 0x83, 0xc4, 0x08, 0xc3]);
    code
}

#[cfg(target_arch = "aarch64")]
fn calls_syscall(syscall: usize) -> Vec<u8> {
    // stp x29, x30, [sp, #-16]!; ldr x9, syscall; blr x9; ldp x29, x30, [sp], #16; ret; nop
    let code: [u32; 6] =
        [0xa9bf_7bfd, 0x5800_00a9, 0xd63f_0120, 0xa8c1_7bfd, 0xd65f_03c0, 0xd503_201f];
    let code = code.into_iter().flat_map(u32::to_le_bytes);
    code.chain(syscall.to_le_bytes()).collect()
}
