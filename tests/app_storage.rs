//! What an app stores: its own tables, and steps that happen whole or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what goes wrong in here fails the test")]

mod support;

use roomcast::app::{App, Error, Event, Io, Result, Schema};
use roomcast::config::Config;
use roomcast::database::{Database, Part, Row, Value, migrate};
use support::{Memory, Room, plain};

/// An app that counts in a table and tells everybody.
struct Tally {
    schema: &'static [&'static str],
}

const MAKE: &str = "CREATE TABLE tally (name TEXT PRIMARY KEY, value INTEGER); INSERT INTO tally VALUES ('made', 1)";
const FIRST: &[&str] = &[MAKE];
const LATER: &[&str] = &[MAKE, "INSERT INTO tally VALUES ('later', 1)"];

impl App for Tally {
    fn schema(&self) -> Schema {
        Schema { app: "tally", steps: self.schema }
    }

    fn event(&mut self, io: &Io<'_>, event: Event<'_>) {
        let done = match event.name {
            "all" => step(io, None),
            "fail" => step(io, Some(Error::NotJson("at the end".to_owned()))),
            "nested" => io.atomically(|| {
                step(io, None)?;
                _ = step(io, Some(Error::ReservedName));
                step(io, None)
            }),
            "nested in vain" => io.atomically(|| {
                step(io, None)?;
                Err(Error::ReservedName)
            }),
            _ => io.sql("no SQL", &[]).map(drop),
        };
        io.answer(event.ack.expect("an ack"), &done.map_err(|error| error.to_string())).unwrap();
    }
}

/// Counts and tells, and fails in the end or not.
fn step(io: &Io<'_>, failure: Option<Error>) -> Result {
    io.atomically(|| {
        const ADD: &str = "INSERT INTO tally VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1";
        io.sql(ADD, &["steps".into(), Value::Integer(1)])?;
        io.all().emit("counted", &1)?;
        failure.map_or(Ok(()), Err)
    })
}

fn room(memory: &Memory, schema: &'static [&'static str]) -> Room {
    Room::on(memory.clone(), plain(), move || Tally { schema }).unwrap()
}

const STEPS: &str = "SELECT coalesce(max(value), 0) FROM tally WHERE name = 'steps'";

