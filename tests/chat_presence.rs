//! Who is there: people come, go, vanish and come back, and others hear of it once a person.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that uses it"
)]

mod support;

use serde_json::json;
use support::START;
use support::people::{AWAY_AFTER, ChatRoom, Person, RECOVERY, config, connect, couple, forget, key_of};

const NOTHING: [&str; 0] = [];

#[test]
fn who_is_back_before_counting_as_away_was_never_gone() {
    let ways: [fn(&mut ChatRoom, &mut Person); 2] =
        [|room, bob| assert_eq!(bob.recover(room), [json!(null); 0]), |room, bob| *bob = Person::enter(room, "Bob")];
    for come_back in ways {
        let (mut room, mut ada, mut bob) = couple();
        bob.vanish(&mut room);
        room.pass(AWAY_AFTER - 1);
        assert_eq!(ada.roster(&mut room), ["Ada", "Bob"], "not away yet");
        come_back(&mut room, &mut bob);
        room.pass(2 * RECOVERY);
        assert_eq!((ada.heard(&mut room), bob.heard(&mut room)), (vec![], vec![]));
        assert_eq!(bob.roster(&mut room), ["Ada", "Bob"]);
    }
}

#[test]
fn who_vanishes_is_away_after_10_seconds_and_has_left_when_nothing_recovers_any_more() {
    for asleep in [false, true] {
        let (mut room, mut ada, mut bob) = couple();
        let nap = |room: &mut ChatRoom| {
            if asleep {
                room.restart();
            }
        };
        bob.vanish(&mut room);
        nap(&mut room);
        room.pass(AWAY_AFTER - 1);
        assert_eq!(ada.heard(&mut room), NOTHING);
        nap(&mut room);
        room.pass(1);
        let time = START.0 + AWAY_AFTER;
        assert_eq!(ada.events(&mut room), [json!(["memberAway", {"id": bob.id, "name": "Bob", "time": time}])]);
        nap(&mut room);
        assert_eq!(ada.roster(&mut room), ["Ada", "Bob (away)"]);
        room.pass(RECOVERY - AWAY_AFTER - 1);
        assert_eq!(ada.heard(&mut room), NOTHING);
        nap(&mut room);
        room.pass(1);
        let time = START.0 + RECOVERY;
        assert_eq!(ada.events(&mut room), [json!(["memberLeft", {"id": bob.id, "name": "Bob", "time": time}])]);
        assert_eq!(ada.roster(&mut room), ["Ada"]);
        let mut bob = Person::enter(&mut room, "Bob");
        assert_eq!(ada.heard(&mut room), ["memberJoined Bob"]);
        assert_eq!(bob.roster(&mut room), ["Ada", "Bob"]);
    }
}

#[test]
fn who_was_away_is_back_by_recovery_or_anew() {
    let ways: [fn(&mut ChatRoom, &mut Person); 3] = [
        |room, bob| assert_eq!(bob.recover(room), [json!(null); 0], "nobody is told to be away oneself"),
        |room, bob| *bob = Person::enter(room, "Bob"),
        |room, bob| {
            *bob = Person::guest(room);
            bob.ask(room, "join", &json!({"name": "Bob", "key": key_of("Bob")}));
            bob.name = "Bob".to_owned();
        },
    ];
    for come_back in ways {
        for asleep in [false, true] {
            let (mut room, mut ada, mut bob) = couple();
            bob.vanish(&mut room);
            room.pass(AWAY_AFTER);
            assert_eq!(ada.heard(&mut room), ["memberAway Bob"]);
            if asleep {
                room.restart();
            }
            room.pass(1);
            come_back(&mut room, &mut bob);
            let back =
                json!({"id": ada_knows(&mut ada, &mut room, "Bob"), "name": "Bob", "time": START.0 + AWAY_AFTER + 1});
            assert_eq!(ada.events(&mut room), [json!(["memberBack", back])]);
            assert_eq!(bob.roster(&mut room), ["Ada", "Bob"]);
            room.pass(2 * RECOVERY);
            assert_eq!((ada.heard(&mut room), bob.heard(&mut room)), (vec![], vec![]), "and stays");
        }
    }
}

