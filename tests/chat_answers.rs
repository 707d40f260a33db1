//! How large the chat's answers become: their lists are bounded in bytes, and pages miss nothing.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that uses it"
)]

mod support;

use roomcast::config::Config;
use serde_json::{Value, json};
use support::people::{ChatRoom, Person, config, connect};

/// What the lists of one answer have at most, in bytes of JSON, and what may stand around them.
const ANSWER_BYTES: usize = 65_536;
const AROUND: usize = 1_000;
/// How many rows are read at once.
const READ_ROWS: u64 = 8;

/// A room that asks no client whether it has read its answers: these are large, and many.
fn room() -> ChatRoom {
    support::people::room(Config { max_buffered: 1 << 30, max_room_buffered: 1 << 30, ..config() })
}

/// Texts that have as many bytes in JSON as texts may, and others between them.
fn mixed_text(n: usize) -> String {
    match n % 5 {
        0 => "\u{1}".repeat(4_000),
        1 => "😀".repeat(4_000),
        2 => "x".repeat(997 * (n % 4)) + "-",
        _ => format!("message {n}"),
    }
}

fn say(room: &mut ChatRoom, person: &mut Person, text: &str) {
    let answer = person.ask(room, "message", &json!({"text": text}));
    assert!(answer["id"].is_u64(), "{answer}");
}

fn texts(page: &Value) -> Vec<String> {
    page["messages"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// The id of an entry; a page that says that there is more has one.
fn id_of(page: &Value, list: &str, last: bool) -> Value {
    let entries = page[list].as_array().unwrap();
    let entry = if last { entries.last() } else { entries.first() };
    entry.unwrap()["id"].clone()
}

/// The page, which has no more than it may.
fn bounded(page: Value) -> Value {
    let bytes = page.to_string().len();
    assert!(bytes <= ANSWER_BYTES + AROUND, "{bytes} bytes");
    page
}

#[test]
fn pages_of_long_messages_are_short_and_asking_on_gives_every_message_once() {
    let mut room = room();
    let mut ada = Person::enter(&mut room, "Ada");
    let said: Vec<_> = (0..140).map(mixed_text).collect();
    for text in &said {
        say(&mut room, &mut ada, text);
    }
    let mut newest = bounded(ada.ask(&mut room, "history", &json!({})));
    let mut back = texts(&newest);
    while newest["more"] == true {
        newest = bounded(ada.ask(&mut room, "history", &json!({"before": id_of(&newest, "messages", false)})));
        back.splice(0..0, texts(&newest));
    }
    assert_eq!(back, said);
    let mut forth = Vec::new();
    let mut pages = 0;
    let mut after = json!(0);
    for event in ["join", "history"].iter().cycle() {
        let page = bounded(ada.ask(&mut room, event, &json!({"name": "Ada", "after": after})));
        forth.extend(texts(&page));
        pages += 1;
        if page["more"] != true {
            break;
        }
        after = id_of(&page, "messages", true);
    }
    assert_eq!(forth, said);
    assert!(pages > 140 / 50 + 1, "{pages} pages");
}

#[test]
fn a_page_of_the_longest_messages_is_full_up_to_the_bound_and_reads_few_rows_more_than_it_has() {
    for (text, least) in [("\u{1}", 2), ("😀", 4), ("é", 8), ("x", 15)] {
        let mut room = room();
        let mut ada = Person::enter(&mut room, "Ada");
        for _ in 0..60 {
            say(&mut room, &mut ada, &text.repeat(4_000));
        }
        room.memory().rows_read();
        let page = bounded(ada.ask(&mut room, "history", &json!({})));
        let (count, read) = (texts(&page).len(), room.memory().rows_read());
        assert!((least..50).contains(&count), "{count} messages of {text:?}");
        assert_eq!(page["more"], true);
        assert!(read <= count as u64 + READ_ROWS, "{read} rows for {count} messages");
    }
}

#[test]
fn a_page_of_short_messages_has_50_and_reads_51_rows() {
    let mut room = room();
    let mut ada = Person::enter(&mut room, "Ada");
    for n in 0..60 {
        say(&mut room, &mut ada, &format!("message {n}"));
    }
    for (payload, count, rows) in [(json!({}), 50, 51), (json!({"after": 0}), 50, 51), (json!({"before": 0}), 0, 0)] {
        room.memory().rows_read();
        assert_eq!(texts(&ada.ask(&mut room, "history", &payload)).len(), count);
        assert_eq!(room.memory().rows_read(), rows, "{payload}");
    }
}

#[test]
fn very_many_members_are_told_page_by_page_and_each_once() {
    let mut room = room();
    let name = "\u{1}".repeat(31);
    let mut ada = Person::enter(&mut room, "Ada");
    for _ in 0..600 {
        let (_, answer) = connect(&mut room, &json!({"name": format!("{name}-")}));
        assert!(answer.is_ok());
    }
    for _ in 0..5 {
        ada.events(&mut room);
        say(&mut room, &mut ada, &"\u{1}".repeat(4_000));
    }
    let joined = bounded(ada.join(&mut room));
    assert_eq!((&joined["moreMembers"], &joined["more"]), (&json!(true), &json!(true)));
    let ids = |page: &Value| -> Vec<String> {
        page["members"].as_array().unwrap().iter().map(|member| member["id"].to_string()).collect()
    };
    let mut all = ids(&joined);
    let mut page = joined;
    while page["more"] == true {
        page = bounded(ada.ask(&mut room, "members", &json!({"after": id_of(&page, "members", true)})));
        all.extend(ids(&page));
    }
    assert_eq!(all.len(), 601);
    assert!(all.is_sorted_by(|a, b| a < b));
    let first = bounded(ada.ask(&mut room, "members", &json!({})));
    assert_eq!(ids(&first)[..], all[..ids(&first).len()]);
    let beyond = ada.ask(&mut room, "members", &json!({"after": "~"}));
    assert_eq!(beyond, json!({"members": [], "more": false}));
}

#[test]
fn the_members_of_a_room_are_told_to_members_alone() {
    let mut room = room();
    let mut ada = Person::enter(&mut room, "Ada");
    let mut guest = Person::guest(&mut room);
    assert_eq!(guest.ask(&mut room, "members", &json!({}))["code"], "not_joined");
    let listed = json!([{"id": ada.id, "name": "Ada", "away": false}]);
    assert_eq!(ada.ask(&mut room, "members", &json!({})), json!({"members": listed, "more": false}));
    assert_eq!(ada.ask(&mut room, "members", &json!({"after": 7}))["code"], "invalid_payload");
}
