//! A quiz: whoever opens a room plays in it. Who plays, the answers, the scores and the end of the round are stored: after a restart
//! the round goes on where it was.

mod game;
mod questions;

use game::{Game, Phase};
use roomcast::app::prelude::*;

roomcast::worker!(quiz);

/// How long a question may be answered: a variable in wrangler.toml.
const ROUND_MS: Setting<Millis> = Setting::millis("ROUND_MS", 15_000, 1_000..=120_000);
/// How long the right answer is shown before the next question.
const PAUSE: Millis = Millis(4_000);
/// The timer that ends a question, or the pause after it.
const NEXT: TimerName = TimerName::new("next");
/// Where the game is stored.
const GAME: &str = "game";

/// What a client shows when it connects. The key is its own secret, by which it is known when it comes back.
#[derive(Deserialize)]
struct Auth {
    key: String,
    name: String,
}

fn quiz(env: Env) -> Result<impl App, ConfigError> {
    Ok(Handlers::with(env.get(&ROUND_MS)?)
        .named("quiz")
        .middleware(may_join)
        .on_connection(join)
        .on_disconnect(|room, _| show(&room.io))
        .on("start", start)
        .on("answer", answer)
        .on_timer(NEXT, |room, ()| next(&room.io, *room.app)))
}

fn load(io: &Io) -> Result<Game> {
    Ok(io.kv().get(GAME)?.unwrap_or_default())
}

fn store(io: &Io, game: &Game) -> Result {
    io.kv().put(GAME, game)?;
    show(io)
}

/// Shows everybody how the game stands.
fn show(io: &Io) -> Result {
    let view = load(io)?.view(io.now(), &present(io));
    io.emit("game", &view)
}

/// The keys of those who are connected.
fn present(io: &Io) -> Vec<String> {
    io.sockets().iter().filter_map(|id| io.data(id)).collect()
}

fn may_join(room: &mut Room<Millis>, joining: &Joining) -> Result<(), Refusal> {
    let auth: Auth = joining.auth().ok_or_else(|| Refusal::new("A player has a key and a name."))?;
    let mut game = load(&room.io)?;
    game.join(&auth.key, &auth.name).map_err(Refusal::new)
}

fn join(socket: &mut Socket<Millis>) -> Result {
    let mut game = load(&socket.io)?;
    if let Some(Auth { key, name }) = socket.auth()
        && game.join(&key, &name).is_ok()
    {
        socket.set_data(&key)?;
    }
    store(&socket.io, &game)
}

fn start(socket: &mut Socket<Millis>, (): ()) -> Result {
    let mut game = load(&socket.io)?;
    if !matches!(game.phase, Phase::Lobby | Phase::Over) {
        return Err(Error::new("running", "The quiz has begun already."));
    }
    game.begin(&present(&socket.io));
    store(&socket.io, &game)?;
    next(&socket.io, *socket.app)
}

/// Takes the answer of a player, once a round. When all have answered, the round is over.
fn answer(socket: &mut Socket<Millis>, (round, choice): (usize, usize)) -> Result {
    let mut game = load(&socket.io)?;
    let key: String = socket.data().unwrap_or_default();
    let left = game.until.since(socket.io.now());
    game.answer(&key, round, choice, left, *socket.app).map_err(|(code, sentence)| Error::new(code, sentence))?;
    store(&socket.io, &game)?;
    if game.all_answered(&present(&socket.io)) {
        next(&socket.io, *socket.app)?;
    }
    Ok(())
}

/// Goes from a question to its answer, and from there to the next question or to the end.
fn next(io: &Io, round: Millis) -> Result {
    let mut game = load(io)?;
    let wait = match game.next() {
        Phase::Question => round,
        Phase::Answer => PAUSE,
        Phase::Lobby | Phase::Over => return store(io, &game),
    };
    game.until = io.now() + wait;
    io.timer(NEXT).schedule(wait)?;
    store(io, &game)
}
