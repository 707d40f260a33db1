//! What was said is kept, once each: messages that are sent again, storage that fails, pages, and what is let go.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that uses it"
)]

mod support;

use roomcast::chat::chat_that_keeps;
use serde_json::{Value, json};
use support::people::{ChatRoom, Person, config, forget, key_of};
use support::{Memory, Room, START};

fn room() -> ChatRoom {
    support::people::room(config())
}

fn texts(page: &Value) -> Vec<&str> {
    page["messages"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect()
}

/// The messages with these numbers, as [`talk`] writes them.
fn numbered(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|n| format!("message {n}")).collect()
}

/// Somebody says so many messages, more than one a millisecond; gives their ids.
fn talk(room: &mut ChatRoom, person: &mut Person, count: usize) -> Vec<u64> {
    let say = |n| {
        room.pass(n as u64 % 2);
        let answer = person.ask(room, "message", &json!({"text": format!("message {n}")}));
        answer["id"].as_u64().unwrap()
    };
    (0..count).map(say).collect()
}

fn code(answer: &Value) -> &str {
    answer["code"].as_str().unwrap_or_default()
}

#[test]
fn a_message_sent_again_gets_the_first_answer_and_nobody_hears_it_again() {
    type Meanwhile = fn(&mut ChatRoom, &mut Person, &mut Person);
    let meanwhile: [Meanwhile; 4] = [
        |_, _, _| {},
        |room, _, _| room.restart(),
        |room, ada, bob| {
            room.crash();
            for person in [ada, bob] {
                assert_eq!(person.recover(room), [json!(null); 0]);
            }
        },
        |room, ada, _| {
            ada.leave(room);
            *ada = Person::enter(room, "Ada");
        },
    ];
    for happen in meanwhile {
        let mut room = room();
        let (mut ada, mut bob) = (Person::enter(&mut room, "Ada"), Person::enter(&mut room, "Bob"));
        forget(&mut room, &mut [&mut ada]);
        let first = ada.say(&mut room, "once", "m-1");
        assert_eq!(bob.heard(&mut room), ["newMessage once"]);
        room.pass(5_000);
        happen(&mut room, &mut ada, &mut bob);
        bob.events(&mut room);
        for text in ["once", "other words under the same id"] {
            assert_eq!(ada.say(&mut room, text, "m-1"), first);
        }
        let next = ada.say(&mut room, "next", "m-2");
        assert!(next["id"].as_u64() > first["id"].as_u64());
        assert_eq!(bob.heard(&mut room), ["newMessage next"]);
        assert_eq!(texts(&bob.join(&mut room)), ["once", "next"]);
    }
}

#[test]
fn an_id_is_the_persons_on_each_of_their_connections_and_nobody_elses() {
    let mut room = room();
    let (mut ada, mut bob) = (Person::enter(&mut room, "Ada"), Person::enter(&mut room, "Bob"));
    let mut tab = Person::enter(&mut room, "Ada");
    let (mut eve, mut mallory) = (Person::keyless(&mut room, "Eve"), Person::keyless(&mut room, "Eve"));
    let all = |ada, bob, tab, eve, mallory, room: &mut ChatRoom| forget(room, &mut [ada, bob, tab, eve, mallory]);
    all(&mut ada, &mut bob, &mut tab, &mut eve, &mut mallory, &mut room);
    let first = ada.say(&mut room, "hers", "m-1");
    tab.events(&mut room);
    assert_eq!(tab.say(&mut room, "hers", "m-1"), first, "her other tab");
    for (other, text) in [(&mut bob, "his"), (&mut eve, "Eve's"), (&mut mallory, "Mallory's")] {
        other.events(&mut room);
        assert_ne!(other.say(&mut room, text, "m-1")["id"], first["id"]);
    }
    assert_eq!(ada.heard(&mut room), ["newMessage his", "newMessage Eve's", "newMessage Mallory's"]);
    eve.vanish(&mut room);
    eve.recover(&mut room);
    let again = eve.say(&mut room, "Eve's", "m-1");
    assert_eq!(eve.join(&mut room)["messages"][2]["id"], again["id"], "who recovers is still the same, without a key");
    assert_eq!(texts(&ada.join(&mut room)), ["hers", "his", "Eve's", "Mallory's"]);
}

