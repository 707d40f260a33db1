//! Steps that happen wholly or not at all.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong in here fails the test"
)]

mod support;

use roomcast::app::{Ack, AnswersName, Error, Handlers, Io, Result, TimerName};
use roomcast::config::Config;
use roomcast::database::Database;
use roomcast::ids::{ConnId, Millis, SocketId};
use serde_json::{Value, json};
use support::{Log, Random, Room, Traveller, logging, note, plain};

const TABLES: &[&str] = &["CREATE TABLE lines (line TEXT)"];

fn failed() -> Error {
    Error::new("failed", "As it was told to.")
}

/// Does what a list says, one entry after the other.
fn run(io: &Io<'_>, ack: &mut Option<Ack>, script: &[Value]) -> Result {
    script.iter().try_for_each(|order| one(io, ack, order))
}

const ONE: TimerName = TimerName::new("one");
const TWO: TimerName = TimerName::new("two");

fn timer(name: &str) -> TimerName {
    if name == "one" { ONE } else { TWO }
}

fn one(io: &Io<'_>, ack: &mut Option<Ack>, order: &Value) -> Result {
    let text = |at: usize| order[at].as_str().unwrap_or_default();
    let socket = SocketId::from_wire(text(1));
    let after = || Millis(order[2].as_u64().unwrap_or_default());
    match text(0) {
        "emit" => io.emit("said", &order[1])?,
        "emit to" => io.to(text(1)).emit("said", &order[2])?,
        "volatile" => io.all().volatile().emit("maybe", &order[1])?,
        "emit in /b" => io.of("/b").emit("said", &order[1])?,
        "ask" => io.all().timeout(Millis(5_000)).emit_with_ack("asked", &order[1], AnswersName::new("then"))?,
        "answer" => {
            if let Some(ack) = ack.take() {
                io.answer(ack, &order[1])?;
            }
        }
        "join" => io.join(&socket, text(2)),
        "leave" => io.leave(&socket, text(2)),
        "join all" => io.all().sockets_join(text(1)),
        "data" => io.set_data(&socket, &order[2])?,
        "disconnect" => io.disconnect(&socket, false),
        "close" => io.disconnect(&socket, true),
        "empty /b" => io.of("/b").all().disconnect_sockets(false),
        "schedule" => io.timer(timer(text(1))).schedule(after())?,
        "timeout" => io.timer(timer(text(1))).set_timeout(after())?,
        "clear" => io.timer(timer(text(1))).clear()?,
        "keep" => io.kv().put(text(1), &order[2])?,
        "write" => _ = io.sql("INSERT INTO lines VALUES (?)", &[text(1).into()])?,
        "fail" => return Err(failed()),
        "step" | "try" => {
            let script = order[1].as_array().cloned().unwrap_or_default();
            let outcome = io.atomically(|| run(io, ack, &script));
            // Who tries doesn't mind.
            if text(0) == "step" {
                outcome?;
            }
        }
        other => return Err(Error::new("unknown", other.to_owned())),
    }
    Ok(())
}

/// What can be seen of the namespace of `io`.
fn view(io: &Io<'_>) -> Value {
    let sockets = io.sockets().into_iter().map(|socket| {
        let mut rooms = io.rooms_of(&socket);
        rooms.sort_unstable();
        json!([socket.as_str(), rooms, io.data::<Value>(&socket), io.handshake(&socket).is_some()])
    });
    let mut rooms = io.rooms();
    rooms.sort_unstable();
    json!({ "sockets": sockets.collect::<Vec<_>>(), "rooms": rooms, "clients": io.clients_count() })
}

