//! More requests at once than there is room for stacks: those that find none wait in the queue.

use crate::support::{Client, Engine, Launch, Server, processes, wait};

/// All are answered, however few green threads there can be, and the log says once what to raise.
fn all_are_answered(server: &Server, clients: &mut [Client], limit: &str) {
    for client in clients {
        let response = client.response();
        assert_eq!((response.status, response.text().as_str()), (200, "slept"));
    }
    let complaints = server.complaints();
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    assert!(complaints[0].contains(limit), "{complaints:#?}");
    assert!(complaints[0].contains("coroutine_stack_size"), "{complaints:#?}");
}

fn with_address_space(kibibytes: u64) -> Server {
    let words = format!("ulimit -v {kibibytes}; exec \"$@\"");
    let launch = Launch::new(Engine::Coroutine);
    let launch = launch.inside_of(|_| ["bash", "-c", &words, "bash"].map(str::to_owned).to_vec());
    launch.args(&["crowded"]).start()
}

/// Ticks of the clock that its threads have computed for (proc(5): 14 and 15).
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat[stat.rfind(')').unwrap()..].split_whitespace();
    fields.skip(12).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[test]
fn without_addresses_for_one_more_stack_requests_wait_for_one() {
    let server = with_address_space(3_000_000);
    let worker = server.worker_pid();
    let mut clients = server.waiting_clients(500, "/sleep");
    server.wait_for_log("ulimit -v");
    // Half of the first two seconds are left: nobody can run, and nobody should try.
    let before = ticks(worker);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let busy = ticks(worker) - before;
    assert!(busy < 25, "{busy} of 50 ticks were spent");
    all_are_answered(&server, &mut clients, "ulimit -v");
    assert_eq!(server.worker_pid(), worker);
    server.stop();
}

#[test]
fn with_addresses_for_hardly_any_stack_requests_take_turns() {
    let server = with_address_space(700_000);
    let worker = server.worker_pid();
    server.answers_at_once(100, "/nap", "slept");
    assert_eq!(server.worker_pid(), worker);
    let said = server.log().matches("ulimit -v").count();
    assert_eq!(said, 1, "there was a shortage, and it was said once");
    server.stop();
}

#[test]
fn without_mappings_for_one_more_stack_requests_wait_for_one() {
    let server = Server::start(Engine::Coroutine, "crowded", &[]);
    let worker = server.worker_pid();
    assert_eq!(server.get("/fill_mappings?800").text(), "filled");
    let mut clients = server.waiting_clients(600, "/sleep");
    all_are_answered(&server, &mut clients, "vm.max_map_count");
    assert_eq!(server.worker_pid(), worker);
    server.stop();
}

/// A stack that becomes free is used at once, and more are made when there is room again.
#[test]
fn after_a_shortage_requests_are_together_again() {
    let server = with_address_space(3_000_000);
    server.waiting_clients(500, "/sleep").iter_mut().for_each(|client| {
        assert_eq!(client.response().text(), "slept");
    });
    let began = std::time::Instant::now();
    server.answers_at_once(100, "/sleep", "slept");
    assert!(began.elapsed() < wait::PATIENCE / 2);
    assert!(processes::is_alive(server.worker_pid()));
    server.stop();
}
