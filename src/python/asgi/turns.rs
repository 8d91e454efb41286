//! So many that work at once, and those that wait for their turn.
//!
//! Who works takes what waits when he is done. The rule that a reader would break: a turn is given on or given
//! up however its work ends, a panic included, or there would be fewer for good, and a stop that waits for ever.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All of them; `T` is what is to be done.
pub struct Turns<T> {
    most: usize,
    state: Mutex<State<T>>,
}

struct State<T> {
    working: usize,
    waiting: VecDeque<T>,
}

/// The right to work, and what is to be done first.
pub struct Turn<T> {
    turns: Arc<Turns<T>>,
    first: T,
}

/// A turn whose work has begun. Without what is to be done next when it is dropped, it was lost to a panic.
struct Begun<'a, T, F: Fn(Turn<T>)> {
    turns: &'a Arc<Turns<T>>,
    begin_another: F,
    is_over: bool,
}

impl<T> Turns<T> {
    /// So many at most.
    pub fn new(most: usize) -> Arc<Self> {
        let state = State { working: 0, waiting: VecDeque::new() };
        Arc::new(Self { most, state: Mutex::new(state) })
    }

    /// Whether nobody works, and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.state().working == 0
    }

    /// A turn for this to be done; `None`: it waits, and who works will do it.
    pub fn take(self: &Arc<Self>, task: T) -> Option<Turn<T>> {
        let mut state = self.state();
        if state.working == self.most {
            state.waiting.push_back(task);
            return None;
        }
        state.working += 1;
        Some(Turn { turns: Arc::clone(self), first: task })
    }

    /// What waits, or the turn is given up.
    fn next(&self) -> Option<T> {
        let mut state = self.state();
        let next = state.waiting.pop_front();
        state.working -= usize::from(next.is_none());
        next
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Held for moments, and never across a call of the language.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Turn<T> {
    /// Does what is to be done, and what waits, one after the other. If one of them panics, `begin_another` is
    /// given the turn for the next.
    pub fn work(self, begin_another: impl Fn(Turn<T>), mut make: impl FnMut(T)) {
        let mut begun = Begun { turns: &self.turns, begin_another, is_over: false };
        make(self.first);
        while let Some(next) = self.turns.next() {
            make(next);
        }
        begun.is_over = true;
    }
}

impl<T, F: Fn(Turn<T>)> Drop for Begun<'_, T, F> {
    fn drop(&mut self) {
        if !self.is_over
            && let Some(first) = self.turns.next()
        {
            (self.begin_another)(Turn { turns: Arc::clone(self.turns), first });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn what_waits_is_done_by_who_works_and_in_its_turn() {
        let turns = Turns::new(1);
        let turn = turns.take(1).unwrap();
        assert!(turns.take(2).is_none() && turns.take(3).is_none());
        let mut done = Vec::new();
        turn.work(|_| unreachable!(), |number| done.push(number));
        assert_eq!(done, [1, 2, 3]);
        assert!(turns.is_idle());
    }

    #[test]
    fn a_panic_gives_the_turn_to_the_next_or_up() {
        let turns = Turns::new(1);
        let (turn, another) = (turns.take("fails").unwrap(), RefCell::new(None));
        assert!(turns.take("waits").is_none());
        let fail = |_: &str| panic!("on purpose");
        let keep = |turn| drop(another.replace(Some(turn)));
        let lost = catch_unwind(AssertUnwindSafe(|| turn.work(keep, fail)));
        let next = another.take().unwrap();
        assert_eq!((lost.is_err(), next.first, turns.is_idle()), (true, "waits", false));
        let lost = catch_unwind(AssertUnwindSafe(|| next.work(|_| unreachable!(), fail)));
        assert!(lost.is_err() && turns.is_idle());
    }
}