#[test]
fn messages_without_an_id_are_as_many_as_were_sent() {
    let mut room = room();
    let (mut ada, mut bob) = (Person::enter(&mut room, "Ada"), Person::enter(&mut room, "Bob"));
    forget(&mut room, &mut [&mut ada]);
    for payload in [json!({"text": "same"}), json!({"text": "same", "id": null})] {
        ada.ask(&mut room, "message", &payload);
    }
    assert_eq!(bob.heard(&mut room), ["newMessage same"; 2]);
    assert_eq!(texts(&bob.join(&mut room)), ["same"; 2]);
}

#[test]
fn what_can_not_be_stored_reaches_nobody_and_may_be_sent_again() {
    type Failure = fn(&mut ChatRoom, bool);
    // Everything fails; or the message is stored, and then the event isn't.
    let failures: [Failure; 2] = [
        |room, fail| room.fail_writes(fail),
        |room, fail| {
            let trigger = "CREATE TRIGGER full BEFORE INSERT ON roomcast_log BEGIN SELECT RAISE(FAIL, 'full'); END";
            room.memory().script(if fail { trigger } else { "DROP TRIGGER full" });
        },
    ];
    for fail in failures {
        let mut room = room();
        let (mut ada, mut bob) = (Person::enter(&mut room, "Ada"), Person::enter(&mut room, "Bob"));
        let mut tutorial = Person::guest(&mut room);
        forget(&mut room, &mut [&mut ada]);
        let first = ada.say(&mut room, "first", "m-1");
        forget(&mut room, &mut [&mut bob, &mut tutorial]);
        fail(&mut room, true);
        // Where it shows only at the end of the turn, the turn is lost; after that, it shows at once.
        room.text(ada.conn, r#"42["message",{"text":"lost","id":"m-2"}]"#);
        match room.close_code(ada.conn) {
            Some(code) => {
                assert_eq!(code, Some(1011));
                ada.recover(&mut room);
            }
            None => assert_eq!(ada.events(&mut room).len(), 1),
        }
        assert_eq!(code(&ada.say(&mut room, "lost", "m-2")), "storage");
        assert_eq!(
            code(&tutorial.ask(&mut room, "createdMessage", &json!({"author": "T", "message": "x"}))),
            "storage"
        );
        room.text(ada.conn, r#"42["message",{"text":"lost","id":"m-2"}]"#);
        let errors = ada.events(&mut room);
        assert_eq!((errors.len(), &errors[0][0], code(&errors[0][1])), (1, &json!("error"), "storage"));
        assert_eq!(ada.say(&mut room, "first", "m-1"), first, "what is stored is still known");
        assert_eq!((bob.heard(&mut room), tutorial.heard(&mut room)), (vec![], vec![]));
        assert_eq!(texts(&bob.join(&mut room)), ["first"]);
        fail(&mut room, false);
        let answer = ada.say(&mut room, "lost", "m-2");
        assert!(answer["id"].as_u64() > first["id"].as_u64(), "{answer}");
        assert_eq!(ada.say(&mut room, "lost", "m-2"), answer);
        assert_eq!(bob.heard(&mut room), ["newMessage lost"]);
        assert_eq!(tutorial.heard(&mut room), ["newIncomingMessage lost"]);
        room.restart();
        assert_eq!(texts(&bob.join(&mut room)), ["first", "lost"]);
    }
}

#[test]
fn ids_grow_through_restarts_and_crashes_within_a_millisecond() {
    let mut room = room();
    let mut ada = Person::enter(&mut room, "Ada");
    let mut last = START.0 * 1_000 - 1;
    for round in 0..20 {
        let id = ada.say(&mut room, "x", &format!("m-{round}"))["id"].as_u64().unwrap();
        assert!(id > last && id <= 1 << 53, "{id} after {last}");
        last = id;
        match round % 4 {
            0 => _ = room.pass(1),
            1 => room.restart(),
            2 => {
                room.crash();
                ada.recover(&mut room);
            }
            _ => {}
        }
    }
}

#[test]
fn pages_have_50_messages_and_tell_whether_there_are_more() {
    for (total, first, more) in [(0, 0, false), (50, 0, false), (51, 1, true), (120, 70, true)] {
        let mut room = room();
        let mut ada = Person::enter(&mut room, "Ada");
        let ids = talk(&mut room, &mut ada, total);
        let last = ada.join(&mut room);
        assert_eq!((texts(&last), &last["more"]), (str_of(&numbered(first, total)), &json!(more)), "{total}");
        let same = ada.ask(&mut room, "history", &json!({}));
        assert_eq!((&same["messages"], &same["more"]), (&last["messages"], &last["more"]));
        assert_eq!(same.as_object().unwrap().len(), 2);
        // Each page of both directions, and what is between ids that exist.
        for at in (0..total).step_by(7) {
            let before = ada.ask(&mut room, "history", &json!({"before": ids[at]}));
            let from = at.saturating_sub(50);
            assert_eq!((texts(&before), &before["more"]), (str_of(&numbered(from, at)), &json!(from > 0)));
            let to = total.min(at + 51);
            let after = ada.ask(&mut room, "history", &json!({"after": ids[at]}));
            assert_eq!((texts(&after), &after["more"]), (str_of(&numbered(at + 1, to)), &json!(to < total)));
            let joined = ada.ask(&mut room, "join", &json!({"name": "Ada", "after": ids[at]}));
            assert_eq!((&joined["messages"], &joined["more"]), (&after["messages"], &after["more"]));
            let between = ada.ask(&mut room, "history", &json!({"after": ids[at] - 1}));
            assert_eq!(texts(&between)[0], format!("message {at}"));
        }
        // Ids that nobody ever had.
        for (payload, expected, more) in [
            (json!({"before": 0}), vec![], false),
            (json!({"before": u64::MAX}), numbered(first, total), more),
            (json!({"after": 0}), numbered(0, total.min(50)), total > 50),
            (json!({"after": u64::MAX}), vec![], false),
            (json!({"after": 0, "before": null}), numbered(0, total.min(50)), total > 50),
        ] {
            let page = ada.ask(&mut room, "history", &payload);
            assert_eq!((texts(&page), &page["more"]), (str_of(&expected), &json!(more)), "{total} {payload}");
        }
    }
}

fn str_of(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[test]
fn a_page_shows_messages_as_they_were_said() {
    let mut room = room();
    let mut ada = Person::enter(&mut room, "Ada");
    let mut tutorial = Person::guest(&mut room);
    let text = " é \"😀\"\n\u{0}</b>";
    let first = ada.ask(&mut room, "message", &json!({"text": text}));
    tutorial.events(&mut room);
    room.pass(5);
    tutorial.ask(&mut room, "createdMessage", &json!({"author": " Eve ", "message": " hello "}));
    ada.events(&mut room);
    ada.ask(&mut room, "join", &json!({"name": "Ada L."}));
    let messages = ada.join(&mut room)["messages"].clone();
    let author = json!({"id": ada.id, "name": "Ada"});
    let [said, relayed] = [&messages[0], &messages[1]];
    assert_eq!(
        *said,
        json!({"id": first["id"], "time": START.0, "author": author, "text": text}),
        "a name of that time"
    );
    assert_eq!((&relayed["author"], &relayed["text"]), (&json!({"name": "Eve"}), &json!(" hello ")), "without an id");
    assert_eq!(relayed["time"], START.0 + 5);
    assert!(relayed["id"].as_u64() > said["id"].as_u64());
    room.restart();
    assert_eq!(ada.join(&mut room)["messages"], messages);
}

#[test]
fn who_was_away_gets_what_came_after_the_last_message_seen() {
    let mut room = room();
    let (mut ada, mut bob) = (Person::enter(&mut room, "Ada"), Person::enter(&mut room, "Bob"));
    forget(&mut room, &mut [&mut ada]);
    let seen = ada.say(&mut room, "seen", "m-0")["id"].clone();
    bob.leave(&mut room);
    ada.events(&mut room);
    ada.say(&mut room, "missed", "m-1");
    let mut back = Person::guest(&mut room);
    let answer = back.ask(&mut room, "join", &json!({"name": "Bob", "key": key_of("Bob"), "after": seen}));
    assert_eq!((texts(&answer), &answer["id"]), (vec!["missed"], &json!(bob.id)));
}

#[test]
fn the_newest_messages_are_kept_and_old_ones_go_a_hundred_at_once() {
    let count = |room: &ChatRoom| room.memory().number("SELECT count(*) FROM chat_messages");
    for interrupted in [false, true] {
        let mut room = Room::new(config(), || chat_that_keeps(20));
        let mut ada = Person::enter(&mut room, "Ada");
        let mut last = 0;
        for n in 1..=250 {
            let id = ada.say(&mut room, &format!("message {n}"), &format!("m-{n}"))["id"].as_u64().unwrap();
            assert!(id > last);
            last = id;
            let expected = if n < 100 { n } else { 20 + n % 100 };
            assert_eq!(count(&room), expected, "after {n}");
            if interrupted {
                room.restart();
            }
        }
        let oldest = ada.ask(&mut room, "history", &json!({"after": 0}));
        assert_eq!(texts(&oldest)[0], "message 181");
        let page = ada.ask(&mut room, "history", &json!({"before": oldest["messages"][0]["id"]}));
        assert_eq!(page, json!({"messages": [], "more": false}));
    }
}

#[test]
fn a_lower_setting_is_reached_by_and_by_and_the_newest_message_always_stays() {
    let mut room = room();
    let mut ada = Person::enter(&mut room, "Ada");
    talk(&mut room, &mut ada, 1_300);
    let memory = room.memory().clone();
    let mut room = Room::on(memory, config(), || chat_that_keeps(0)).unwrap();
    let mut bob = Person::enter(&mut room, "Bob");
    let before = bob.join(&mut room)["messages"][49]["id"].as_u64();
    for left in [400, 1, 1] {
        let ids = talk(&mut room, &mut bob, 100);
        assert!(ids.first() > before.as_ref(), "ids go on from the newest that is there");
        assert_eq!(room.memory().number("SELECT count(*) FROM chat_messages"), left);
    }
}

#[test]
fn a_message_costs_no_more_rows_than_it_must() {
    let mut room = room();
    let (mut ada, _bob) = (Person::enter(&mut room, "Ada"), Person::enter(&mut room, "Bob"));
    ada.events(&mut room);
    ada.say(&mut room, "first", "m-0");
    room.memory().rows_written();
    ada.say(&mut room, "second", "m-1");
    assert_eq!(room.memory().rows_written(), 2, "the message and the event");
    ada.say(&mut room, "second", "m-1");
    ada.join(&mut room);
    assert_eq!(room.memory().rows_written(), 0, "asking costs nothing");
}

#[test]
fn what_the_first_release_with_a_history_stored_is_read() {
    let memory = Memory::default();
    memory.script(include_str!("fixtures/storage-v1.sql"));
    memory.script(include_str!("fixtures/storage-chat-v1.sql"));
    let mut room = Room::on(memory, config(), || chat_that_keeps(10_000)).unwrap();
    let mut bob = Person::enter(&mut room, "Bob");
    let joined = bob.join(&mut room);
    assert_eq!(
        joined["messages"],
        json!([
            {"id": 1_699_999_999_999_000_u64, "time": 1_699_999_999_999_u64, "author": {"id": "person-of-version-1", "name": "Ada"}, "text": "hello"},
            {"id": 1_699_999_999_999_001_u64, "time": 1_699_999_999_999_u64, "author": {"name": "Eve"}, "text": "from the tutorial"},
        ])
    );
}
