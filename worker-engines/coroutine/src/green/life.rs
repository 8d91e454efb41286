//! The life of a green thread, from the first instruction under its block to the last.
#![allow(unsafe_code)]

use std::io;
use std::ops::Range;
use std::ptr;

use unicoro_contract::CurrentPlace;

use super::thread::{Green, set_current};
use crate::core::Core;
use crate::scheduler::Task;
use crate::thread_block::ThreadBlock;
use crate::{stack, thread_block};

impl Green {
    /// Runs `body` as a green thread with this block, in the coroutine `task`, which calls.
    ///
    /// # Errors
    /// It has not begun: no memory for the language's state.
    pub fn run(
        core: &'static Core,
        task: &Task,
        block: ThreadBlock,
        body: impl FnOnce(&Self),
    ) -> io::Result<()> {
        // The reactor has found its own before any green thread began.
        let stack = stack::prepare(core.stack_bytes).unwrap_or_default();
        stack::unmark(&stack);
        block.set_stack(&stack);
        let mut body = Some(body);
        let mut lived = Ok(());
        // SAFETY: a new thread's; nothing of its thread-local variables is used here.
        unsafe {
            let mut live = || {
                if let Some(body) = body.take() {
                    lived = Self::live(core, task, &block, stack.clone(), body);
                }
            };
            // By then it may run on another carrier.
            let carrier = || core.queue.block(core.queue.carrier());
            thread_block::live_under(block.address(), &mut live, &carrier);
        }
        drop(block);
        stack::mark(stack);
        lived
    }

    /// From the first instruction under its block to the last.
    #[inline(never)]
    fn live(
        core: &'static Core,
        task: &Task,
        block: &ThreadBlock,
        stack: Range<usize>,
        body: impl FnOnce(&Self),
    ) -> io::Result<()> {
        let green = Self::new(core, task, block, stack);
        let _here = Here::begin(&green);
        green.take_processor();
        let mut body = Some(body);
        let mut inside = || {
            if let Some(body) = body.take() {
                let _inside = green.come_in();
                body(&green);
            }
        };
        green.outside(|| core.handler.on_green_thread(&mut inside))
    }
}

/// The green thread that runs here is known as such, and listed, until this is dropped: it must not
/// outlive that, not even by a panic.
struct Here<'g>(&'g Green);

impl<'g> Here<'g> {
    fn begin(green: &'g Green) -> Self {
        set_current(green);
        // SAFETY: taken back when this is dropped.
        unsafe { CurrentPlace::stand_at(Some(green.deadline.request())) };
        green.core.owners.borrow_mut().push(green.owner());
        Self(green)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        set_current(ptr::null());
        // SAFETY: there is none.
        unsafe { CurrentPlace::stand_at(None) };
        let mut owners = self.0.core.owners.borrow_mut();
        if let Some(at) = owners.iter().rposition(|other| *other == self.0.owner()) {
            owners.swap_remove(at);
        }
    }
}