/// The id of somebody in the roster, asked past the events that wait to be read.
fn ada_knows(ada: &mut Person, room: &mut ChatRoom, name: &str) -> String {
    let mut other = Person::guest(room);
    let answer = other.ask(room, "join", &json!({"name": ada.name, "key": key_of(&ada.name)}));
    other.leave(room);
    let members = answer["members"].as_array().unwrap().iter();
    let found = members.filter(|member| member["name"] == name).map(|member| member["id"].as_str().unwrap().to_owned());
    let [id] = found.collect::<Vec<_>>().try_into().unwrap();
    id
}

#[test]
fn who_goes_on_purpose_or_breaks_the_rules_has_left_at_once() {
    for farewell in ["41", ""] {
        let (mut room, mut ada, bob) = couple();
        room.text(bob.conn, farewell);
        assert_eq!(ada.heard(&mut room), ["memberLeft Bob"]);
        room.pass(2 * RECOVERY);
        assert_eq!(ada.heard(&mut room), NOTHING);
        assert_eq!(ada.roster(&mut room), ["Ada"]);
    }
}

#[test]
fn a_person_is_away_when_the_last_connection_is_gone() {
    let (mut room, mut ada, mut bob) = couple();
    let mut tab = Person::enter(&mut room, "Bob");
    bob.vanish(&mut room);
    room.pass(2 * AWAY_AFTER);
    assert_eq!(ada.heard(&mut room), NOTHING, "the other one is there");
    tab.vanish(&mut room);
    room.pass(AWAY_AFTER - 1);
    assert_eq!(ada.heard(&mut room), NOTHING);
    room.pass(1);
    assert_eq!(ada.heard(&mut room), ["memberAway Bob"], "once");
    assert_eq!(bob.recover(&mut room), [json!(null); 0]);
    assert_eq!(ada.heard(&mut room), ["memberBack Bob"]);
    room.pass(2 * RECOVERY);
    assert_eq!((ada.heard(&mut room), bob.heard(&mut room)), (vec![], vec![]), "though the other never came back");
}

#[test]
fn who_closes_one_tab_while_the_other_is_lost_is_away_for_as_long_as_that_one_was() {
    for (lost_for, told) in [(3_000, vec![]), (20_000, vec!["memberAway Bob".to_owned()])] {
        let (mut room, mut ada, mut bob) = couple();
        let mut tab = Person::enter(&mut room, "Bob");
        bob.vanish(&mut room);
        room.pass(lost_for);
        tab.leave(&mut room);
        assert_eq!(ada.heard(&mut room), told, "after {lost_for} ms");
        room.pass(AWAY_AFTER.saturating_sub(lost_for));
        let told_by_then = told.len() + ada.heard(&mut room).len();
        assert_eq!(told_by_then, 1);
        room.pass(RECOVERY - lost_for.max(AWAY_AFTER));
        assert_eq!(ada.heard(&mut room), ["memberLeft Bob"]);
    }
}

#[test]
fn who_closes_the_last_tab_is_announced_though_others_were_since_the_other_was_lost() {
    let (mut room, mut ada, mut bob) = couple();
    let (mut tab, mut eve) = (Person::enter(&mut room, "Bob"), Person::enter(&mut room, "Eve"));
    bob.vanish(&mut room);
    room.pass(1_000);
    eve.vanish(&mut room);
    room.pass(AWAY_AFTER);
    assert_eq!(ada.heard(&mut room), ["memberJoined Eve", "memberAway Eve"]);
    tab.leave(&mut room);
    assert_eq!(ada.heard(&mut room), ["memberAway Bob"]);
    bob.recover(&mut room);
    assert_eq!(ada.heard(&mut room), ["memberBack Bob"]);
}

#[test]
fn who_takes_over_a_connection_that_still_counts_as_open_was_never_gone() {
    let (mut room, mut ada, mut bob) = couple();
    bob.events(&mut room);
    assert_eq!(bob.recover(&mut room), [json!(null); 0]);
    room.pass(2 * AWAY_AFTER);
    assert_eq!((ada.heard(&mut room), ada.roster(&mut room)), (vec![], vec!["Ada".to_owned(), "Bob".to_owned()]));
    bob.leave(&mut room);
    assert_eq!(ada.heard(&mut room), ["memberLeft Bob"]);
}

