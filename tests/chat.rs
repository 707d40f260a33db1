//! The chat: members and the tutorial's clients in one room, what each of them hears, and what is refused.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that uses it"
)]

mod support;

use roomcast::ids::ConnId;
use serde_json::{Value, json};
use support::people::ChatRoom;
use support::{START, plain};

/// Without recovery: who is gone has left.
fn room() -> ChatRoom {
    support::people::room(plain())
}

/// Somebody in the room.
struct Person {
    conn: ConnId,
    id: String,
}

/// Who has connected, and hears the chat as the tutorial's client does.
fn guest(room: &mut ChatRoom) -> Person {
    let (conn, id) = room.client();
    Person { conn, id }
}

/// Who has joined with a nickname.
fn member(room: &mut ChatRoom, name: &str) -> Person {
    let person = guest(room);
    let answer = room.call(person.conn, "join", &json!({"name": name}));
    assert_eq!(answer["id"], person.id.as_str());
    person
}

/// Nobody has heard anything since last asked.
fn assert_silence(room: &mut ChatRoom, people: &[&Person], what: &str) {
    for person in people {
        assert_eq!(room.frames(person.conn), [""; 0], "{what}");
    }
}

fn error_code(answer: &Value) -> &str {
    let object = answer.as_object().unwrap();
    assert_eq!(object.keys().collect::<Vec<_>>(), ["code", "message"]);
    assert!(answer["message"].as_str().unwrap().ends_with('.'), "a sentence");
    answer["code"].as_str().unwrap()
}

#[test]
fn joining_answers_with_the_members_and_tells_the_others() {
    let mut room = room();
    let stranger = guest(&mut room);
    let ada = member(&mut room, "Ada");
    assert_silence(&mut room, &[&stranger], "only members hear of members");
    room.pass(5);
    let bob = guest(&mut room);
    let answer = room.call(bob.conn, "join", &json!({"name": "  Bob\n", "extra": 1}));
    let members = json!([{"id": ada.id, "name": "Ada", "away": false}, {"id": bob.id, "name": "Bob", "away": false}]);
    assert_eq!(answer, json!({"id": bob.id, "name": "Bob", "members": members, "messages": [], "more": false}));
    let time = START.0 + 5;
    assert_eq!(room.events(ada.conn), [json!(["memberJoined", {"id": bob.id, "name": "Bob", "time": time}])]);
    assert_silence(&mut room, &[&bob, &stranger], "nobody else");
}

#[test]
fn joining_again_renames_and_only_a_new_name_is_news() {
    let mut room = room();
    let (ada, bob) = (member(&mut room, "Ada"), member(&mut room, "Bob"));
    room.events(ada.conn);
    let answer = room.call(bob.conn, "join", &json!({"name": "Bobby"}));
    assert_eq!(answer["members"][1], json!({"id": bob.id, "name": "Bobby", "away": false}));
    let renamed = json!(["memberRenamed", {"id": bob.id, "name": "Bobby", "time": START.0}]);
    assert_eq!(room.events(ada.conn), [renamed]);
    room.call(bob.conn, "join", &json!({"name": " Bobby "}));
    assert_silence(&mut room, &[&ada, &bob], "the same name");
    room.call(bob.conn, "message", &json!({"text": "hi"}));
    assert_eq!(room.events(ada.conn)[0][1]["author"], json!({"id": bob.id, "name": "Bobby"}));
}

#[test]
fn a_members_message_reaches_members_and_in_their_words_the_rest() {
    let mut room = room();
    let (ada, bob, tutorial) = (member(&mut room, "Ada"), member(&mut room, "Bob"), guest(&mut room));
    room.events(ada.conn);
    room.pass(1);
    let text = " é \"😀\"\n</b>";
    let answer = room.call(ada.conn, "message", &json!({"text": text}));
    let (id, time) = (answer["id"].as_u64().unwrap(), START.0 + 1);
    assert_eq!(answer, json!({"id": id, "time": time}));
    let message = json!({"id": id, "time": time, "author": {"id": ada.id, "name": "Ada"}, "text": text});
    assert_eq!(room.events(bob.conn), [json!(["newMessage", message])]);
    assert_eq!(room.events(tutorial.conn), [json!(["newIncomingMessage", {"author": "Ada", "message": text}])]);
    assert_silence(&mut room, &[&ada], "the sender has its own copy");
}

