//! Apps that panic. The runtime aborts at a panic: the object loses its memory, and what the turn wrote is rolled back.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use roomcast::outbox::HttpResponse;
use roomcast::server::Server;

use super::{Room, start_later};

/// What a test's app panics with; any other panic fails the test.
struct Crash;

/// Has the app panic, without a word to the test's output.
pub(crate) fn crash() -> ! {
    resume_unwind(Box::new(Crash))
}

impl Room {
    /// Has the core do something; `None` where the app crashes meanwhile: then the object starts anew.
    pub(super) fn attempt<T>(&mut self, run: impl FnOnce(&mut Server) -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(|| run(&mut self.server))) {
            Ok(done) => Some(done),
            Err(panic) if panic.is::<Crash>() => {
                self.crashes += 1;
                self.answer_all(&HttpResponse::empty(500));
                self.server = start_later(&self.config, &self.make, &self.memory);
                None
            }
            Err(panic) => resume_unwind(panic),
        }
    }

    /// How often the app has panicked.
    pub(crate) fn crashes(&self) -> u64 {
        self.crashes
    }
}