/// An app that does what it is told, in all its handlers, and writes down what it is called for.
fn app(handlers: Handlers<Log>) -> Handlers<Log> {
    handlers
        .named("atomic")
        .tables(TABLES)
        .on("do", |socket, script: Vec<Value>| {
            let mut ack = socket.take_ack();
            let outcome = run(&socket.io, &mut ack, &script);
            match ack {
                Some(ack) => socket.io.answer(ack, &outcome.map_err(|error| error.failure())),
                None => Ok(()),
            }
        })
        .on("view", |socket, (): ()| {
            let others = view(&socket.io.of("/b"));
            let kept: Vec<_> =
                ["a", "b"].map(|key| socket.io.kv().get::<Value>(key)).into_iter().collect::<Result<_, _>>()?;
            let lines = socket.io.sql("SELECT count(*) FROM lines", &[])?;
            let lines = lines.first().and_then(|row| row.number(0));
            Ok(json!([view(&socket.io), others, kept, lines]))
        })
        .on_timer(ONE, |room, ()| note(room.app, format!("one at {}", room.io.now().0)))
        .on_timer(TWO, |room, ()| note(room.app, format!("two at {}", room.io.now().0)))
        .on_answers(AnswersName::new("then"), |room, answers| {
            let replied: Vec<_> = answers.replies.iter().map(|reply| reply.socket.to_string()).collect();
            note(room.app, format!("answered by {replied:?}, not by {:?}", answers.missing));
        })
        .on_disconnect(|room, departed| note(room.app, format!("left {} {:?}", departed.id, departed.rooms)))
        .on_room(|room, change| note(room.app, format!("room {change:?}")))
        .on_any_outgoing(|room, sent| note(room.app, format!("sent {} {:?} to {:?}", sent.name, sent.args, sent.to)))
        .of("/b")
        .on_disconnect(|room, departed| note(room.app, format!("left /b {}", departed.id)))
        .on_room(|room, change| note(room.app, format!("room of /b {change:?}")))
}

/// Somebody in the room.
struct Person {
    id: String,
    /// Its WebSocket; `None` where it polls.
    conn: Option<ConnId>,
    sid: String,
    get: Option<ConnId>,
}

struct Scene {
    log: Log,
    room: Room,
    people: Vec<Person>,
}

/// Four people: two in `/` alone, one in `/b` too, and one who polls. The first one tells the app what to do.
fn scene_of(config: Config, app: impl Fn(Handlers<Log>) -> Handlers<Log> + 'static) -> Scene {
    let (log, mut room) = logging(config, app);
    let mut people = Vec::new();
    for number in 0..4 {
        if number == 3 {
            let sid = room.open_polling();
            let id = room.join_polling(&sid);
            people.push(Person { id, conn: None, sid, get: None });
            continue;
        }
        let (conn, id) = room.client();
        if number == 2 {
            room.join(conn, "/b");
        }
        people.push(Person { id, conn: Some(conn), sid: String::new(), get: None });
    }
    log.take();
    Scene { log, room, people }
}

fn scene() -> Scene {
    scene_of(plain(), app)
}

impl Scene {
    fn ids(&self) -> Vec<String> {
        self.people.iter().map(|person| person.id.clone()).collect()
    }

    fn teller(&self) -> ConnId {
        self.people[0].conn.expect("a WebSocket")
    }