#[test]
fn a_tutorial_clients_message_reaches_everybody_else_and_needs_no_ack() {
    let mut room = room();
    let (ada, sender, other) = (member(&mut room, "Ada"), guest(&mut room), guest(&mut room));
    let message = json!({"author": " Eve ", "message": " hello "});
    room.text(sender.conn, &format!("42{}", json!(["createdMessage", message])));
    assert_silence(&mut room, &[&sender], "there is no answer");
    let heard = json!(["newIncomingMessage", {"author": "Eve", "message": " hello "}]);
    assert_eq!((room.events(ada.conn), room.events(other.conn)), (vec![heard.clone()], vec![heard.clone()]));
    assert_eq!(room.call(sender.conn, "createdMessage", &message), json!({}), "but one if asked");
    room.events(ada.conn);
    room.call(ada.conn, "createdMessage", &message);
    assert_eq!(room.events(sender.conn), [heard], "a member may do so as well");
}

#[test]
fn ids_of_messages_only_grow() {
    let mut room = room();
    let (ada, bob) = (member(&mut room, "Ada"), member(&mut room, "Bob"));
    room.events(ada.conn);
    let mut last = 0;
    for round in 0..20 {
        let id = room.call(ada.conn, "message", &json!({"text": "x"}))["id"].as_u64().unwrap();
        assert!(id > last && id <= 1 << 53, "{id} after {last}");
        assert_eq!(room.events(bob.conn)[0][1]["id"], id);
        last = id;
        match round % 4 {
            0 => _ = room.pass(1),
            1 => {
                // Coming back takes the object at least a millisecond.
                room.pass(1);
                room.restart();
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_wrong_is_answered_with_a_code_and_nobody_hears_of_it() {
    let long_name = "😀".repeat(33);
    let long_text = "é".repeat(4_001);
    let table = [
        ("join", json!({"name": ""}), "invalid_name"),
        ("join", json!({"name": " \t\n"}), "invalid_name"),
        ("join", json!({"name": long_name}), "invalid_name"),
        ("join", json!({"name": 7}), "invalid_payload"),
        ("join", json!({}), "invalid_payload"),
        ("join", json!(["Ada"]), "invalid_payload"),
        ("join", json!("Ada"), "invalid_payload"),
        ("join", json!(null), "invalid_payload"),
        ("join", json!({"name": "Ada", "key": "k".repeat(15)}), "invalid_key"),
        ("join", json!({"name": "Ada", "key": "k".repeat(65)}), "invalid_key"),
        ("join", json!({"name": "Ada", "key": "k k k k k k k k k"}), "invalid_key"),
        ("join", json!({"name": "Ada", "key": "é".repeat(16)}), "invalid_key"),
        ("join", json!({"name": "Ada", "key": ""}), "invalid_key"),
        ("join", json!({"name": "Ada", "key": 7}), "invalid_payload"),
        ("join", json!({"name": "", "key": ""}), "invalid_name"),
        ("join", json!({"name": "Eve", "after": -1}), "invalid_payload"),
        ("join", json!({"name": "Eve", "after": "1"}), "invalid_payload"),
        ("join", json!({"name": "Eve", "after": 1.5}), "invalid_payload"),
        ("message", json!({"text": "hi", "id": ""}), "invalid_id"),
        ("message", json!({"text": "hi", "id": "a b"}), "invalid_id"),
        ("message", json!({"text": "hi", "id": "é"}), "invalid_id"),
        ("message", json!({"text": "hi", "id": "x".repeat(65)}), "invalid_id"),
        ("message", json!({"text": "hi", "id": 7}), "invalid_payload"),
        ("message", json!({"text": "", "id": ""}), "invalid_message"),
        ("history", json!({"before": "1"}), "invalid_payload"),
        ("history", json!({"after": -1}), "invalid_payload"),
        ("history", json!({"before": 1, "after": 1}), "invalid_payload"),
        ("history", json!([]), "invalid_payload"),
        ("message", json!({"text": ""}), "invalid_message"),
        ("message", json!({"text": " \n "}), "invalid_message"),
        ("message", json!({"text": long_text}), "invalid_message"),
        ("message", json!({"text": null}), "invalid_payload"),
        ("message", json!("hi"), "invalid_payload"),
        ("createdMessage", json!({"author": "", "message": "x"}), "invalid_name"),
        ("createdMessage", json!({"author": long_name, "message": "x"}), "invalid_name"),
        ("createdMessage", json!({"author": "Eve", "message": " "}), "invalid_message"),
        ("createdMessage", json!({"author": "Eve", "message": long_text}), "invalid_message"),
        ("createdMessage", json!({"author": "Eve"}), "invalid_payload"),
        ("createdMessage", json!(["Eve", "x"]), "invalid_payload"),
        ("deleteEverything", json!({}), "unknown_event"),
        ("newMessage", json!({}), "unknown_event"),
    ];
    let mut room = room();
    let (ada, bob, tutorial) = (member(&mut room, "Ada"), member(&mut room, "Bob"), guest(&mut room));
    room.events(ada.conn);
    for (event, payload, code) in table {
        let answer = room.call(ada.conn, event, &payload);
        assert_eq!(error_code(&answer), code, "{event} {payload}");
        assert_silence(&mut room, &[&ada, &bob, &tutorial], event);
        // Without an ack to answer to, the same goes out as an event.
        room.text(ada.conn, &format!("42{}", json!([event, payload])));
        assert_eq!(room.events(ada.conn), [json!(["error", answer])], "{event} {payload}");
        assert_silence(&mut room, &[&bob, &tutorial], event);
    }
    room.text(ada.conn, r#"42["join"]"#);
    assert_eq!(error_code(&room.events(ada.conn)[0][1]), "invalid_payload", "no payload at all");
    let roster = room.call(bob.conn, "join", &json!({"name": "Bob"}));
    assert_eq!(roster["members"][0]["name"], "Ada", "and a name that was refused changed nothing");
    assert_eq!(roster["messages"], json!([]), "nor is anything of it in the history");
}

#[test]
fn limits_count_characters_and_the_limit_itself_is_fine() {
    let mut room = room();
    let listener = guest(&mut room);
    let longest = "😀".repeat(32);
    let person = member(&mut room, &format!("\u{a0} {longest}\t"));
    let text = "é".repeat(4_000);
    let answer = room.call(person.conn, "message", &json!({"text": text}));
    assert!(answer["id"].is_u64());
    let message = json!({"author": longest, "message": text});
    assert_eq!(room.events(listener.conn), [json!(["newIncomingMessage", message])]);
    assert_eq!(room.call(person.conn, "createdMessage", &message), json!({}));
}

#[test]
fn only_members_send_messages_and_read_old_ones() {
    let mut room = room();
    let (ada, stranger) = (member(&mut room, "Ada"), guest(&mut room));
    let answer = room.call(stranger.conn, "message", &json!({"text": "hi"}));
    assert_eq!(error_code(&answer), "not_joined");
    let refused = room.call(stranger.conn, "join", &json!({"name": ""}));
    assert_eq!(error_code(&refused), "invalid_name");
    for (event, payload) in [("message", json!({"text": "hi"})), ("history", json!({}))] {
        assert_eq!(error_code(&room.call(stranger.conn, event, &payload)), "not_joined");
    }
    assert_silence(&mut room, &[&ada], "a stranger's message");
}

#[test]
fn members_are_told_who_left_however_they_left() {
    let ways: [fn(&mut ChatRoom, ConnId); 5] = [
        |room, conn| room.hang_up(conn, false),
        |room, conn| room.hang_up(conn, true),
        |room, conn| room.text(conn, "41"),
        |room, conn| room.text(conn, "1"),
        |room, conn| room.text(conn, "4garbage"),
    ];
    for leave in ways {
        let mut room = room();
        let (ada, bob, stranger) = (member(&mut room, "Ada"), member(&mut room, "Bob"), guest(&mut room));
        room.events(ada.conn);
        room.call(bob.conn, "join", &json!({"name": "Bobby"}));
        room.events(ada.conn);
        leave(&mut room, bob.conn);
        let left = json!(["memberLeft", {"id": bob.id, "name": "Bobby", "time": START.0}]);
        assert_eq!(room.events(ada.conn), [left]);
        leave(&mut room, stranger.conn);
        assert_silence(&mut room, &[&ada], "who never joined never leaves");
        let roster = room.call(ada.conn, "join", &json!({"name": "Ada"}));
        assert_eq!(roster["members"], json!([{"id": ada.id, "name": "Ada", "away": false}]));
    }
}

#[test]
fn a_member_that_polls_takes_part_like_any_other() {
    let mut room = room();
    let ada = member(&mut room, "Ada");
    let sid = room.open_polling();
    let id = room.join_polling(&sid);
    room.post(&sid, r#"420["join",{"name":"Polly"}]"#);
    let roster = room.poll(&sid);
    assert!(roster.starts_with("430[{") && roster.contains("Ada"), "{roster}");
    assert_eq!(room.events(ada.conn)[0][1]["name"], "Polly");
    let get = room.get(&sid);
    room.call(ada.conn, "message", &json!({"text": "hi"}));
    assert!(room.packets(get).contains(r#""text":"hi""#));
    room.post(&sid, "1");
    let left = json!(["memberLeft", {"id": id, "name": "Polly", "time": START.0}]);
    assert_eq!(room.events(ada.conn), [left]);
}
