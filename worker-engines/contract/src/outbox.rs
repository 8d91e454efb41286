//! Whole answers that wait for a moment, to leave together.
//!
//! A client that sleeps on another processor is woken by each send: an interrupt to that processor, on
//! a virtual machine an exit to the hypervisor, and behind it the interpreter goes on with cold caches.
//! Answers that leave together cost that once.
//!
//! Answers are put in by one thread, the scheduler's; any thread may send them, because that takes no
//! more than their sockets. Each connection has at most one here, and nothing else is sent on it before.

use std::mem::{self, ManuallyDrop};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use unicoro_sys::clock;

use crate::{Stream, Tempo, is_forked_child};

/// Answers held at most: more keep the clients from their next requests, while the processor of the
/// server soon has nothing to do.
const MOST: usize = 32;
/// How long the oldest is held, as long as others come: a client's wake-up costs some 20 us, and requests
/// of a framework take 100 to 200.
const LONGEST: Duration = Duration::from_millis(1);
/// How long the end of the process waits for another thread, which sends some 32 answers without waiting.
const LAST: Duration = Duration::from_millis(20);

/// Held answers, in the order in which they were given.
#[derive(Default)]
pub struct Outbox {
    held: Mutex<Vec<Answer>>,
    // Read without the lock, by the thread that puts in.
    has_some: AtomicBool,
    // How many threads are about to take some, or to send what they took.
    senders: AtomicUsize,
}

struct Answer {
    stream: Arc<Stream>,
    bytes: Vec<u8>,
    tempo: Tempo,
    since: Instant,
}

/// What has become of an answer that was put in.
#[derive(Debug, PartialEq, Eq)]
pub enum Put {
    /// It is the only one: somebody has to see to it that it leaves in time.
    First,
    /// It is held beside others.
    Beside,
    /// It is held, and all are due.
    Due,
}

