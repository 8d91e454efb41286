//! Things of gevent's, and child processes, that several requests use: another thread may come at
//! each instruction of ours. tests/apps/gevent_races.py lets it come there.

use crate::support::{Engine, Server};

/// What `/case` answers to the end: a dot an instruction, if nothing is wrong.
fn answer(case: &str) -> String {
    let server = Server::start(Engine::Coroutine, "gevent_races", &[]);
    let answer = server.get(&format!("/{case}")).text();
    server.stop();
    answer
}

fn holds_at_each_instruction(cases: &[&str]) {
    for case in cases {
        let answer = answer(case);
        assert!(answer.bytes().all(|byte| byte == b'.'), "{case}: {answer}");
    }
}

#[test]
fn other_thread_may_come_at_each_instruction_of_gevents_waits() {
    holds_at_each_instruction(&[
        "EventIsCleared",
        "EventIsWaitedFor",
        "EventIsLinked",
        "ResultIsSet",
        "SemaphoreIsTaken",
        "SemaphoreIsAwaited",
        "ItemIsTaken",
        "ItemIsLookedAt",
        "QueueIsFilled",
    ]);
}

#[test]
fn finalizers_may_run_at_each_instruction_of_gevents_waits() {
    holds_at_each_instruction(&["FinalizerSets"]);
}

#[test]
fn event_that_is_set_and_cleared_wakes_who_made_it() {
    assert_eq!(answer("pulse"), "True");
}

#[test]
fn other_thread_may_come_at_each_instruction_of_a_childs_watcher() {
    holds_at_each_instruction(&["ChildIsWatched"]);
}

#[test]
fn watchers_of_children_keep_hubs_going_as_they_are_told() {
    assert_eq!(answer("referenced"), "True");
}

#[test]
fn hubs_end_closes_the_watchers_of_children() {
    assert_eq!(answer("abandoned"), "0 False");
}

#[test]
fn thread_pools_belong_to_no_thread() {
    for (view, expected) in [
        ("outlives_its_maker", "True"),
        ("frees_its_threads", "[True, None]"),
        ("grows_for_those_that_wait", "[False, False]"),
        ("nests", "[True, True]"),
    ] {
        assert_eq!(answer(view), expected, "{view}");
    }
}

#[test]
fn broken_threads_of_a_pool_are_replaced() {
    let mut server = Server::start(Engine::Coroutine, "gevent_races", &[]);
    assert_eq!(server.get("/replaces_its_threads").text(), "''");
    // gevent prints the traceback.
    server.expect_errors();
    server.stop();
}
