//! A dashboard: while anybody watches, a `point` is sent each second; who comes gets the `recent` ones. A `target` that one
//! viewer sets is everybody's.
//!
//! The seconds are counted in memory, which costs nothing. Should the room lose its memory, a stored timer starts them again.

use std::collections::VecDeque;

use crate::app::prelude::*;

const SECOND: Millis = Millis(1_000);
const LATER: Millis = Millis(30_000);
const RECENT: usize = 60;

const TICK: TimerName = TimerName::new("tick");
const WATCH: TimerName = TimerName::new("watch");
/// Asleep, a room cools down.
const COLD: f64 = 12.0;

/// What a second was like.
#[derive(Serialize)]
struct Point {
    time: Millis,
    temperature: f64,
    target: f64,
    people: usize,
    events: u64,
    awake: u64,
}

/// What is forgotten with the room's memory.
#[derive(Default)]
struct Dashboard {
    points: VecDeque<Point>,
    events: u64,
    awake_since: Option<Millis>,
    ticking: bool,
}

/// Shows a temperature that follows a target.
pub fn dashboard() -> impl App {
    Handlers::with(Dashboard::default())
        .named("dashboard")
        .on_any(|socket, _| socket.app.events += 1)
        .on_connection(|socket| {
            socket.emit("recent", &socket.app.points)?;
            start(&socket.io, socket.app)
        })
        .on("target", set_target)
        .on_timer(TICK, tick)
        .on_timer(WATCH, |room, ()| start(&room.io, room.app))
}

/// Sets what the temperature goes to.
fn set_target(socket: &mut Socket<Dashboard>, target: f64) -> Result {
    if !(10.0..=30.0).contains(&target) {
        return Err(Error::new("out_of_range", "The target is from 10 to 30 °C."));
    }
    socket.io.kv().put("target", &target)?;
    socket.broadcast().emit("target", &target)
}

/// Has the seconds counted while anybody is there, also after the room has lost its memory.
fn start(io: &Io, app: &mut Dashboard) -> Result {
    if io.sockets_count() == 0 {
        return Ok(());
    }
    if !app.ticking {
        app.ticking = true;
        io.timer(TICK).set_timeout(SECOND)?;
    }
    io.timer(WATCH).schedule(LATER)
}

/// A second is over.
fn tick(room: &mut Room<Dashboard>, (): ()) -> Result {
    let Room { io, app } = room;
    let (now, people) = (io.now(), io.sockets_count());
    app.ticking = people > 0;
    if !app.ticking {
        return Ok(());
    }
    io.timer(TICK).set_timeout(SECOND)?;

    let target = io.kv().get("target")?.unwrap_or(20.0);
    let before = app.points.back().map_or(COLD, |point| point.temperature);
    let temperature = before + (target - before) * 0.06 + draught(now);
    let awake = now.since(*app.awake_since.get_or_insert(now)).0;
    let point = Point { time: now, temperature, target, people, events: app.events, awake };
    // The next one makes it obsolete.
    io.all().volatile().emit("point", &point)?;
    app.points.push_back(point);
    if app.points.len() > RECENT {
        app.points.pop_front();
    }
    Ok(())
}

/// What else moves the temperature.
fn draught(now: Millis) -> f64 {
    let seconds = now.0 as f64 / 1_000.0;
    0.35 * wave(seconds / 18.2) * wave(seconds / 4.84)
}

/// A wave of parabolas, once up and down a turn: near enough to a sine, of which the code is long.
fn wave(turns: f64) -> f64 {
    let half = turns.fract() * 2.0 - 1.0;
    4.0 * half * (half.abs() - 1.0)
}
