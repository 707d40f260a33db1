//! The room's time: the clock, the object's alarm, and the room's one timer, set as [`AlarmPlan`] says.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{State, js_sys};

use crate::alarm::{AlarmPlan, AlarmStep, Steps, TimerStep, Wanted};
use crate::ids::Millis;

#[wasm_bindgen]
extern "C" {
    // What `setTimeout` returns depends on the runtime's flags, so it is passed on as it is.
    #[wasm_bindgen(catch, js_name = setTimeout)]
    fn set_timeout(run: &js_sys::Function, delay: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue) -> Result<(), JsValue>;
}

/// The only place that reads the clock.
pub(super) fn now() -> Millis {
    // A time since 1970 in milliseconds is no negative number.
    Millis(js_sys::Date::now() as u64)
}

/// Who is called when a time has come.
pub(super) trait Timed {
    /// The timer fired.
    fn fired(self: Rc<Self>);
    /// It is known now when the alarm is set for: [`Clock::plan`] is to be called again.
    fn replan(self: Rc<Self>);
}

/// The alarm and the timer of one room.
pub(super) struct Clock {
    state: Rc<State>,
    plan: RefCell<AlarmPlan>,
    timer: RefCell<Option<Timer>>,
}

/// A timer that is set, until it is dropped.
struct Timer {
    id: JsValue,
    _run: Closure<dyn FnMut()>,
}

impl Drop for Timer {
    fn drop(&mut self) {
        // A room that was evicted is dropped when its object is collected, which is no event of the object: then the runtime
        // refuses the call, and an error that nobody catches would keep the rest of the room in memory.
        _ = clear_timeout(&self.id);
    }
}

impl Clock {
    /// A clock on which nothing is set, for a plan with this [backup](AlarmPlan::new).
    pub(super) fn new(state: Rc<State>, backup: Option<Millis>) -> Rc<Self> {
        Rc::new(Self { state, plan: RefCell::new(AlarmPlan::new(backup)), timer: RefCell::default() })
    }

    /// Makes sure that the room is called in time. Nobody waits for the alarm to be set.
    pub(super) fn plan<T: Timed + 'static>(self: &Rc<Self>, now: Millis, wanted: Wanted, timed: &Rc<T>) {
        let steps = self.plan.borrow_mut().plan(now, wanted);
        self.carry_out(steps, &Rc::downgrade(timed));
    }

    /// Nothing was ever stored for this room, so no alarm either.
    pub(super) fn known_unset(&self) {
        self.plan.borrow_mut().known_unset();
    }

    /// The alarm rang.
    pub(super) fn rang(&self) {
        self.plan.borrow_mut().rang();
    }

    /// The alarm rang for a room that can't start: sets it again for later.
    pub(super) fn rang_in_vain(self: &Rc<Self>, again: Millis) {
        let steps = {
            let mut plan = self.plan.borrow_mut();
            plan.rang();
            plan.plan(now(), Wanted { wake: Some(again), tick: None })
        };
        self.carry_out(steps, &Weak::<Nobody>::new());
    }

    fn carry_out<T: Timed + 'static>(self: &Rc<Self>, steps: Steps, timed: &Weak<T>) {
        match steps.timer {
            Some(TimerStep::Set(delay)) => self.set_timer(delay, timed.clone()),
            Some(TimerStep::Clear) => drop(self.timer.take()),
            None => {}
        }
        match steps.alarm {
            Some(AlarmStep::Ask) => self.ask(timed.clone()),
            Some(AlarmStep::Set(at)) => self.write(at, timed.clone()),
            None => {}
        }
    }

    fn set_timer<T: Timed + 'static>(self: &Rc<Self>, delay: Millis, timed: Weak<T>) {
        let clock = Rc::downgrade(self);
        let run = Closure::new(move || {
            if let Some(clock) = clock.upgrade() {
                clock.plan.borrow_mut().fired();
            }
            if let Some(timed) = timed.upgrade() {
                timed.fired();
            }
        });
        // Lossless: no delay of the plan's is above 31 bits.
        match set_timeout(run.as_ref().unchecked_ref(), delay.0 as f64) {
            Ok(id) => drop(self.timer.replace(Some(Timer { id, _run: run }))),
            Err(error) => {
                self.plan.borrow_mut().fired();
                worker::console_error!("the timer was not set: {error:?}");
            }
        }
    }

    fn ask<T: Timed + 'static>(self: &Rc<Self>, timed: Weak<T>) {
        let clock = self.clone();
        js_sys::futures::spawn_local(async move {
            let told = clock.state.storage().get_alarm().await;
            // A time since 1970 in milliseconds is no negative number.
            let set = told.map(|at| at.map(|at| Millis(at.max(0) as u64)));
            clock.report(set.as_ref().err(), &timed, |plan| plan.told(now(), set.as_ref().map_err(drop).copied()));
            if let Some(timed) = timed.upgrade().filter(|_| set.is_ok()) {
                timed.replan();
            }
        });
    }

    /// Sets the alarm. This happens at once, since what is written now is stored together with the rows of the turn. What
    /// the turn sends isn't held back until the alarm is stored: the plan makes up for one that is lost.
    fn write<T: Timed + 'static>(self: &Rc<Self>, at: Millis, timed: Weak<T>) {
        let written = set_alarm(&self.state, at);
        let clock = self.clone();
        js_sys::futures::spawn_local(async move {
            let outcome = match written {
                Ok(promise) => worker::wasm_bindgen_futures::JsFuture::from(promise).await.map(drop),
                Err(error) => Err(error),
            };
            let error = outcome.as_ref().err().cloned().map(worker::Error::from);
            clock.report(error.as_ref(), &timed, |plan| plan.written(now(), at, outcome.map_err(drop)));
        });
    }

    /// Tells the plan what came of a step. A row of failures is logged once.
    fn report<T: Timed + 'static>(
        self: &Rc<Self>,
        error: Option<&worker::Error>,
        timed: &Weak<T>,
        tell: impl FnOnce(&mut AlarmPlan) -> Steps,
    ) {
        let (steps, news) = {
            let mut plan = self.plan.borrow_mut();
            let failed_before = plan.is_failing();
            (tell(&mut plan), !failed_before)
        };
        if let Some(error) = error.filter(|_| news) {
            worker::console_error!("the alarm was not set, and will be tried again: {error}");
        }
        self.carry_out(steps, timed);
    }
}

fn set_alarm(state: &State, at: Millis) -> Result<js_sys::Promise, JsValue> {
    // 2026-11: `worker` 0.8.7 writes the names of these options in snake case, which the runtime doesn't know.
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"allowUnconfirmed".into(), &true.into())?;
    let date = js_sys::Date::new(&JsValue::from_f64(at.0 as f64));
    state.storage().as_raw().set_alarm(date, options)
}

/// Stands for the room while there is none.
struct Nobody;

impl Timed for Nobody {
    fn fired(self: Rc<Self>) {}
    fn replan(self: Rc<Self>) {}
}