    /// Has the app do this; its sender wants an answer.
    fn tell(&mut self, script: &Value) {
        // Offsets are made of the time.
        self.room.sleep(10);
        let text = format!(r#"429{}"#, json!(["do", script]));
        self.room.text(self.teller(), &text);
    }

    /// What each of them received since last asked.
    fn received(&mut self) -> Vec<Vec<String>> {
        let room = &mut self.room;
        let take = |person: &mut Person| match person.conn {
            Some(conn) => {
                let closed = if room.is_open(conn) { None } else { Some("closed".to_owned()) };
                room.frames(conn).into_iter().chain(closed).collect()
            }
            None => {
                let get = person.get.take().unwrap_or_else(|| room.get(&person.sid));
                match room.answer(get) {
                    Some(reply) => vec![reply.text().to_owned()],
                    None => {
                        person.get = Some(get);
                        Vec::new()
                    }
                }
            }
        };
        self.people.iter_mut().map(take).collect()
    }

    fn view(&mut self) -> Value {
        let conn = self.teller();
        self.room.text(conn, r#"428["view"]"#);
        let frames = self.room.frames(conn);
        let answer = frames.iter().find_map(|frame| frame.strip_prefix("438")).expect("an answer");
        serde_json::from_str(answer).expect("JSON")
    }

    /// What is stored, but for the places of events: those of events that were taken back stay used.
    fn rows(&self) -> Vec<String> {
        let tables = [
            "SELECT namespace, to_rooms, except_rooms, event FROM roomcast_log ORDER BY offset",
            "SELECT * FROM roomcast_timers",
            "SELECT * FROM roomcast_questions ORDER BY namespace, id",
            "SELECT * FROM roomcast_answers",
            "SELECT pid, id, namespace, data, gone FROM roomcast_sockets",
            "SELECT pid, json_extract(value, '$.r') FROM roomcast_sockets, json_each(stays)
                WHERE json_extract(value, '$.u') IS NULL",
            "SELECT * FROM roomcast_sessions",
            "SELECT * FROM roomcast_kv",
            "SELECT * FROM lines",
        ];
        let read = |sql: &&str| self.room.memory().query(sql, &[]).expect("a table");
        tables.iter().flat_map(read).map(|row| format!("{:?}", row.0)).collect()
    }

    /// All that can be seen from outside.
    fn seen(&mut self) -> (Value, Vec<Vec<String>>, Vec<String>, Vec<String>) {
        (self.view(), self.received(), self.log.take(), self.rows())
    }
}

/// A script by chance. Nobody is sent away by one that `stays`.
fn script(random: &mut Random, ids: &[String], stays: bool, depth: usize) -> Vec<Value> {
    let length = 1 + random.below(8);
    (0..length).map(|_| order(random, ids, stays, depth)).collect()
}

fn order(random: &mut Random, ids: &[String], stays: bool, depth: usize) -> Value {
    let number = random.below(1_000);
    let who = ids[random.below(ids.len())].clone();
    let room = *["red", "blue", "green"].get(random.below(3)).unwrap_or(&"red");
    let timer = if random.below(2) == 0 { "one" } else { "two" };
    let after = 100 * (1 + random.below(50));
    match random.below(if stays { 17 } else { 22 }) {
        0 | 1 => json!(["emit", number]),
        2 => json!(["emit to", room, number]),
        3 => json!(["volatile", number]),
        4 => json!(["emit in /b", number]),
        5 => json!(["ask", number]),
        6 | 7 => json!(["join", who, room]),
        8 => json!(["leave", who, room]),
        9 => json!(["join all", room]),
        10 => json!(["data", who, number]),
        11 => json!(["schedule", timer, after]),
        12 => json!(["timeout", timer, after]),
        13 => json!(["clear", timer]),
        14 => json!(["keep", if random.below(2) == 0 { "a" } else { "b" }, number]),
        15 => json!(["write", "line"]),
        16 | 17 if depth > 0 => {
            let mut inner = script(random, ids, stays, depth - 1);
            if random.below(2) == 0 {
                inner.push(json!(["fail"]));
            }
            json!(["try", inner])
        }
        18 | 19 => json!(["disconnect", who]),
        20 => json!(["close", who]),
        21 => json!(["empty /b"]),
        _ => json!(["emit to", who, number]),
    }
}

fn recovering() -> Config {
    Config { recovery: Millis(120_000), ..plain() }
}

#[test]
fn a_step_that_fails_leaves_everything_as_it_was_whatever_it_did() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let config = if seed % 2 == 0 { recovering() } else { plain() };
        // The other one fails at once.
        let [mut tried, mut plain] = [(); 2].map(|()| scene_of(config.clone(), app));
        let ids = tried.ids();
        for round in 0..6 {
            let before = script(&mut random, &ids, true, 1);
            // In the turn of what was done before, or in one of its own.
            let together = random.below(2) == 0;
            let mut failing = script(&mut random, &ids, false, 2);
            failing.push(json!(["fail"]));
            let what = format!("seed {seed}, round {round}: {before:?} then {failing:?}");
            for (scene, failing) in [(&mut tried, failing), (&mut plain, vec![json!(["fail"])])] {
                let step = json!(["step", failing]);
                if together {
                    scene.tell(&json!([before.as_slice(), &[step]].concat()));
                } else {
                    scene.tell(&json!(before));
                    scene.tell(&json!([step]));
                }
            }
            assert_eq!(tried.seen(), plain.seen(), "{what}");
            let wait = random.below(3_000) as u64;
            assert_eq!(tried.room.pass(wait), plain.room.pass(wait), "{what}: woken as often");
            if random.below(3) == 0 {
                for scene in [&mut tried, &mut plain] {
                    scene.room.restart();
                    // Who polls is lost with the object's memory.
                    scene.people.truncate(3);
                }
            }
            assert_eq!(tried.seen(), plain.seen(), "{what}: later");
        }
        assert_eq!(tried.room.pass(20_000), plain.room.pass(20_000));
        assert_eq!(tried.seen(), plain.seen(), "seed {seed}: in the end");
    }
}

