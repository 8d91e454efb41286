//! HUP.

use super::*;

#[test]
fn a_reload_makes_before_it_breaks_and_moves_the_socket() {
    let mut master = Master::serving("");
    let (old, new) = (master.folder.join("first.sock"), master.folder.join("second.sock"));
    master.make("second-socket");
    master.make("hold");
    master.send(Signal::HUP);
    master.expect("second.sock");
    assert!(old.exists() && new.exists());
    master.unmake("hold");
    master.expect("Reload done: generation 2 serves");
    master.expect("Worker exited");
    master.expect("Worker exited");
    assert!(
        !old.exists() && new.exists(),
        "{:?} {}",
        fs::read_dir(&master.folder)
            .map(|d| d.flatten().map(|e| e.file_name()).collect::<Vec<_>>()),
        master.seen.join("\n")
    );
    let log = master.stops_with_0(Signal::TERM);
    assert!(!log.contains("[WARNING]"), "{log}");
}

#[test]
fn a_failed_reload_keeps_the_old_workers_and_the_next_one_heals() {
    let mut master = Master::serving("");
    master.make("bad-settings");
    master.send(Signal::HUP);
    master.expect("Reload failed; the old workers serve on");
    master.unmake("bad-settings");
    master.make("broken");
    master.send(Signal::HUP);
    master.expect("Reload failed; the old workers serve on");
    master.expect("ModuleNotFoundError");
    master.unmake("broken");
    master.send(Signal::HUP);
    master.expect("Reload done: generation 4 serves");
    let log = master.stops_with_0(Signal::TERM);
    assert_eq!(log.matches("ModuleNotFoundError").count(), 1, "{log}");
}
