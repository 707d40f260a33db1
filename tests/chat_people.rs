//! Who is who: keys, names, and several connections of one person.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that uses it"
)]

mod support;

use serde_json::json;
use support::START;
use support::people::{AWAY_AFTER, ChatRoom, Person, RECOVERY, config, connect, couple, key_of};

const NOTHING: [&str; 0] = [];

fn room() -> ChatRoom {
    support::people::room(config())
}

#[test]
fn who_shows_a_name_when_connecting_is_a_member_at_once() {
    let mut room = room();
    let mut ada = Person::enter(&mut room, "Ada");
    let (bob, answer) = connect(&mut room, &json!({"name": " Bob\n", "key": key_of("bob"), "more": 1}));
    assert!(answer.unwrap()["sid"].is_string());
    let joined = ada.events(&mut room);
    assert_eq!((&joined[0][0], &joined[0][1]["name"]), (&json!("memberJoined"), &json!("Bob")));
    assert!(room.call(bob, "message", &json!({"text": "hi"}))["id"].is_u64());
    assert_eq!(ada.events(&mut room)[0][1]["author"]["id"], joined[0][1]["id"]);
    let again = room.call(bob, "join", &json!({"name": "Bob", "key": key_of("bob")}));
    assert_eq!(again["id"], joined[0][1]["id"], "to join again only asks for the roster");
    assert_eq!((again["members"].as_array().unwrap().len(), &again["messages"][0]["text"]), (2, &json!("hi")));
    assert_eq!(ada.heard(&mut room), NOTHING, "which is no news");
}

#[test]
fn a_key_may_be_shown_before_the_name_or_with_it() {
    let mut room = room();
    let (early, _) = connect(&mut room, &json!({"key": key_of("ada")}));
    let (late, _) = connect(&mut room, &json!({}));
    let (none, _) = connect(&mut room, &json!({"name": null, "key": null}));
    let first = room.call(early, "join", &json!({"name": "Ada"}));
    let second = room.call(late, "join", &json!({"name": "Ada", "key": key_of("ada")}));
    assert_eq!((&first["id"], second["members"].as_array().unwrap().len()), (&second["id"], 1));
    let third = room.call(none, "join", &json!({"name": "Ada"}));
    assert_ne!(first["id"], third["id"], "names prove nothing");
}

#[test]
fn a_name_or_a_key_that_is_none_refuses_the_connection() {
    let mut room = room();
    let mut ada = Person::enter(&mut room, "Ada");
    for (auth, code) in [
        (json!({"name": ""}), "invalid_name"),
        (json!({"name": "x".repeat(33)}), "invalid_name"),
        (json!({"name": 7}), "invalid_name"),
        (json!({"name": {}, "key": 7}), "invalid_name"),
        (json!({"name": "Bob", "key": "short"}), "invalid_key"),
        (json!({"name": "Bob", "key": "k".repeat(65)}), "invalid_key"),
        (json!({"name": "Bob", "key": ["k".repeat(16)]}), "invalid_key"),
        (json!({"key": ""}), "invalid_key"),
    ] {
        let (_, answer) = connect(&mut room, &auth);
        let error = answer.unwrap_err();
        assert_eq!(error["data"], json!({"code": code, "message": error["message"]}), "{auth}");
        assert!(error["message"].as_str().unwrap().ends_with('.'), "a sentence");
        assert_eq!(ada.heard(&mut room), NOTHING, "nobody has come");
    }
}

#[test]
fn another_key_is_another_person() {
    let mut room = room();
    let (mut ada, mut bob) = (Person::enter(&mut room, "Ada"), Person::keyless(&mut room, "Bob"));
    ada.events(&mut room);
    let answer = bob.ask(&mut room, "join", &json!({"name": "Bob", "key": key_of("bob")}));
    let id = answer["id"].as_str().unwrap();
    assert_ne!(id, bob.id);
    let told = [
        json!(["memberLeft", {"id": bob.id, "name": "Bob", "time": START.0}]),
        json!(["memberJoined", {"id": id, "name": "Bob", "time": START.0}]),
    ];
    assert_eq!(ada.events(&mut room), told);
    assert_eq!(ada.roster(&mut room), ["Ada", "Bob"]);
    assert_eq!(bob.join(&mut room)["id"], id, "the key needn't be shown again");
}

