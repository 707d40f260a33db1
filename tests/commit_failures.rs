//! Every commit fails once: the same story is told again for each transaction in it, and that one fails. Whoever is concerned
//! gets 503 or has its WebSocket closed, comes back, and sends again what wasn't acknowledged; and all tell the same story.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "what goes wrong in here fails the test that uses it")]

mod support;

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Value, json};
use support::people::{AWAY_AFTER, ChatRoom, RECOVERY, config, key_of};
use support::{Stock, Transport};

/// What is the same however the story was disturbed.
#[derive(Debug, PartialEq, Eq)]
struct Transcript {
    /// What each client heard, in its order.
    heard: Vec<Vec<String>>,
    /// Who is in the room at the end, and what was said in it.
    roster: Value,
    messages: Vec<String>,
}

/// How a telling went.
struct Telling {
    transcript: Transcript,
    commits: u64,
    unavailable: usize,
    recoveries: usize,
}

fn enter(room: &mut ChatRoom, name: &str, transport: Transport) -> Stock {
    let mut client = Stock::new(room, transport, json!({"name": name, "key": key_of(name)}));
    client.call(room, "join", &json!({"name": name}));
    client
}

/// Says something; gives the number under which it was acknowledged.
fn say(room: &mut ChatRoom, client: &mut Stock, text: &str) -> Value {
    client.call(room, "message", &json!({"text": text, "id": format!("id-{text}")}))["id"].take()
}

fn short(event: &Value) -> String {
    let about = ["name", "text", "message"].iter().find_map(|field| event[1].get(field)?.as_str());
    format!("{} {}", event[0].as_str().unwrap_or_default(), about.unwrap_or_default())
}

/// Lets time pass, while these clients note what they hear and come back where they have to.
fn spend(room: &mut ChatRoom, millis: u64, clients: &mut [(usize, &mut Stock)], heard: &mut [Vec<String>]) {
    for _ in 0..millis / 1_000 {
        for (index, client) in &mut *clients {
            heard[*index].extend(client.events(room).iter().map(short));
        }
        room.pass(1_000);
    }
}

/// The story, with the transactions of these numbers failing.
fn tell([first, second, third]: [Transport; 3], failing: Range<u64>) -> Telling {
    let mut room = support::people::room(config());
    room.memory().fail_commits(failing);
    let mut acknowledged = Vec::new();
    let mut heard = vec![Vec::new(); 3];
    let mut ada = enter(&mut room, "Ada", first);
    let mut bob = enter(&mut room, "Bob", second);
    acknowledged.push(say(&mut room, &mut ada, "one"));
    acknowledged.push(say(&mut room, &mut bob, "two"));
    let mut eve = enter(&mut room, "Eve", third);
    acknowledged.push(say(&mut room, &mut eve, "three"));
    spend(&mut room, 1_000, &mut [(0, &mut ada), (1, &mut bob), (2, &mut eve)], &mut heard);
    bob.vanish(&mut room);
    spend(&mut room, 2_000, &mut [(0, &mut ada), (2, &mut eve)], &mut heard);
    acknowledged.push(say(&mut room, &mut ada, "four"));
    acknowledged.push(say(&mut room, &mut eve, "five"));
    bob.connect(&mut room);
    acknowledged.push(say(&mut room, &mut bob, "six"));
    spend(&mut room, 1_000, &mut [(0, &mut ada), (1, &mut bob), (2, &mut eve)], &mut heard);
    eve.vanish(&mut room);
    spend(&mut room, AWAY_AFTER + 15_000, &mut [(0, &mut ada), (1, &mut bob)], &mut heard);
    acknowledged.push(say(&mut room, &mut ada, "seven"));
    spend(&mut room, RECOVERY + 15_000, &mut [(0, &mut ada), (1, &mut bob)], &mut heard);
    let commits = room.memory().commits();
    // The storage works from here on.
    room.memory().fail_commits(0..0);
    let end = ada.call(&mut room, "join", &json!({"name": "Ada"}));
    let members = end["members"].as_array().expect("a roster").iter();
    let roster = members.map(|member| json!([member["name"], member["away"]])).collect();
    let messages = end["messages"].as_array().expect("messages").iter();
    let (ids, messages): (Vec<_>, _) = messages
        .map(|message| (message["id"].clone(), message["text"].as_str().unwrap_or_default().to_owned()))
        .unzip();
    assert_eq!(ids, acknowledged, "what was acknowledged is what is there");
    spend(&mut room, 1_000, &mut [(0, &mut ada), (1, &mut bob)], &mut heard);
    let own: BTreeSet<_> = [&ada, &bob].iter().filter_map(|client| client.get()).collect();
    let hang: Vec<_> = room.waiting().into_iter().filter(|conn| !own.contains(conn)).collect();
    assert_eq!(hang, [], "requests that nobody answers");
    let clients = [&ada, &bob, &eve];
    let sum = |count: fn(&Stock) -> usize| clients.iter().map(|client| count(client)).sum();
    Telling {
        transcript: Transcript { heard, roster, messages },
        commits,
        unavailable: sum(|client| client.unavailable),
        recoveries: sum(|client| client.recoveries),
    }
}

fn every_commit_fails_once(transports: [Transport; 3]) {
    let whole = tell(transports, 0..0);
    assert_eq!((whole.unavailable, whole.recoveries), (0, 1), "nothing went wrong, and Bob came back once");
    assert_eq!(whole.transcript.messages, ["one", "two", "three", "four", "five", "six", "seven"]);
    assert!(whole.commits > 20, "{} commits", whole.commits);
    let mut disturbed = 0;
    for (number, failures) in (1..=whole.commits).flat_map(|number| [(number, 1), (number, 3)]) {
        let told = tell(transports, number..number + failures);
        let case = format!("with {failures} from commit {number} of {} failing", whole.commits);
        assert_eq!(told.transcript, whole.transcript, "{case}");
        disturbed += usize::from(told.unavailable + told.recoveries > 1);
    }
    assert!(disturbed > 10, "{disturbed} failures made somebody come back");
}

#[test]
fn by_websocket_nothing_acknowledged_is_lost_and_nothing_comes_twice() {
    every_commit_fails_once([Transport::WebSocket; 3]);
}

#[test]
fn by_polling_nothing_acknowledged_is_lost_and_nothing_comes_twice() {
    every_commit_fails_once([Transport::Polling; 3]);
}

#[test]
fn by_both_transports_nothing_acknowledged_is_lost_and_nothing_comes_twice() {
    every_commit_fails_once([Transport::WebSocket, Transport::Polling, Transport::WebSocket]);
}