impl Outbox {
    /// An outbox that holds no answer.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            held: Mutex::new(Vec::new()),
            has_some: AtomicBool::new(false),
            senders: AtomicUsize::new(0),
        }
    }

    /// Puts a whole answer in, `now`.
    ///
    /// # Errors
    /// Another thread is taking answers out at this moment: the answer, to be sent at once.
    pub fn put(
        &self,
        stream: &Arc<Stream>,
        bytes: Vec<u8>,
        tempo: &Tempo,
        now: Instant,
    ) -> Result<Put, Vec<u8>> {
        // Never waits: the one that puts in may be a green thread.
        let Ok(mut held) = self.held.try_lock() else { return Err(bytes) };
        stream.held().begin();
        held.push(Answer { stream: Arc::clone(stream), bytes, tempo: *tempo, since: now });
        self.has_some.store(true, Ordering::Relaxed);
        let age = now.saturating_duration_since(held[0].since);
        Ok(match held.len() {
            MOST.. => Put::Due,
            _ if age >= LONGEST => Put::Due,
            1 => Put::First,
            _ => Put::Beside,
        })
    }

    /// Whether there may be any.
    pub fn has_some(&self) -> bool {
        self.has_some.load(Ordering::SeqCst)
    }

    /// Sends all. What a client does not take at once stays with its stream, which is told to `stuck`.
    /// In a forked child they are the parent's.
    pub fn send(&self, stuck: &mut dyn FnMut(Arc<Stream>)) {
        if is_forked_child() {
            return;
        }
        self.senders.fetch_add(1, Ordering::SeqCst);
        let mut taken = self.take();
        for Answer { stream, bytes, tempo, .. } in taken.drain(..) {
            if !stream.send_held(bytes, tempo) {
                stuck(stream);
            }
        }
        // The next answers are held where these were.
        if let Ok(mut held) = self.held.try_lock()
            && held.capacity() == 0
        {
            *held = taken;
        }
        self.senders.fetch_sub(1, Ordering::SeqCst);
    }

    /// Sends all, and waits for other threads that do, because the process ends: what a client does not take
    /// at once is lost. For a signal's handler too, so it waits for no lock, nor allocates or frees.
    pub fn send_last(&self) {
        let until = Instant::now() + LAST;
        loop {
            let held = match self.held.try_lock() {
                Ok(held) => Some(held),
                Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            };
            if let Some(mut held) = held {
                self.has_some.store(false, Ordering::SeqCst);
                let taken = ManuallyDrop::new(mem::take(&mut *held));
                taken.iter().for_each(|answer| answer.stream.send_at_last(&answer.bytes));
            }
            // Its own thread may be one of them, which a signal has interrupted.
            if self.is_done() || Instant::now() >= until {
                return;
            }
            clock::pause();
        }
    }

    /// Sends all, as [`send`] does, and waits for other threads that do, but no longer than for the end of the
    /// process: another program may begin in its place, or may not.
    ///
    /// [`send`]: Outbox::send
    pub fn empty(&self, stuck: &mut dyn FnMut(Arc<Stream>)) {
        let until = Instant::now() + LAST;
        self.send(stuck);
        while !self.is_done() && Instant::now() < until {
            clock::pause();
            self.send(stuck);
        }
    }

    /// Whether all that was put in has been sent, or given to `stuck`. By the thread that puts in.
    pub fn is_done(&self) -> bool {
        !self.has_some() && self.senders.load(Ordering::SeqCst) == 0
    }

    fn take(&self) -> Vec<Answer> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_some.store(false, Ordering::SeqCst);
        std::mem::take(&mut *held)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::{BlockingWaiter, Interest, Waiter};

    const ANY: Tempo = Tempo { idle: None, min_rate: 0 };

    fn pair() -> (Arc<Stream>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (Arc::new(Stream::new(ours.into(), 0, &BlockingWaiter)), theirs)
    }

    fn send_with_none_stuck(outbox: &Outbox) {
        outbox.send(&mut |_| panic!("a client has room"));
    }

    #[test]
    fn answers_are_held_until_they_are_sent_together() {
        let outbox = Outbox::new();
        let now = Instant::now();
        let ((one, mut first), (two, mut second)) = (pair(), pair());
        assert_eq!(outbox.put(&one, b"one".to_vec(), &ANY, now), Ok(Put::First));
        assert_eq!(outbox.put(&two, b"two".to_vec(), &ANY, now), Ok(Put::Beside));
        first.set_nonblocking(true).unwrap();
        assert!(first.read(&mut [0]).is_err() && outbox.has_some());
        send_with_none_stuck(&outbox);
        assert!(!outbox.has_some());
        let mut bytes = [0; 3];
        first.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"one");
        second.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"two");
    }

    #[test]
    fn the_last_are_sent_as_far_as_clients_take_them() {
        let (outbox, now) = (Outbox::new(), Instant::now());
        let ((one, mut first), (two, mut second)) = (pair(), pair());
        outbox.put(&one, b"one".to_vec(), &ANY, now).unwrap();
        outbox.put(&two, vec![0; 4_000_000], &ANY, now).unwrap();
        outbox.send_last();
        assert!(outbox.is_done() && !one.has_unsent() && !two.has_unsent());
        let mut bytes = [0; 3];
        first.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"one");
        second.read_exact(&mut bytes).unwrap();
        // Of another thread that never ends nobody waits for ever.
        outbox.senders.fetch_add(1, Ordering::SeqCst);
        let _held = outbox.held.lock().unwrap();
        outbox.send_last();
        assert!(now.elapsed() >= LAST && !outbox.is_done());
    }

    #[test]
    fn what_is_put_in_while_it_is_emptied_stays_whole() {
        let (outbox, now) = (Outbox::new(), Instant::now());
        let ((one, _first), (two, _second)) = (pair(), pair());
        outbox.put(&one, vec![0; 4_000_000], &ANY, now).unwrap();
        let mut stuck = Vec::new();
        outbox.empty(&mut |stream| {
            if stuck.is_empty() {
                outbox.put(&two, vec![0; 4_000_000], &ANY, now).unwrap();
            }
            stuck.push(stream);
        });
        assert!(outbox.is_done() && stuck.len() == 2 && two.has_unsent());
        // Of another thread that never ends nobody waits for ever.
        outbox.senders.fetch_add(1, Ordering::SeqCst);
        outbox.empty(&mut drop);
        assert!(now.elapsed() >= LAST);
    }

    #[test]
    fn they_are_due_when_the_oldest_is_old_or_they_are_many() {
        let (outbox, now, (one, _first)) = (Outbox::new(), Instant::now(), pair());
        assert_eq!(outbox.put(&one, vec![0], &ANY, now), Ok(Put::First));
        assert_eq!(outbox.put(&one, vec![0], &ANY, now + LONGEST), Ok(Put::Due));
        send_with_none_stuck(&outbox);
        for count in 1..MOST {
            assert_ne!(outbox.put(&one, vec![0], &ANY, now), Ok(Put::Due), "{count}");
        }
        assert_eq!(outbox.put(&one, vec![0], &ANY, now), Ok(Put::Due));
    }

    #[test]
    fn what_a_client_does_not_take_at_once_is_sent_later() {
        let (outbox, (stream, mut client)) = (Outbox::new(), pair());
        let answer: Vec<u8> = (0..4_000_000u32).map(|n| n as u8).collect();
        outbox.put(&stream, answer.clone(), &ANY, Instant::now()).unwrap();
        let mut stuck = Vec::new();
        assert!(!outbox.is_done());
        outbox.send(&mut |stream| {
            assert!(!outbox.is_done());
            stuck.push(stream);
        });
        assert!(outbox.is_done());
        assert_eq!(stuck.len(), 1);
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            client.read_to_end(&mut bytes).unwrap();
            bytes
        });
        assert!(stream.send_unsent().unwrap() && !stream.send_unsent().unwrap());
        drop((stream, stuck));
        assert!(reader.join().unwrap() == answer);
    }

    #[test]
    fn what_is_left_goes_before_all_that_the_application_sends() {
        let (outbox, (stream, mut client)) = (Outbox::new(), pair());
        let answer = vec![b'x'; 4_000_000];
        outbox.put(&stream, answer.clone(), &ANY, Instant::now()).unwrap();
        outbox.send(&mut drop);
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            client.read_to_end(&mut bytes).unwrap();
            bytes
        });
        stream.share().unwrap();
        assert!(stream.is_shared() && !stream.has_unsent());
        drop(stream);
        assert!(reader.join().unwrap() == answer);
    }

    /// Holds an answer just when a thread of the application's has taken the socket.
    struct Late(Outbox);
    static LATE: Late = Late(Outbox::new());

    impl Waiter for Late {
        fn wait(&self, _: &Stream, _: Interest, _: Option<Instant>) -> io::Result<bool> {
            Ok(true)
        }

        fn hold(
            &self,
            stream: &Arc<Stream>,
            answer: Vec<u8>,
            began: Instant,
            tempo: &Tempo,
        ) -> Result<(), Vec<u8>> {
            stream.share().unwrap();
            self.0.put(stream, answer, tempo, began).map(drop)
        }

        fn let_go(&self) {
            send_with_none_stuck(&self.0);
        }
    }

    #[test]
    fn nothing_is_held_on_a_socket_that_is_taken_meanwhile() {
        let (ours, mut client) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let stream = Arc::new(Stream::new(ours.into(), 0, &LATE));
        stream.hold(b"one".to_vec(), Instant::now(), &ANY).unwrap();
        assert!(!LATE.0.has_some());
        let mut bytes = [0; 3];
        client.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"one");
    }

    #[test]
    fn a_client_that_has_left_costs_no_more_than_its_answer() {
        let (outbox, (stream, client)) = (Outbox::new(), pair());
        outbox.put(&stream, vec![0], &ANY, Instant::now()).unwrap();
        drop(client);
        send_with_none_stuck(&outbox);
        assert!(stream.has_client_left());
    }
}