#[test]
fn a_step_that_succeeds_does_what_it_would_do_without_being_one() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let config = if seed % 2 == 0 { recovering() } else { plain() };
        let mut scenes = [(); 3].map(|()| scene_of(config.clone(), app));
        let ids = scenes[0].ids();
        for round in 0..6 {
            // The teller stays.
            let script = script(&mut random, &ids[1..], false, 1);
            let what = format!("seed {seed}, round {round}: {script:?}");
            let nested: Vec<_> = script.iter().map(|order| json!(["step", [order]])).collect();
            scenes[0].tell(&json!(script));
            scenes[1].tell(&json!([["step", script]]));
            scenes[2].tell(&json!([["step", nested]]));
            let [without, within, nested] = [0, 1, 2].map(|at| {
                scenes[at].room.pass(500);
                scenes[at].seen()
            });
            assert_eq!(within, without, "{what}");
            assert_eq!(nested, without, "{what}, each in a step of its own");
        }
    }
}

/// What the script's answer says went wrong.
const FAILED: &str = r#"439[{"Err":{"code":"failed","message":"As it was told to."}}]"#;
/// The answer of a script that came to its end.
const DONE: &str = r#"439[{"Ok":null}]"#;

fn said(number: u32) -> String {
    format!(r#"42["said",{number}]"#)
}

#[test]
fn what_a_step_sends_leaves_in_order_events_answers_and_disconnects_alike() {
    let script = |[_, b, c, d]: &[String; 4]| {
        json!([
            ["emit", 1],
            ["disconnect", b],
            ["emit", 2],
            ["answer", "now"],
            ["emit to", c, 3],
            ["close", c],
            ["emit", 4],
            ["close", d],
            ["emit", 5],
        ])
    };
    for within in [false, true] {
        let mut s = scene();
        let ids = <[String; 4]>::try_from(s.ids()).expect("four");
        s.people[3].get = Some(s.room.get(&s.people[3].sid.clone()));
        let script = script(&ids);
        s.tell(&if within { json!([["step", script]]) } else { script });
        let [a, b, c, d] = <[_; 4]>::try_from(s.received()).expect("four");
        assert_eq!(a, [said(1), said(2), r#"439["now"]"#.to_owned(), said(4), said(5)], "step: {within}");
        assert_eq!(b, [said(1), "41".to_owned()], "step: {within}: it gets what was for it before");
        let gone = ["41", "41/b,", "closed"].map(str::to_owned);
        assert_eq!(c, [vec![said(1), said(2), said(3)], gone.to_vec()].concat(), "step: {within}");
        let polled = [said(1), said(2), said(4), "41".to_owned()].join("\u{1e}");
        assert_eq!(d, [polled], "step: {within}");
    }
}

#[test]
fn nothing_of_a_failed_step_is_sent_or_told_of() {
    let mut s = scene();
    let ids = s.ids();
    let before = s.view();
    s.tell(&json!([[
        "step",
        [
            ["emit", 1],
            ["ask", 2],
            ["answer", "too early"],
            ["join", ids[1], "red"],
            ["data", ids[1], 7],
            ["disconnect", ids[1]],
            ["close", ids[2]],
            ["close", ids[3]],
            ["close", ids[0]],
            ["schedule", "one", 1_000],
            ["timeout", "two", 1_000],
            ["keep", "a", 1],
            ["write", "line"],
            ["fail"],
        ]
    ]]));
    assert_eq!(s.received(), [[""; 0]; 4], "the answer is gone with the step: the app gave it away in there");
    assert_eq!(s.log.take(), [""; 0], "no room has changed, nobody has left, nothing was sent");
    assert_eq!(s.view(), before);
    s.room.pass(60_000);
    assert_eq!(s.log.take().iter().filter(|line| !line.starts_with("left")).count(), 0, "and no timer fires");
}

#[test]
fn of_nested_steps_the_outer_one_decides() {
    let inner = |end: &str| json!([["emit", 2], ["schedule", "one", 1_000], [end, 3]]);
    for (script, heard, rings) in [
        (json!([["step", [["emit", 1], ["try", inner("fail")], ["emit", 4]]]]), vec![said(1), said(4)], 0),
        (json!([["step", [["emit", 1], ["try", inner("emit")], ["emit", 4]]]]), (1..=4).map(said).collect(), 1),
        (json!([["step", [["emit", 1], ["try", inner("emit")], ["fail"]]]]), vec![], 0),
        (json!([["step", [["emit", 1], ["step", inner("fail")], ["emit", 4]]]]), vec![], 0),
        (json!([["emit", 1], ["try", [["try", inner("emit")], ["fail"]]], ["emit", 4]]), vec![said(1), said(4)], 0),
    ] {
        let mut s = scene();
        s.tell(&script);
        let received = s.received();
        assert_eq!(received[1], heard, "{script}");
        let answered = received[0].last().expect("an answer").clone();
        assert!([DONE, FAILED].contains(&answered.as_str()), "{script}: {answered}");
        s.log.take();
        s.room.pass(2_000);
        assert_eq!(s.log.take().iter().filter(|line| line.starts_with("one at")).count(), rings, "{script}");
    }
}

#[test]
fn timers_that_a_failed_step_has_moved_or_cleared_fire_as_they_were_set() {
    for again in [json!(["schedule", "one", 50]), json!(["timeout", "one", 50]), json!(["clear", "one"])] {
        for (kind, restart) in [("schedule", false), ("schedule", true), ("timeout", false)] {
            let mut s = scene();
            s.tell(&json!([[kind, "one", 1_000]]));
            let at = s.room.now() + Millis(1_000);
            s.tell(&json!([["step", [again, ["schedule", "two", 60], ["fail"]]]]));
            if restart {
                s.room.restart();
                s.people.truncate(3);
            }
            s.log.take();
            s.room.pass(5_000);
            let rung = s.log.take();
            assert_eq!(rung.last(), Some(&format!("one at {}", at.0)), "{kind}, then {again}");
            assert!(!rung.iter().any(|line| line.starts_with("two")), "{kind}, then {again}");
            assert_eq!(rung.iter().filter(|line| line.starts_with("one")).count(), 1, "{kind}, then {again}");
        }
    }
}

#[test]
fn a_client_whose_disconnect_is_undone_goes_on_as_if_nothing_had_happened() {
    for how in ["disconnect", "close"] {
        let mut s = scene_of(recovering(), app);
        let mut traveller = Traveller::new(&mut s.room);
        let id = traveller.id.clone();
        s.tell(&json!([["join", id, "red"], ["data", id, {"name": "Ada"}]]));
        // In the turn in which something else about it changed.
        s.tell(&json!([["join", id, "blue"], ["try", [["leave", id, "red"], [how, id], ["emit", 1], ["fail"]]]]));
        assert!(traveller.events(&mut s.room).is_empty(), "{how}");
        assert!(s.room.is_open(traveller.conn), "{how}");
        // Events and acks.
        let view = |room: &mut Room| room.call(traveller.conn, "view", &json!(null));
        let before = view(&mut s.room);
        let own = before[0]["sockets"].as_array().and_then(|all| all.iter().find(|one| one[0] == json!(id)).cloned());
        let mut rooms = vec![id.clone(), "blue".to_owned(), "red".to_owned()];
        rooms.sort_unstable();
        assert_eq!(own, Some(json!([id, rooms, {"name": "Ada"}, true])), "{how}");
        // Rooms, before and after the object has lost its memory.
        for round in 0..2 {
            s.tell(&json!([["emit to", "red", 2], ["emit to", "blue", 3]]));
            assert_eq!(traveller.events(&mut s.room), [json!(["said", 2]), json!(["said", 3])], "{how}, {round}");
            s.room.restart();
            s.people.truncate(3);
        }
        // And it can be lost and come back.
        s.room.hang_up(traveller.conn, true);
        s.tell(&json!([["emit to", "blue", 4]]));
        s.room.crash();
        assert_eq!(traveller.come_back(&mut s.room), [json!(["said", 4])], "{how}");
        assert!(traveller.recovered && traveller.id == id, "{how}");
    }
}

#[test]
fn a_question_that_was_taken_back_is_not_answered_and_its_id_is_free() {
    let mut s = scene();
    s.tell(&json!([["try", [["ask", 1], ["fail"]]], ["ask", 2]]));
    let received = s.received();
    assert_eq!(received[1], [r#"420["asked",2]"#], "the first id");
    for at in [0, 1, 2] {
        let conn = s.people[at].conn.expect("a WebSocket");
        s.room.text(conn, "430[]");
    }
    s.log.take();
    s.room.pass(5_000);
    let log = s.log.take();
    let answers: Vec<_> = log.iter().filter(|line| line.starts_with("answered")).collect();
    assert_eq!(answers.len(), 1, "{log:?}");
    assert!(
        answers[0].contains(&s.people[2].id)
            && answers[0].ends_with(&format!("{:?}]", SocketId::from_wire(&s.people[3].id)))
    );
}