#[test]
fn a_person_who_was_announced_and_came_back_is_announced_again() {
    let (mut room, mut ada, mut bob) = couple();
    for _ in 0..3 {
        bob.vanish(&mut room);
        room.pass(AWAY_AFTER);
        assert_eq!(ada.heard(&mut room), ["memberAway Bob"]);
        room.restart();
        bob.recover(&mut room);
        assert_eq!(ada.heard(&mut room), ["memberBack Bob"]);
        room.pass(1_000);
    }
}

#[test]
fn each_of_several_is_away_in_their_own_time() {
    let (mut room, mut ada, mut bob) = couple();
    let (mut eve, mut dan) = (Person::enter(&mut room, "Eve"), Person::enter(&mut room, "Dan"));
    forget(&mut room, &mut [&mut ada, &mut bob]);
    bob.vanish(&mut room);
    room.pass(4_000);
    room.restart();
    eve.vanish(&mut room);
    room.pass(3_000);
    dan.vanish(&mut room);
    bob.recover(&mut room);
    assert_eq!(ada.heard(&mut room), NOTHING);
    room.pass(AWAY_AFTER - 3_000 - 1);
    assert_eq!(ada.heard(&mut room), NOTHING);
    room.pass(1);
    assert_eq!(ada.heard(&mut room), ["memberAway Eve"]);
    room.pass(3_000);
    assert_eq!(ada.heard(&mut room), ["memberAway Dan"]);
    assert_eq!(ada.roster(&mut room), ["Ada", "Bob", "Dan (away)", "Eve (away)"]);
}

#[test]
fn an_alarm_that_is_late_announces_late_and_the_roster_never_disagrees() {
    let (mut room, mut ada, mut bob) = couple();
    bob.vanish(&mut room);
    room.sleep(2 * AWAY_AFTER);
    let mut eve = Person::enter(&mut room, "Eve");
    assert_eq!(ada.heard(&mut room), ["memberAway Bob", "memberJoined Eve"]);
    assert_eq!(eve.roster(&mut room), ["Ada", "Bob (away)", "Eve"]);
    bob.recover(&mut room);
    assert_eq!(
        (ada.heard(&mut room), eve.heard(&mut room)),
        (vec!["memberBack Bob".to_owned()], vec!["memberBack Bob".to_owned()])
    );
    room.ring();
    assert_eq!(ada.heard(&mut room), NOTHING, "nobody is away any more");
}

#[test]
fn after_a_crash_nobody_hears_of_a_hundred_who_all_come_back() {
    let mut room = support::people::room(config());
    let mut people: Vec<_> = (0..100).map(|n| Person::enter(&mut room, &format!("Person {n:02}"))).collect();
    people.iter_mut().for_each(|person| _ = person.events(&mut room));
    room.crash();
    for person in &mut people {
        room.pass(90);
        assert_eq!(person.recover(&mut room), [json!(null); 0]);
    }
    room.pass(2 * RECOVERY);
    for person in &mut people {
        assert_eq!(person.heard(&mut room), NOTHING);
    }
    assert_eq!(people[0].roster(&mut room).len(), 100);
}

#[test]
fn after_a_crash_those_who_stay_away_are_announced_and_only_they() {
    let mut room = support::people::room(config());
    let mut people: Vec<_> = (0..20).map(|n| Person::enter(&mut room, &format!("Person {n:02}"))).collect();
    people.iter_mut().for_each(|person| _ = person.events(&mut room));
    room.crash();
    let (back, gone) = people.split_at_mut(17);
    for person in back.iter_mut() {
        person.recover(&mut room);
    }
    let mut late = Person::enter(&mut room, "Late");
    assert_eq!(late.roster(&mut room).len(), 21, "those who are on their way are in the roster");
    room.pass(AWAY_AFTER);
    let about = |event: &str, names: &[&str]| names.iter().map(|name| format!("{event} {name}")).collect::<Vec<_>>();
    let sorted = |mut told: Vec<String>| {
        told.sort();
        told
    };
    let names: Vec<_> = gone.iter().map(|person| person.name.as_str()).collect();
    assert_eq!(sorted(late.heard(&mut room)), about("memberAway", &names));
    room.pass(RECOVERY - AWAY_AFTER);
    assert_eq!(sorted(late.heard(&mut room)), about("memberLeft", &names));
    let told = [about("memberJoined", &["Late"]), about("memberAway", &names), about("memberLeft", &names)].concat();
    for person in back {
        assert_eq!(sorted(person.heard(&mut room)), sorted(told.clone()));
    }
}

