//! Things of gevent's, and child processes, that several requests use: another thread may come at each
//! instruction of ours. tests/apps/gevent_races.py lets it come there.

use crate::server::{Engine, Server};

fn answers(cases: &[(&str, &str)]) {
    let server = Server::start(Engine::Coroutine, "gevent_races", &["--timeout", "300"]);
    for (case, answer) in cases {
        assert_eq!(server.get(&format!("/{case}")).text(), *answer, "{case}");
    }
    server.stop();
}

#[test]
fn other_thread_may_come_at_each_instruction_of_gevents_waits() {
    let cases = [
        "EventIsCleared",
        "EventIsWaitedFor",
        "EventIsLinked",
        "ResultIsSet",
        "SemaphoreIsTaken",
        "SemaphoreIsAwaited",
        "ItemIsTaken",
        "ItemIsLookedAt",
        "QueueIsFilled",
    ];
    answers(&cases.map(|case| (case, "good at each instruction")));
}

#[test]
fn finalizers_may_run_at_each_instruction_of_gevents_waits() {
    answers(&[("FinalizerSets", "good at each instruction")]);
}

#[test]
fn event_that_is_set_and_cleared_wakes_who_made_it() {
    answers(&[("pulse", "True")]);
}

#[test]
fn other_thread_may_come_at_each_instruction_of_a_childs_watcher() {
    answers(&[("ChildIsWatched", "good at each instruction")]);
}

#[test]
fn watchers_of_children_keep_hubs_going_as_they_are_told() {
    answers(&[("referenced", "True")]);
}

#[test]
fn hubs_end_closes_the_watchers_of_children() {
    answers(&[("abandoned", "0 False")]);
}
