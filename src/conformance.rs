//! What the reference's public protocol suites expect of a server; chosen by the setting `APP`, and not for an ordinary
//! deploy.
//!
//! At `/engine.io/` every message is sent back. At `/socket.io/` the namespaces `/`, `/custom`, `/dynamic-<digits>` and
//! `/admin` answer events with events and with acks, as [`Conformance`] says.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::{
    Ack, Answers, AnswersName, App, Args, Connection, DueTimer, Error, Event, FetchName, FetchRequest, Fetched,
    Handshake, Io, Joining, Refusal, Result, Schema, TimerName,
};
use crate::ids::{Millis, SocketId};

/// The name of the object that speaks raw Engine.IO; no URL can name a room like it.
pub const RAW_ROOM: &str = "engine.io";

const ANSWER: AnswersName = AnswersName::new("answer");
const VOTES: AnswersName = AnswersName::new("votes");
const FETCHED: FetchName = FetchName::new("fetched");
const PANIC: TimerName = TimerName::new("panic");
const TICK: TimerName = TimerName::new("tick");

/// The Socket.IO side.
///
/// | event | what happens |
/// |---|---|
/// | (on connection) | the socket gets `auth` with the object that it connected with |
/// | `message` | the socket gets `message-back` with the same arguments |
/// | `message-with-ack` | is acked with the same arguments |
/// | `emit-with-ack` | the socket gets `question` with the same arguments; its ack comes back as `answer` |
/// | `poll {wait}` | all others get `vote`, and when all have answered, or after so many ms, the socket gets `votes` with `[[id, answer], …]` and the ids of those who haven't |
/// | `broadcast` | all others in the namespace get `broadcast` with the same arguments |
/// | `kick {close}` | the socket is disconnected; with `close`, the whole connection |
/// | `join {room}`, `leave {room}` | the socket joins or leaves a room |
/// | `to {room, event, data, volatile}`, `direct {event, data}` | those in the room get the event, or the socket itself |
/// | `data {value}`, `data?` | sets what is kept with the socket; is acked with it |
/// | `whoami` | is acked with the socket's `id`, the number of `sockets` in the namespace, and of those `away` |
/// | `handshake` | is acked with what the client's first request said: `first`, `query`, `headers`, and what is `missing` |
/// | `ask-later`, `answer-now` | the first one's ack is kept, and given when the second one comes |
/// | `panic-later {wait}`, `tick-later {wait}` | after so many ms a timer panics, each time that it is tried; or everybody gets `tick` |
/// | `measure {amount}` | is acked with the sum of all amounts so far, which a trigger keeps: as a whole number, as a number, and with its unit |
/// | `fetch {method, url, binding, wait, bytes}` | the URL is fetched, through a service binding if one is named, within so many ms and bytes; the socket gets `fetched` with the status and the text, or with `null` and the error |
/// | `panic` | the app sends `never` to everybody, and panics before the end of the turn |
///
/// Where an ack is wanted and the row above names none, it is `{}`; what can't be stored is acked `{error: "storage"}`.
#[derive(Debug)]
pub struct Conformance {
    /// Whether its clients recover.
    pub recovery: bool,
}

/// What `/admin` wants to know.
#[derive(Deserialize)]
struct Credentials {
    token: String,
}

/// The object that an event comes with; each event needs some of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    close: bool,
    room: String,
    event: String,
    data: Value,
    value: Value,
    volatile: bool,
    wait: u64,
    method: String,
    url: String,
    binding: String,
    bytes: usize,
    amount: f64,
}

/// What is kept with a socket.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    value: Value,
    /// The ack that is to be given later.
    later: Option<Ack>,
}