#[test]
fn a_key_is_never_shown_to_anybody_nor_stored() {
    let mut room = room();
    let keys = ["ada", "bob", "eve"].map(key_of);
    let mut told = String::new();
    let auths = [json!({"name": "Ada", "key": keys[0]}), json!({"key": keys[1]}), json!({})];
    let [ada, bob, eve] = auths.map(|auth| {
        let (conn, answer) = connect(&mut room, &auth);
        told += &format!("{answer:?}");
        conn
    });
    for (conn, event, payload) in [
        (bob, "join", json!({"name": "Bob"})),
        (eve, "join", json!({"name": "Eve", "key": keys[2]})),
        (eve, "join", json!({"name": "", "key": keys[2]})),
        (eve, "message", json!({"text": "hi", "key": keys[2]})),
        (ada, "history", json!({"key": keys[0], "before": 1})),
        (ada, "unknown", json!({"key": keys[0]})),
    ] {
        for conn in [ada, bob, eve] {
            told += &room.frames(conn).concat();
        }
        told += &room.call(conn, event, &payload).to_string();
    }
    told += &format!("{:?}", connect(&mut room, &json!({"name": "", "key": keys[0]})));
    for conn in [ada, bob, eve] {
        told += &room.frames(conn).concat();
        told += &room.attachment(conn).unwrap();
    }
    told += &room.memory().warnings().concat();
    assert!(told.contains("Eve"));
    for key in keys {
        assert!(!told.contains(&key), "{told}");
        for (table, columns) in [
            ("chat_messages", "author_id, author_name, client_id, text"),
            ("roomcast_log", "event, to_rooms, except_rooms"),
            ("roomcast_sockets", "stays, data"),
        ] {
            let rows_with = |text: &str| {
                let sql = format!("SELECT count(*) FROM {table} WHERE instr(concat({columns}), '{text}') > 0");
                room.memory().number(&sql)
            };
            assert_eq!((rows_with(&key), rows_with("Eve") > 0), (0, true), "{table}");
        }
    }
}

#[test]
fn two_connections_with_one_key_are_one_person() {
    let (mut room, mut ada, mut bob) = couple();
    let mut tab = Person::enter(&mut room, "Bob");
    assert_eq!(tab.id, bob.id);
    assert_eq!(tab.roster(&mut room), ["Ada", "Bob"]);
    tab.ask(&mut room, "message", &json!({"text": "hi"}));
    assert_eq!(bob.heard(&mut room), ["newMessage hi"], "but each hears what is said");
    assert_eq!(ada.heard(&mut room), ["newMessage hi"]);
    bob.leave(&mut room);
    room.pass(2 * RECOVERY);
    assert_eq!(ada.heard(&mut room), NOTHING);
    tab.leave(&mut room);
    assert_eq!(ada.heard(&mut room), ["memberLeft Bob"]);
}

#[test]
fn a_name_is_the_persons_on_all_connections() {
    let (mut room, mut ada, mut bob) = couple();
    let mut tab = Person::enter(&mut room, "Bob");
    let answer = tab.ask(&mut room, "join", &json!({"name": "Bobby"}));
    assert_eq!(answer["name"], "Bobby");
    assert_eq!(
        (ada.heard(&mut room), bob.heard(&mut room)),
        (vec!["memberRenamed Bobby".to_owned()], vec!["memberRenamed Bobby".to_owned()])
    );
    bob.ask(&mut room, "message", &json!({"text": "hi"}));
    assert_eq!(ada.events(&mut room)[0][1]["author"], json!({"id": bob.id, "name": "Bobby"}));
    room.restart();
    tab.leave(&mut room);
    bob.leave(&mut room);
    assert_eq!(ada.heard(&mut room), ["memberLeft Bobby"]);
}

