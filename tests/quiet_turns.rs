//! A turn that writes nothing costs no transaction, and one that writes unexpectedly is as whole as any other.

#![allow(clippy::indexing_slicing, clippy::expect_used, reason = "what goes wrong in here fails the test")]

mod support;

use roomcast::app::{Error, Handlers, Io, Result};
use roomcast::ids::ConnId;
use serde_json::{Value, json};
use support::{Room, plain};

/// As many quiet turns as make the next one expected to be quiet too.
const QUIET: u64 = 20;

/// Does to the app's values what a list says; gives what was read.
fn run(io: &Io<'_>, script: &[Value]) -> Result<Vec<Value>> {
    let kv = io.kv();
    let mut read = Vec::new();
    for order in script {
        let key = order[1].as_str().unwrap_or_default();
        match order[0].as_str().unwrap_or_default() {
            "put" => kv.put(key, &order[2])?,
            "delete" => kv.delete(key)?,
            "get" => read.push(kv.get(key)?.unwrap_or(Value::Null)),
            "list" => read.push(json!(kv.list::<Value>(key)?)),
            // A part that fails, which the rest survives.
            "try" => {
                let part = order[1].as_array().cloned().unwrap_or_default();
                read.push(json!(io.atomically(|| run(io, &part)).is_ok()));
            }
            _ => return Err(Error::new("failed", "As it was told to.")),
        }
    }
    Ok(read)
}

/// A room whose turns are expected to write nothing, as long as there is nothing in its script.
fn quiet_room() -> (Room, ConnId) {
    let handlers = || {
        Handlers::new()
            .on("run", |socket, script: Vec<Value>| run(&socket.io, &script))
            .on("whole", |socket, script: Vec<Value>| socket.io.atomically(|| run(&socket.io, &script)))
            .on("hello", |socket, ()| socket.broadcast().emit("hello", &()))
    };
    let mut room = Room::new(plain(), handlers);
    let (conn, _) = room.client();
    for _ in 0..QUIET {
        room.emit(conn, &json!(["hello"]));
    }
    (room, conn)
}

#[test]
fn a_turn_that_writes_nothing_has_no_transaction() {
    let (mut room, conn) = quiet_room();
    let before = room.memory().commits();
    room.emit(conn, &json!(["hello"]));
    assert_eq!(room.call(conn, "run", &json!([["get", "a"]])), json!([null]));
    assert_eq!(room.memory().commits(), before);
}

#[test]
fn one_that_writes_has_a_transaction_and_so_have_those_after_it() {
    let (mut room, conn) = quiet_room();
    let before = room.memory().commits();
    room.call(conn, "run", &json!([["put", "a", 1], ["put", "b", 2]]));
    assert_eq!(room.memory().commits(), before + 1);
    room.emit(conn, &json!(["hello"]));
    assert_eq!(room.memory().commits(), before + 2);
}

#[test]
fn what_is_read_is_what_was_written_before_in_the_same_turn() {
    let (mut room, conn) = quiet_room();
    let script = json!([["put", "a", 1], ["get", "a"], ["put", "a", 2], ["list", ""], ["delete", "a"], ["get", "a"]]);
    assert_eq!(room.call(conn, "run", &script), json!([1, [["a", 2]], null]));
    assert_eq!(room.call(conn, "run", &json!([["get", "a"]])), json!([null]));
}

#[test]
fn a_step_that_fails_leaves_nothing_whatever_was_read_in_it() {
    let (mut room, conn) = quiet_room();
    let script = json!([["put", "a", 1], ["try", [["put", "a", 2], ["get", "a"], ["fail"]]], ["get", "a"]]);
    assert_eq!(room.call(conn, "run", &script), json!([false, 1]));
    let (mut room, conn) = quiet_room();
    room.call(conn, "whole", &json!([["put", "a", 1], ["get", "a"], ["fail"]]));
    assert_eq!(room.call(conn, "run", &json!([["get", "a"]])), json!([null]));
}

#[test]
fn a_write_that_fails_is_told_at_once() {
    let (mut room, conn) = quiet_room();
    room.fail_writes(true);
    let answer = room.call(conn, "run", &json!([["put", "a", 1]]));
    assert_eq!(answer["code"], "storage", "{answer}");
    room.fail_writes(false);
    assert_eq!(room.call(conn, "run", &json!([["put", "a", 1], ["get", "a"]])), json!([1]));
}

#[test]
fn many_writes_are_each_done_twice_at_most() {
    let (mut room, conn) = quiet_room();
    room.memory().rows_written();
    let script: Vec<_> = (0..100).map(|number| json!(["put", format!("k{number}"), number])).collect();
    room.call(conn, "run", &json!(script));
    let written = room.memory().rows_written();
    assert!(written <= 200, "{written}");
    assert_eq!(room.call(conn, "run", &json!([["get", "k99"]])), json!([99]));
}

#[test]
fn where_its_commit_fails_the_turn_is_lost() {
    let (mut room, conn) = quiet_room();
    room.memory().fail_commits(1..2);
    room.emit(conn, &json!(["run", [["put", "a", 1]]]));
    let (other, _) = room.client();
    assert_eq!(room.call(other, "run", &json!([["get", "a"]])), json!([null]));
}
