//! Who a client is that comes back by recovery and says something else of itself than before.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that uses it"
)]

mod support;

use serde_json::json;
use support::people::{AWAY_AFTER, Person, connect, couple, key_of};

const NOTHING: [&str; 0] = [];

#[test]
fn who_recovers_with_another_name_is_renamed() {
    for (gone, news) in [
        (0, vec!["memberRenamed Bobby"]),
        (AWAY_AFTER, vec!["memberAway Bob", "memberRenamed Bobby", "memberBack Bobby"]),
    ] {
        for asleep in [false, true] {
            let (mut room, mut ada, mut bob) = couple();
            bob.vanish(&mut room);
            room.pass(gone);
            bob.auth["name"] = json!("Bobby");
            if asleep {
                room.restart();
            }
            assert_eq!(bob.recover(&mut room), [json!(null); 0]);
            assert_eq!(
                (ada.heard(&mut room), bob.heard(&mut room)),
                (news.iter().map(ToString::to_string).collect(), vec![])
            );
            bob.say(&mut room, "hello", "a");
            let said = ada.events(&mut room);
            assert_eq!(said[0][1]["author"], json!({"id": bob.id, "name": "Bobby"}));
            assert_eq!(ada.roster(&mut room), ["Ada", "Bobby"]);
            // The page asks to join once more, which is no news.
            bob.name = "Bobby".to_owned();
            bob.join(&mut room);
            assert_eq!(ada.heard(&mut room), NOTHING);
        }
    }
}

#[test]
fn who_recovers_with_another_key_is_another_person() {
    for asleep in [false, true] {
        let (mut room, mut ada, mut bob) = couple();
        bob.vanish(&mut room);
        bob.auth["key"] = json!(key_of("somebody else"));
        if asleep {
            room.restart();
        }
        bob.recover(&mut room);
        assert_eq!(ada.heard(&mut room), ["memberLeft Bob", "memberJoined Bob"]);
        let joined = bob.join(&mut room);
        assert_ne!(joined["id"], json!(bob.id));
        bob.say(&mut room, "hello", "a");
        assert_eq!(ada.events(&mut room)[0][1]["author"]["id"], joined["id"]);
        assert_eq!(ada.roster(&mut room), ["Ada", "Bob"]);
    }
}

#[test]
fn who_recovers_with_another_key_and_has_another_tab_only_leaves_this_one() {
    let (mut room, mut ada, mut bob) = couple();
    let mut tab = Person::enter(&mut room, "Bob");
    bob.vanish(&mut room);
    bob.auth = json!({"key": key_of("somebody else")});
    bob.recover(&mut room);
    assert_eq!((ada.heard(&mut room), tab.heard(&mut room)), (vec![], vec![]));
    let refused = bob.say(&mut room, "hello", "a");
    assert_eq!(refused["code"], json!("not_joined"), "who gives no name is no member");
    ada.say(&mut room, "to members", "b");
    assert_eq!(bob.heard(&mut room), ["newIncomingMessage to members"], "and hears what guests hear");
    assert_eq!(ada.roster(&mut room), ["Ada", "Bob"]);
}

#[test]
fn who_gives_a_name_while_gone_is_a_member() {
    let (mut room, mut ada, _) = couple();
    for auth in [json!({"name": "Cy"}), json!({"name": "Cy", "key": key_of("Cy")})] {
        let mut guest = Person::guest(&mut room);
        guest.vanish(&mut room);
        guest.auth = auth;
        guest.recover(&mut room);
        assert_eq!(ada.heard(&mut room), ["memberJoined Cy"]);
        assert!(guest.say(&mut room, "hello", "a")["id"].is_u64());
        assert_eq!(ada.heard(&mut room), ["newMessage hello"]);
        guest.leave(&mut room);
        assert_eq!(ada.heard(&mut room), ["memberLeft Cy"]);
    }
}

#[test]
fn what_a_client_says_again_does_not_undo_what_it_did_since() {
    let (mut room, mut ada, mut bob) = couple();
    bob.ask(&mut room, "join", &json!({"name": "Bobby", "key": key_of("a key of another room")}));
    assert_eq!(ada.heard(&mut room), ["memberLeft Bob", "memberJoined Bobby"]);
    bob.vanish(&mut room);
    bob.recover(&mut room);
    assert_eq!(ada.heard(&mut room), NOTHING);
    assert_eq!(ada.roster(&mut room), ["Ada", "Bobby"]);
    // Nor does a client that says nothing at all.
    bob.vanish(&mut room);
    bob.auth = json!({});
    bob.recover(&mut room);
    assert_eq!((ada.heard(&mut room), ada.roster(&mut room)), (vec![], vec!["Ada".to_owned(), "Bobby".to_owned()]));
}

#[test]
fn a_name_taken_in_another_tab_is_undone_only_by_a_newer_one() {
    let (mut room, mut ada, mut bob) = couple();
    let mut tab = Person::enter(&mut room, "Bob");
    bob.vanish(&mut room);
    tab.ask(&mut room, "join", &json!({"name": "Robert"}));
    assert_eq!(ada.heard(&mut room), ["memberRenamed Robert"]);
    bob.recover(&mut room);
    assert_eq!(ada.heard(&mut room), NOTHING, "the old name of this tab is none");
    bob.vanish(&mut room);
    bob.auth["name"] = json!("Bobby");
    bob.recover(&mut room);
    assert_eq!(ada.heard(&mut room), ["memberRenamed Bobby"]);
    assert_eq!(tab.heard(&mut room), ["memberRenamed Bobby"]);
    assert_eq!(ada.roster(&mut room), ["Ada", "Bobby"]);
}

#[test]
fn who_recovers_with_a_bad_auth_is_refused_and_may_try_again() {
    let (mut room, mut ada, mut bob) = couple();
    bob.vanish(&mut room);
    let (_, refusal) = connect(&mut room, &json!({"pid": bob.pid(), "name": "x".repeat(33)}));
    assert_eq!(refusal.unwrap_err()["data"]["code"], json!("invalid_name"));
    bob.recover(&mut room);
    assert_eq!((ada.heard(&mut room), ada.roster(&mut room)), (vec![], vec!["Ada".to_owned(), "Bob".to_owned()]));
}