#[test]
fn who_comes_back_has_the_name_that_was_taken_elsewhere_meanwhile() {
    for asleep in [false, true] {
        let (mut room, mut ada, mut bob) = couple();
        let mut tab = Person::enter(&mut room, "Bob");
        bob.vanish(&mut room);
        tab.ask(&mut room, "join", &json!({"name": "Bobby"}));
        assert_eq!(ada.heard(&mut room), ["memberRenamed Bobby"]);
        if asleep {
            room.restart();
        }
        let missed = bob.recover(&mut room);
        assert_eq!((missed.len(), &missed[0][0]), (1, &json!("memberRenamed")));
        bob.ask(&mut room, "message", &json!({"text": "hi"}));
        assert_eq!(ada.events(&mut room)[0][1]["author"]["name"], "Bobby");
        tab.leave(&mut room);
        assert_eq!((ada.heard(&mut room), bob.heard(&mut room)), (vec![], vec![]));
    }
}

#[test]
fn a_name_that_only_a_closed_tab_had_is_gone_with_it() {
    for asleep in [false, true] {
        let (mut room, mut ada, mut bob) = couple();
        let mut tab = Person::enter(&mut room, "Bob");
        bob.vanish(&mut room);
        tab.ask(&mut room, "join", &json!({"name": "Bobby"}));
        if asleep {
            room.restart();
        }
        tab.leave(&mut room);
        assert_eq!(ada.heard(&mut room), ["memberRenamed Bobby", "memberRenamed Bob"]);
        bob.recover(&mut room);
        bob.events(&mut room);
        assert_eq!(bob.roster(&mut room), ["Ada", "Bob"], "all agree with the client that is left");
    }
}

#[test]
fn who_comes_back_under_another_name_is_back_and_renamed() {
    let (mut room, mut ada, mut bob) = couple();
    bob.vanish(&mut room);
    room.pass(AWAY_AFTER);
    let bobby = Person::with(&mut room, &json!({"name": "Bobby", "key": key_of("Bob")}));
    assert_eq!(bobby.id, bob.id);
    assert_eq!(ada.heard(&mut room), ["memberAway Bob", "memberRenamed Bobby", "memberBack Bobby"]);
}

#[test]
fn without_a_key_a_person_is_a_socket_and_recovers_as_the_same() {
    let (mut room, mut ada, _bob) = couple();
    let (mut one, two) = (Person::keyless(&mut room, "Eve"), Person::keyless(&mut room, "Eve"));
    assert_eq!((&one.id, &two.id), (&one.sid, &two.sid));
    assert_eq!(ada.heard(&mut room), ["memberJoined Eve"; 2]);
    one.events(&mut room);
    one.vanish(&mut room);
    room.pass(AWAY_AFTER);
    one.recover(&mut room);
    let told = ada.events(&mut room);
    let expected = ["memberAway", "memberBack"].map(|event| (json!(event), json!(one.id)));
    assert_eq!(told.iter().map(|event| (event[0].clone(), event[1]["id"].clone())).collect::<Vec<_>>(), expected);
}

#[test]
fn who_never_joined_is_nobody() {
    let (mut room, mut ada, mut bob) = couple();
    let mut guest = Person::guest(&mut room);
    let mut keyed = Person::with(&mut room, &json!({"key": key_of("Eve")}));
    for stranger in [&mut guest, &mut keyed] {
        stranger.vanish(&mut room);
    }
    room.pass(AWAY_AFTER);
    guest.recover(&mut room);
    room.pass(2 * RECOVERY);
    assert_eq!((ada.heard(&mut room), bob.heard(&mut room), guest.heard(&mut room)), (vec![], vec![], vec![]));
}