/// Made by one script whose trigger, texts and comments have semicolons in them.
const TABLES: &[&str] = &["
    CREATE TABLE conformance_amounts (amount REAL); -- each of them;
    CREATE TABLE conformance_sum (sum REAL, unit TEXT DEFAULT 'm;s');
    CREATE TRIGGER conformance_summed AFTER INSERT ON conformance_amounts BEGIN
        DELETE FROM conformance_sum;
        INSERT INTO conformance_sum (sum) SELECT sum(amount) FROM conformance_amounts;
    END;
    /* the end; */
"];

impl App for Conformance {
    fn schema(&self) -> Schema {
        Schema { app: "conformance", steps: TABLES }
    }

    fn recovery(&self) -> bool {
        self.recovery
    }

    fn has_namespace(&self, name: &str) -> bool {
        let dynamic = name.strip_prefix("/dynamic-");
        matches!(name, "/" | "/custom" | "/admin")
            || dynamic.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    }

    fn kept_headers(&self) -> &[&'static str] {
        &["user-agent", "x-test"]
    }

    fn connecting(&mut self, io: &Io<'_>, joining: &Joining<'_>) -> Result<(), Refusal> {
        let known = joining.auth();
        if io.namespace() == "/admin" && known.is_none_or(|Credentials { token }| token != "secret") {
            return Err(Refusal { message: "not authorized".to_owned(), data: Some(json!({ "code": 401 })) });
        }
        Ok(())
    }

    fn connected(&mut self, io: &Io<'_>, connection: &Connection<'_>) {
        let Connection { socket, auth, recovered } = connection;
        if *recovered {
            return;
        }
        report(&match auth {
            Some(auth) => io.to(socket).emit("auth", auth),
            None => io.to(socket).emit("auth", &json!({})),
        });
    }

    fn event(&mut self, io: &Io<'_>, Event { socket, name, args, ack }: Event<'_>) {
        let wish = args.get::<Wish>(0).unwrap_or_default();
        let done = match name {
            "message-with-ack" => return ack.map_or((), |ack| report(&io.answer_args(ack, args))),
            "ask-later" => return report(&keep(io, socket, |kept| kept.later = ack)),
            _ => obey(io, socket, name, args, wish),
        };
        let answer = match (&done, ack) {
            (Ok(answer), Some(ack)) => io.answer(ack, answer),
            (Err(Error::Storage(_)), Some(ack)) => io.answer(ack, &json!({ "error": "storage" })),
            (Err(error), Some(ack)) => io.answer(ack, &json!({ "error": error.to_string() })),
            (_, None) => Ok(()),
        };
        report(&answer);
        report(&done);
    }

    fn scheduled(&mut self, io: &Io<'_>, timer: &DueTimer) {
        if *timer.name == *"panic" {
            panic_now();
        }
        report(&io.emit("tick", &json!({})));
    }

    fn fetched(&mut self, io: &Io<'_>, fetched: &Fetched) {
        let asker = fetched.context::<SocketId>().map(|asker| io.to(asker));
        report(&asker.and_then(|asker| match &fetched.outcome {
            Ok(response) => asker.emit("fetched", &(response.status, response.text()?)),
            Err(error) => asker.emit("fetched", &((), error.to_string())),
        }));
    }

    fn answered(&mut self, io: &Io<'_>, answers: &Answers) {
        if let Ok(asker) = answers.context::<SocketId>() {
            let votes: Vec<(_, Value)> = answers.get().collect();
            return report(&io.to(asker).emit("votes", &((votes, &answers.missing),)));
        }
        for reply in &answers.replies {
            report(&io.to(&reply.socket).emit_args("answer", &reply.args));
        }
    }
}

/// Does what an event asks for; gives its answer.
fn obey(io: &Io<'_>, socket: &SocketId, name: &str, args: &Args<'_>, wish: Wish) -> Result<Value> {
    match name {
        "message" => io.to(socket).emit_args("message-back", args)?,
        "emit-with-ack" => io.to(socket).emit_args_with_ack("question", args, ANSWER)?,
        "poll" => {
            let others = io.except(socket).timeout(Millis(wish.wait)).context(socket);
            others.emit_with_ack("vote", &wish.data, VOTES)?;
        }
        "broadcast" => io.all().except(socket).emit_args("broadcast", args)?,
        "kick" => io.disconnect(socket, wish.close),
        "join" => io.join(socket, &wish.room),
        "leave" => io.leave(socket, &wish.room),
        "to" => {
            let to = io.to(&wish.room);
            let to = if wish.volatile { to.volatile() } else { to };
            to.emit(&wish.event, &wish.data)?;
        }
        "direct" => io.to(socket).emit(&wish.event, &wish.data)?,
        "data" => keep(io, socket, |kept| kept.value = wish.value)?,
        "data?" => return Ok(io.data::<Kept>(socket).unwrap_or_default().value),
        "whoami" => {
            return Ok(json!({ "id": socket.as_str(), "sockets": io.sockets_count(), "away": io.away().len() }));
        }
        "handshake" => {
            let handshake = io.handshake(socket).unwrap_or_default();
            let Handshake { time, secure, xdomain, query, headers, .. } = handshake.as_ref();
            let missing: Vec<_> = handshake.missing().collect();
            let first = json!({ "time": time, "secure": secure, "xdomain": xdomain });
            return Ok(json!({ "first": first, "query": query, "headers": headers, "missing": missing }));
        }
        "answer-now" => {
            let mut later = None;
            keep(io, socket, |kept| later = kept.later.take())?;
            if let Some(ack) = later {
                io.answer(ack, &json!("later"))?;
            }
        }
        "measure" => {
            io.sql("INSERT INTO conformance_amounts VALUES (?)", &[wish.amount.into()])?;
            let rows = io.sql("SELECT sum, unit FROM conformance_sum", &[])?;
            return Ok(json!(rows.first().map(|row| (row.integer(0), row.real(0), row.text(1)))));
        }
        "fetch" => {
            let method = if wish.method.is_empty() { "GET".to_owned() } else { wish.method };
            let request = FetchRequest::new(method, wish.url).timeout(Millis(wish.wait)).max_bytes(wish.bytes);
            let request = if wish.binding.is_empty() { request } else { request.binding(wish.binding) };
            io.fetch(request).context(socket).then(FETCHED)?;
        }
        "panic-later" => io.timer(PANIC).schedule(Millis(wish.wait))?,
        "tick-later" => io.timer(TICK).schedule(Millis(wish.wait))?,
        "panic" => {
            io.all().emit("never", &wish.data)?;
            panic_now();
        }
        _ => {}
    }
    Ok(json!({}))
}

fn keep(io: &Io<'_>, socket: &SocketId, change: impl FnOnce(&mut Kept)) -> Result {
    let mut kept = io.data::<Kept>(socket).unwrap_or_default();
    change(&mut kept);
    io.set_data(socket, &kept)
}

/// What an app with a fault does: tests show that nobody notices.
#[allow(clippy::panic, reason = "a fault is what is asked for")]
fn panic_now() {
    panic!("as it was asked to");
}

/// No name here is reserved, and what came in as JSON goes out as such; so only the storage can fail.
fn report<T: std::fmt::Debug>(sent: &Result<T>) {
    debug_assert!(matches!(sent, Ok(_) | Err(Error::Storage(_) | Error::DataTooLarge)), "{sent:?}");
}