#[test]
fn a_step_happens_whole_or_not_at_all() {
    let memory = Memory::default();
    let mut room = room(&memory, FIRST);
    let (conn, _) = room.client();
    for (event, answer, stored, told) in [
        ("all", r#"{"Ok":null}"#, 1, 1),
        ("fail", r#"{"Err":"the value can't be written as JSON: at the end"}"#, 1, 0),
        ("nested", r#"{"Ok":null}"#, 3, 2),
        ("nested in vain", r#"{"Err":"an event can't have a name that is reserved"}"#, 3, 0),
    ] {
        room.text(conn, &format!(r#"421["{event}"]"#));
        let mut frames = room.frames(conn);
        let ack = frames.iter().position(|frame| frame.starts_with("43")).map(|at| frames.remove(at));
        assert_eq!(ack, Some(format!("431[{answer}]")));
        assert_eq!((frames, memory.number(STEPS)), (vec![r#"42["counted",1]"#.to_owned(); told], stored), "{event}");
    }
}

#[test]
fn what_a_step_would_have_sent_can_not_be_recovered_either() {
    let memory = Memory::default();
    let mut room = Room::on(memory.clone(), Config::default(), || Tally { schema: FIRST }).unwrap();
    let (conn, _) = room.client();
    room.text(conn, r#"421["fail"]"#);
    assert_eq!(memory.number("SELECT count(*) FROM roomcast_log"), 0);
    room.text(conn, r#"421["all"]"#);
    assert_eq!(memory.number("SELECT count(*) FROM roomcast_log"), 1);
}

#[test]
fn a_failing_storage_stops_a_step_and_a_wrong_statement_is_told() {
    let memory = Memory::default();
    let mut room = room(&memory, FIRST);
    let (conn, _) = room.client();
    room.fail_writes(true);
    room.text(conn, r#"421["all"]"#);
    assert_eq!(room.frames(conn), [r#"431[{"Err":"the room can't store it: database or disk is full"}]"#]);
    room.fail_writes(false);
    room.text(conn, r#"421["wrong"]"#);
    let frames = room.frames(conn);
    assert!(frames[0].starts_with(r#"431[{"Err":"the room can't store it: near "#), "{frames:?}");
}

#[test]
fn the_steps_of_a_schema_run_once_each_and_new_ones_later() {
    let memory = Memory::default();
    for (schema, rows) in [(FIRST, 1), (FIRST, 1), (LATER, 2), (LATER, 2)] {
        room(&memory, schema);
        assert_eq!(memory.number("SELECT count(*) FROM tally"), rows);
    }
    let older = Room::on(memory, plain(), || Tally { schema: FIRST });
    assert!(older.is_err(), "a release that doesn't know the tables keeps its hands off them");
}

/// Semicolons in a trigger, in literals, in quoted names and in comments; and nothing behind the last statement but a comment.
const SCRIPT: &str = r#"
    CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT DEFAULT 'none; yet', price REAL);
    CREATE TABLE "log; of orders" (note TEXT); -- one row an order; none is ever deleted
    /* The trigger's own
       statements; they end with END; */
    CREATE TRIGGER orders_logged AFTER INSERT ON orders BEGIN
        INSERT INTO "log; of orders" VALUES (new.note || ';');
        UPDATE orders SET price = coalesce(new.price, -1) WHERE id = new.id;
    END;
    INSERT INTO orders (price) VALUES (2.5);
    -- the end;
"#;

#[test]
fn a_step_may_have_triggers_and_semicolons_in_literals_and_comments() {
    let memory = Memory::default();
    for _ in 0..2 {
        migrate(&memory, &[Part::new("orders", &[SCRIPT])]).unwrap();
        let rows = memory.query("SELECT note FROM \"log; of orders\"", &[]).unwrap();
        assert_eq!(rows, [Row(vec![Value::Text("none; yet;".into())])]);
    }
    memory.query("INSERT INTO orders (note) VALUES ('a;b')", &[]).unwrap();
    let rows = memory.query("SELECT note, price FROM orders WHERE id = 2", &[]).unwrap();
    assert_eq!((rows[0].text(0), rows[0].real(1)), (Some("a;b"), Some(-1.0)));
}

#[test]
fn a_row_has_whole_numbers_below_zero_and_others() {
    let table: [(Value<'_>, _, _, _); 8] = [
        (Value::Integer(7), Some(7), Some(7), Some(7.0)),
        (Value::Integer(-7), None, Some(-7), Some(-7.0)),
        (Value::Integer(i64::MIN), None, Some(i64::MIN), Some(i64::MIN as f64)),
        // The runtime gives whole numbers like this.
        (Value::Real(-7.0), None, Some(-7), Some(-7.0)),
        (Value::Real(2.5), None, None, Some(2.5)),
        (Value::Real(1e300), None, None, Some(1e300)),
        (Value::Text("7".into()), None, None, None),
        (Value::Null, None, None, None),
    ];
    for (value, number, integer, real) in table {
        let row = Row(vec![value]);
        assert_eq!((row.number(0), row.integer(0), row.real(0)), (number, integer, real), "{row:?}");
        assert_eq!((row.number(1), row.integer(1), row.real(1)), (None, None, None));
    }
}

#[test]
fn a_step_of_a_schema_that_fails_leaves_nothing_of_itself() {
    let memory = Memory::default();
    const BROKEN: &[&str] = &["CREATE TABLE half (x INTEGER); no SQL"];
    assert!(Room::on(memory.clone(), plain(), || Tally { schema: BROKEN }).is_err());
    assert_eq!(memory.number("SELECT count(*) FROM sqlite_master WHERE name = 'half'"), 0);
    room(&memory, FIRST);
}
