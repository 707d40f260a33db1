//! A game: clients `steer` their dots by saying where these shall go, and whoever reaches the star first has it.
//!
//! The server moves the dots. While any of them is on its way, everybody gets a `tick` 20 times a second; when all stand
//! still the room falls asleep. Where they are is forgotten then, but not who has how many stars.

use crate::app::prelude::*;

const TICK: TimerName = TimerName::new("tick");
const STEP_TIME: Millis = Millis(50);
/// The field is so wide and high; a dot's radius, its way in a tick, and how near to the star it has to come.
const FIELD: f64 = 1_000.0;
const RADIUS: f64 = 34.0;
const STEP: f64 = 20.0;
const REACH: f64 = 66.0;

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Point {
    x: f64,
    y: f64,
}

/// What is kept with a player's socket.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Badge {
    number: u32,
    score: u32,
}

struct Player {
    id: SocketId,
    badge: Badge,
    at: Point,
    goal: Option<Point>,
}

#[derive(Default)]
struct Game {
    players: Vec<Player>,
    caught: u32,
    ticking: bool,
}

/// Lets people catch stars.
pub fn game() -> impl App {
    Handlers::with(Game::default())
        .on_connection(|socket| start(&socket.io, socket.app))
        .on_disconnect(|room, _| start(&room.io, room.app))
        .on("steer", |socket, goal: Option<Point>| {
            start(&socket.io, socket.app)?;
            if let Some(player) = socket.app.players.iter_mut().find(|player| player.id == *socket.id) {
                player.goal = goal;
            }
            Ok(())
        })
        .on_timer(TICK, tick)
}

/// Sees who is there, and has the clock tick if it doesn't.
fn start(io: &Io, game: &mut Game) -> Result {
    game.players.retain(|player| io.is_connected(&player.id));
    let mut new = io.sockets();
    new.retain(|id| game.players.iter().all(|player| player.id != *id));
    // Those first who have a number already: they were here before the room lost its memory.
    let (before, new): (Vec<_>, Vec<_>) = new.into_iter().partition(|id| io.data::<Badge>(id).is_some());
    for id in before.into_iter().chain(new) {
        let badge = io.data::<Badge>(&id).unwrap_or_default();
        let is_free = |number: &u32| *number > 0 && game.players.iter().all(|other| other.badge.number != *number);
        let number = std::iter::once(badge.number).chain(1..).find(is_free).unwrap_or_default();
        let badge = Badge { number, ..badge };
        io.set_data(&id, &badge)?;
        game.players.push(Player { id, badge, at: spot(number), goal: None });
    }
    if !game.ticking {
        game.ticking = true;
        io.timer(TICK).set_timeout(STEP_TIME)?;
    }
    Ok(())
}

/// Moves everybody on, and shows it to all.
fn tick(room: &mut Room<Game>, (): ()) -> Result {
    let Room { io, app: game } = room;
    for player in &mut game.players {
        player.walk();
        if distance(player.at, spot(game.caught)) < REACH {
            game.caught += 1;
            player.badge.score += 1;
            io.set_data(&player.id, &player.badge)?;
        }
    }
    let seen = |Player { id, badge, at, .. }: &Player| json!({ "id": id, "number": badge.number, "score": badge.score, "x": at.x, "y": at.y });
    let players: Vec<_> = game.players.iter().map(seen).collect();
    let view = json!({ "star": spot(game.caught), "players": players });

    game.ticking = game.players.iter().any(|player| player.goal.is_some());
    if !game.ticking {
        return io.emit("tick", &view); // the last for now: nobody may miss it
    }
    io.timer(TICK).set_timeout(STEP_TIME)?;
    io.all().volatile().emit("tick", &view)
}

impl Player {
    /// Goes one step towards its goal, if it has one, and stops there or at the wall.
    fn walk(&mut self) {
        let Some(goal) = self.goal else { return };
        let part = (STEP / distance(self.at, goal)).min(1.0);
        let step = |from: f64, to: f64| (from + (to - from) * part).clamp(RADIUS, FIELD - RADIUS).round();
        let next = Point { x: step(self.at.x, goal.x), y: step(self.at.y, goal.y) };
        if part >= 1.0 || next == self.at {
            self.goal = None;
        }
        self.at = next;
    }
}

fn distance(a: Point, b: Point) -> f64 {
    (a.x - b.x).hypot(a.y - b.y)
}

/// The places of a sequence that fills the field evenly and never the same way.
fn spot(number: u32) -> Point {
    let place = |step: f64| (RADIUS + (0.5 + f64::from(number) * step).fract() * (FIELD - 2.0 * RADIUS)).round();
    Point { x: place(0.754_877_666), y: place(0.569_840_296) }
}