#[test]
fn presence_is_told_to_those_who_are_there_even_if_nothing_can_be_stored() {
    let (mut room, mut ada, mut bob) = couple();
    room.fail_writes(true);
    bob.leave(&mut room);
    assert_eq!(ada.heard(&mut room), ["memberLeft Bob"]);
    bob = Person::enter(&mut room, "Bob");
    assert_eq!(ada.heard(&mut room), ["memberJoined Bob"]);
    room.fail_writes(false);
    assert_eq!(bob.roster(&mut room), ["Ada", "Bob"]);
}

#[test]
fn a_story_of_tabs_and_names_is_the_same_wherever_it_is_interrupted() {
    // The same story, interrupted after each of its steps, and once not at all.
    let tell = |interrupted: Option<usize>| {
        let mut room = support::people::room(config());
        let mut step = 0;
        let mut pause = |room: &mut ChatRoom| {
            room.pass(2_000);
            if interrupted == Some(step) {
                room.restart();
            }
            step += 1;
        };
        let mut ada = Person::enter(&mut room, "Ada");
        pause(&mut room);
        let mut bob = Person::enter(&mut room, "Bob");
        pause(&mut room);
        let mut tab = Person::enter(&mut room, "Bob");
        pause(&mut room);
        bob.vanish(&mut room);
        pause(&mut room);
        tab.ask(&mut room, "join", &json!({"name": "Bobby"}));
        pause(&mut room);
        let mut eve = Person::keyless(&mut room, "Eve");
        pause(&mut room);
        eve.vanish(&mut room);
        pause(&mut room);
        tab.vanish(&mut room);
        pause(&mut room);
        room.pass(AWAY_AFTER);
        pause(&mut room);
        let mut transcript = bob.recover(&mut room);
        pause(&mut room);
        transcript.push(bob.join(&mut room));
        bob.say(&mut room, "hi", "m-1");
        pause(&mut room);
        transcript.push(bob.say(&mut room, "hi", "m-1"));
        bob.vanish(&mut room);
        pause(&mut room);
        room.pass(RECOVERY);
        pause(&mut room);
        transcript.extend(ada.events(&mut room));
        transcript.push(ada.join(&mut room));
        assert_eq!(step, 13);
        transcript
    };
    let whole = tell(None);
    let events: Vec<_> = whole.iter().filter_map(|event| event.get(0)?.as_str()).collect();
    let missed = ["memberRenamed", "memberJoined", "memberAway"];
    let comings = ["memberJoined", "memberRenamed", "memberJoined", "memberAway", "memberAway"];
    let goings = ["memberBack", "memberRenamed", "newMessage", "memberAway", "memberLeft", "memberLeft"];
    assert_eq!(events, [&missed[..], &comings, &goings].concat());
    for step in 0..13 {
        assert_eq!(tell(Some(step)), whole, "interrupted after step {step}");
    }
}

#[test]
fn who_can_not_be_recovered_but_is_the_same_person_has_not_left() {
    let (mut room, mut ada, mut bob) = couple();
    bob.vanish(&mut room);
    room.pass(AWAY_AFTER - 1);
    let auth = json!({"name": "Bob", "key": key_of("Bob"), "pid": bob.pid(), "offset": "none of ours"});
    let (_, answer) = connect(&mut room, &auth);
    assert_ne!(answer.unwrap()["pid"], bob.pid(), "it had to start anew");
    room.pass(2 * RECOVERY);
    assert_eq!(ada.heard(&mut room), NOTHING);
}
