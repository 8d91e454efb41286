//! A worker beside others of which the test says how many clients they have.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use unicoro_contract::{Interest, Seat, Siblings, Upgraded};
use unicoro_sys::event_fd::EventFd;

use super::*;
use crate::clients::tests::{clients, seat};

/// Longer than a client is left to the siblings.
const TOO_LONG: Duration = Duration::from_secs(1);

struct Others {
    fewest: AtomicUsize,
    are_missed: AtomicBool,
    /// What was said last.
    told: Mutex<(usize, bool)>,
    bell: EventFd,
}

impl Siblings for Others {
    fn tell(&self, clients: usize, is_aside: bool) {
        *self.told.lock().unwrap() = (clients, is_aside);
    }

    fn fewest(&self) -> Option<usize> {
        let is_missed = self.are_missed.load(Ordering::Relaxed);
        Some(if is_missed { usize::MAX } else { self.fewest.load(Ordering::Relaxed) })
    }

    fn miss(&self) {
        self.are_missed.store(true, Ordering::Relaxed);
    }

    fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

struct Shop {
    clients: Clients<()>,
    others: Arc<Others>,
    /// As the siblings see it.
    listener: TcpListener,
    connected: Vec<TcpStream>,
}

impl Shop {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let others = Arc::new(Others {
            fewest: AtomicUsize::new(0),
            are_missed: AtomicBool::new(false),
            told: Mutex::default(),
            bell: EventFd::new().unwrap(),
        });
        let siblings: Arc<dyn Siblings> = Arc::clone(&others) as _;
        let seat = Seat { siblings: Some(siblings), ..seat(listener.try_clone().unwrap()) };
        let clients = clients(seat, &Arc::default());
        Self { clients, others, listener, connected: Vec::new() }
    }

    /// A client comes, and this worker hears of it.
    fn one_comes(&mut self) {
        let client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        self.connected.push(client);
        self.clients.accept(0);
    }

    /// So many that stay until it stands aside.
    fn fill(&mut self) -> usize {
        while !self.others.told.lock().unwrap().1 {
            self.one_comes();
        }
        self.clients.connected()
    }
}

#[test]
fn who_has_more_than_the_slack_leaves_the_next_to_the_others() {
    let mut shop = Shop::new();
    assert_eq!(shop.fill(), slack(0) + 1);
    shop.one_comes();
    assert_eq!(shop.clients.connected(), slack(0) + 1);
    shop.listener.accept().unwrap();
    shop.clients.look_after(Instant::now() + TOO_LONG);
    shop.one_comes();
    assert_eq!(shop.clients.connected(), slack(0) + 1);
}

#[test]
fn who_stands_aside_comes_back_when_the_others_have_as_many() {
    let mut shop = Shop::new();
    let own = shop.fill();
    shop.others.fewest.store(own - 1, Ordering::Relaxed);
    shop.clients.check_share();
    assert_eq!(*shop.others.told.lock().unwrap(), (own, true));
    shop.others.fewest.store(own, Ordering::Relaxed);
    shop.clients.check_share();
    assert_eq!(*shop.others.told.lock().unwrap(), (own, false));
    shop.one_comes();
    assert_eq!(shop.clients.connected(), own + 1);
}

#[test]
fn a_client_whom_no_sibling_takes_is_taken_and_they_count_no_longer() {
    let mut shop = Shop::new();
    let own = shop.fill();
    shop.one_comes();
    shop.clients.look_after(Instant::now());
    assert!(!shop.others.are_missed.load(Ordering::Relaxed));
    shop.clients.look_after(Instant::now() + TOO_LONG);
    assert!(shop.others.are_missed.load(Ordering::Relaxed));
    shop.clients.accept(0);
    shop.one_comes();
    assert_eq!(shop.clients.connected(), own + 2);
}

#[test]
fn clients_that_part_with_their_first_answer_do_not_count() {
    const CLIENTS: usize = 16;
    let mut shop = Shop::new();
    shop.others.fewest.store(CLIENTS, Ordering::Relaxed);
    for _ in 0..CLIENTS {
        shop.one_comes();
        shop.connected.last_mut().unwrap().write_all(b"line\n").unwrap();
        shop.clients.look_after(Instant::now());
    }
    let told = |shop: &Shop| shop.others.told.lock().unwrap().0;
    assert_eq!(told(&shop), CLIENTS);
    for _ in 0..CLIENTS / 2 {
        let index = shop.clients.connected() - 1;
        shop.clients.forget(index);
    }
    assert_eq!((shop.clients.connected(), told(&shop)), (CLIENTS / 2, 0));
}

#[test]
fn a_worker_whose_requests_do_not_end_is_left_no_clients() {
    let mut shop = Shop::new();
    shop.one_comes();
    let mut now = Instant::now();
    let mut look = |shop: &mut Shop| {
        now += room::SERVERS_LOOK;
        shop.clients.relieve(now, 1, 1);
        shop.others.told.lock().unwrap().0
    };
    for _ in 0..room::STANDSTILL_LOOKS {
        assert_eq!(look(&mut shop), 1);
    }
    assert_eq!(look(&mut shop), usize::MAX);
    shop.clients.relieve(now, 0, 1);
    assert_eq!(shop.others.told.lock().unwrap().0, 1);
}

/// Nothing is said on it.
struct Silence;

impl Upgraded for Silence {
    fn turn(&self) {}

    fn awaits(&self) -> Interest {
        Interest::Read
    }

    fn overdue(&self) {}
}

#[test]
fn clients_that_were_upgraded_count_though_their_requests_go_on() {
    const CLIENTS: usize = 8;
    let mut shop = Shop::new();
    shop.others.fewest.store(CLIENTS, Ordering::Relaxed);
    // Most part with their first answer.
    for _ in 0..CLIENTS {
        shop.one_comes();
        shop.clients.forget(0);
    }
    let told = |shop: &mut Shop| {
        shop.clients.check_share();
        shop.others.told.lock().unwrap().0
    };
    assert_eq!(told(&mut shop), 0);
    let served = [0, 1].map(|index| {
        shop.one_comes();
        shop.clients.lot.take(index).expect("nothing was said on it")
    });
    assert_eq!(told(&mut shop), 0);
    let streams = [0, 1].map(|index: usize| Arc::clone(&served[index].stream));
    for (number, stream) in streams.iter().enumerate() {
        let index = stream.key();
        shop.clients.lot.put_in_service(index, stream);
        assert!(stream.upgrade(Arc::new(Silence)));
        shop.clients.stays(stream);
        assert_eq!(told(&mut shop), number + 1);
    }
    shop.clients.stays(&streams[0]);
    assert_eq!(told(&mut shop), 2);
    for connection in served {
        shop.clients.close(connection);
    }
    shop.clients.stays(&streams[0]);
    assert_eq!(told(&mut shop), 0);
}
