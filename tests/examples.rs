//! The examples, each through the core.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "it fails the test")]

mod support;

use roomcast::app::App;
use roomcast::examples;
use roomcast::ids::ConnId;
use serde_json::{Value, json};
use support::{Room, plain};

fn room<A: App + 'static>(make: fn() -> A) -> Room {
    Room::new(plain(), make)
}

/// A client whose greeting is read.
fn client(room: &mut Room) -> (ConnId, String) {
    let (conn, id) = room.client();
    room.frames(conn);
    (conn, id)
}

/// Sends an event, and forgets what comes back.
fn send(room: &mut Room, conn: ConnId, event: &Value) {
    room.text(conn, &format!("42{event}"));
}

/// The arguments of the events of this name that have come, and of no others; pings are passed over.
fn heard(room: &mut Room, conn: ConnId, name: &str) -> Vec<Value> {
    let frames = room.frames(conn);
    let events = frames.iter().filter(|frame| *frame != "2").map(|frame| {
        let event: Value = serde_json::from_str(frame.strip_prefix("42").unwrap()).unwrap();
        assert_eq!(event[0], name, "{frame}");
        event[1].clone()
    });
    events.collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn echo_sends_back_to_the_sender_alone() {
    let mut room = room(examples::echo);
    let [(ada, _), (bob, _)] = [client(&mut room), client(&mut room)];
    send(&mut room, ada, &json!(["message", "hello"]));
    assert_eq!(room.frames(ada), [r#"42["message","hello"]"#]);
    send(&mut room, ada, &json!(["message", 7]));
    assert_eq!(heard(&mut room, ada, "error")[0]["code"], "invalid_payload");
    assert_eq!(room.frames(bob), [""; 0]);
}

#[test]
fn tutorial_passes_on_to_all_others() {
    let mut room = room(examples::tutorial);
    let [(ada, _), (bob, _), (cyd, _)] = std::array::from_fn(|_| client(&mut room));
    let message = json!({"author": "Ada", "message": "hello"});
    send(&mut room, ada, &json!(["createdMessage", message]));
    assert_eq!(room.frames(ada), [""; 0]);
    for other in [bob, cyd] {
        assert_eq!(heard(&mut room, other, "newIncomingMessage"), std::slice::from_ref(&message));
    }
    let answer = room.call(ada, "createdMessage", &json!({"author": "Ada"}));
    assert_eq!(answer["code"], "invalid_payload");
}

/// Somebody who comes to a dashboard, and the recent points.
fn viewer(room: &mut Room) -> (ConnId, Value) {
    let conn = room.open_socket();
    room.text(conn, "40");
    let frames = room.frames(conn);
    let recent: Value = serde_json::from_str(frames[1].strip_prefix("42").unwrap()).unwrap();
    assert_eq!(recent[0], "recent");
    (conn, recent[1].clone())
}

#[test]
fn dashboard_sends_all_viewers_the_same_points_each_second() {
    let mut room = room(examples::dashboard);
    let (ada, _) = client(&mut room);
    room.pass(1_000);
    room.frames(ada);
    room.pass(3_000);
    let before = heard(&mut room, ada, "point");
    assert_eq!((before.len(), &before[0]["people"]), (3, &json!(1)));

    let (bob, recent) = viewer(&mut room);
    assert_eq!(recent.as_array().unwrap()[1..], before, "who comes gets what was");
    room.pass(1_000);
    room.frames(ada);
    room.frames(bob);
    room.pass(2_000);
    let points = heard(&mut room, ada, "point");
    assert_eq!(heard(&mut room, bob, "point"), points);
    assert_eq!((points.len(), &points[0]["people"]), (2, &json!(2)));
    let time = |point: &Value| point["time"].as_u64().unwrap();
    assert_eq!(time(&points[1]) - time(&before[0]), 5_000, "a point a second");
}

#[test]
fn dashboard_follows_the_target_that_anybody_sets() {
    let mut room = room(examples::dashboard);
    let [(ada, _), (bob, _)] = [client(&mut room), client(&mut room)];
    room.text(ada, r#"421["target",28]"#);
    assert_eq!(room.frames(ada), ["431[]"]);
    assert_eq!(heard(&mut room, bob, "target"), [json!(28.0)]);
    for wrong in [json!(9.9), json!(31)] {
        assert_eq!(room.call(ada, "target", &wrong)["code"], "out_of_range");
    }
    room.pass(60_000);
    let points = heard(&mut room, ada, "point");
    let last = points.last().unwrap();
    assert!((number(&last["temperature"]) - 28.0).abs() < 1.5, "{last}");
    assert_eq!((&last["target"], &last["events"]), (&json!(28.0), &json!(3)));
}

#[test]
fn dashboard_goes_on_after_the_room_lost_its_memory_and_stops_when_nobody_is_there() {
    let mut room = room(examples::dashboard);
    let (ada, _) = client(&mut room);
    send(&mut room, ada, &json!(["target", 25]));
    room.pass(1_000);
    room.restart();
    room.frames(ada);
    room.pass(29_000);
    assert_eq!(heard(&mut room, ada, "point"), [0; 0]);
    room.pass(2_000);
    let points = heard(&mut room, ada, "point");
    assert_eq!(points.len(), 2);
    assert_eq!(points[0]["target"], json!(25.0), "what was set stays");

    room.hang_up(ada, false);
    room.pass(3_600_000);
    assert_eq!(viewer(&mut room).1, json!(points), "nothing was counted meanwhile");
}

/// The player of this id in a tick.
fn player<'t>(tick: &'t Value, id: &str) -> &'t Value {
    tick["players"].as_array().unwrap().iter().find(|player| player["id"] == id).unwrap()
}

fn distance(a: &Value, b: &Value) -> f64 {
    (number(&a["x"]) - number(&b["x"])).hypot(number(&a["y"]) - number(&b["y"]))
}

#[test]
fn game_moves_dots_20_times_a_second_until_all_stand_still() {
    let mut room = room(examples::game);
    let [(ada, id), (bob, other)] = [client(&mut room), client(&mut room)];
    room.pass(1_000);
    let ticks = heard(&mut room, ada, "tick");
    assert_eq!(ticks.len(), 1, "who comes is shown what there is");
    let start = player(&ticks[0], &id).clone();
    assert_eq!((&start["number"], &player(&ticks[0], &other)["number"]), (&json!(1), &json!(2)));

    room.frames(bob);
    let goal = json!({"x": number(&start["x"]) - 100.0, "y": number(&start["y"])});
    send(&mut room, ada, &json!(["steer", goal]));
    room.pass(1_000);
    let ticks = heard(&mut room, bob, "tick");
    assert_eq!(ticks.len(), 5, "five steps of 20 are 100");
    let way: Vec<_> = ticks.iter().map(|tick| number(&player(tick, &id)["x"])).collect();
    assert!(way.windows(2).all(|pair| pair[0] - pair[1] == 20.0), "{way:?}");
    assert_eq!(distance(player(&ticks[4], &id), &goal), 0.0);
    assert_eq!(heard(&mut room, ada, "tick"), ticks);

    room.hang_up(ada, false);
    room.pass(1_000);
    let ticks = heard(&mut room, bob, "tick");
    assert_eq!((ticks.len(), ticks[0]["players"].as_array().unwrap().len()), (1, 1), "and who has left isn't shown");
}

#[test]
fn game_stops_at_walls_and_when_it_is_told_to() {
    let mut room = room(examples::game);
    let (ada, id) = client(&mut room);
    room.pass(50);
    room.frames(ada);
    for (goal, x) in [(json!({"x": -9e9, "y": 500}), 34.0), (json!({"x": 1e300, "y": 1e300}), 966.0)] {
        send(&mut room, ada, &json!(["steer", goal]));
        room.pass(10_000);
        let ticks = heard(&mut room, ada, "tick");
        assert!((1..100).contains(&ticks.len()), "{}", ticks.len());
        assert_eq!(number(&player(ticks.last().unwrap(), &id)["x"]), x);
    }
    send(&mut room, ada, &json!(["steer", {"x": 100, "y": 500}]));
    room.pass(200);
    send(&mut room, ada, &json!(["steer", null]));
    room.pass(1_000);
    assert_eq!(heard(&mut room, ada, "tick").len(), 5);
}

#[test]
fn game_gives_the_star_to_who_reaches_it_and_keeps_scores() {
    let mut room = room(examples::game);
    let [(ada, id), (bob, _)] = [client(&mut room), client(&mut room)];
    room.pass(50);
    let star = heard(&mut room, ada, "tick")[0]["star"].clone();
    send(&mut room, ada, &json!(["steer", star]));
    room.pass(5_000);
    let ticks = heard(&mut room, ada, "tick");
    let last = ticks.last().unwrap();
    assert_eq!(player(last, &id)["score"], 1);
    assert_ne!(last["star"], star, "there is another one");

    room.restart();
    room.frames(bob);
    send(&mut room, bob, &json!(["steer", null]));
    room.pass(50);
    let tick = heard(&mut room, bob, "tick")[0].clone();
    assert_eq!((&player(&tick, &id)["score"], &player(&tick, &id)["number"]), (&json!(1), &json!(1)));
}

const HEADER: &str = r#"{"colour":1,"points":{"_placeholder":true,"num":0},"width":12}"#;

/// Sends a stroke; gives the answer to it.
fn draw(room: &mut Room, conn: ConnId, points: &[u8]) -> Value {
    room.text(conn, &format!(r#"451-7["stroke",{HEADER}]"#));
    room.binary(conn, points);
    let frames = room.frames(conn);
    let answer: Vec<Value> = serde_json::from_str(frames.last().unwrap().strip_prefix("437").unwrap()).unwrap();
    answer[0].clone()
}

/// The picture, as (id, points) of each stroke.
fn picture(room: &mut Room, conn: ConnId) -> Vec<(u64, Vec<u8>)> {
    room.text(conn, r#"428["picture"]"#);
    let frames = room.frames(conn);
    let [header, points] = frames.as_slice() else { panic!("{frames:?}") };
    let header: Value = serde_json::from_str(header.strip_prefix("461-8").unwrap()).unwrap();
    let points: Vec<u8> = serde_json::from_str(points).unwrap();
    let mut rest = points.as_slice();
    let strokes = header[0]["strokes"].as_array().unwrap().iter().map(|stroke| {
        assert_eq!((&stroke["colour"], &stroke["width"]), (&json!(1), &json!(12)));
        let (own, others) = rest.split_at(2 * stroke["length"].as_u64().unwrap() as usize);
        rest = others;
        (stroke["id"].as_u64().unwrap(), own.to_vec())
    });
    let strokes = strokes.collect();
    assert_eq!(rest, [0; 0]);
    strokes
}

#[test]
fn whiteboard_shows_strokes_to_the_others_and_the_picture_to_who_comes_later() {
    let mut room = room(examples::whiteboard);
    let [(ada, id), (bob, _)] = [client(&mut room), client(&mut room)];
    assert_eq!(picture(&mut room, ada), []);
    assert_eq!(draw(&mut room, ada, &[1, 2, 3, 4]), json!({"id": 1}));
    let stroke = format!(
        r#"451-["stroke",{{"id":1,"by":"{id}","colour":1,"width":12,"points":{{"_placeholder":true,"num":0}}}}]"#
    );
    assert_eq!(room.frames(bob), [stroke.as_str(), "[1, 2, 3, 4]"]);
    draw(&mut room, bob, &[5; 8]);
    let (cyd, _) = client(&mut room);
    let expected = [(1, vec![1, 2, 3, 4]), (2, vec![5; 8])];
    assert_eq!(picture(&mut room, cyd), expected);
    room.crash();
    let (dan, _) = client(&mut room);
    assert_eq!(picture(&mut room, dan), expected, "it is stored");
}

#[test]
fn whiteboard_passes_on_unfinished_strokes_and_keeps_none_of_them() {
    let mut room = room(examples::whiteboard);
    let [(ada, id), (bob, _)] = [client(&mut room), client(&mut room)];
    room.text(ada, &format!(r#"451-["drawing",{HEADER}]"#));
    room.binary(ada, &[1, 2, 3, 4]);
    let frames = room.frames(bob);
    assert!(frames[0].starts_with(r#"451-["drawing","#) && frames[0].contains(&id), "{frames:?}");
    assert_eq!(picture(&mut room, bob), []);
}

#[test]
fn whiteboard_takes_back_ones_own_last_stroke_and_clears() {
    let mut room = room(examples::whiteboard);
    let [(ada, _), (bob, _)] = [client(&mut room), client(&mut room)];
    for conn in [ada, ada, bob] {
        draw(&mut room, conn, &[0; 4]);
    }
    for conn in [ada, bob] {
        room.frames(conn);
    }
    for (times, left) in [(1, vec![1, 3]), (2, vec![3]), (3, vec![3])] {
        send(&mut room, ada, &json!(["undo"]));
        let undone: Vec<Value> = if times < 3 { vec![json!(3 - times)] } else { vec![] };
        for conn in [ada, bob] {
            assert_eq!(heard(&mut room, conn, "undone"), undone);
        }
        let ids: Vec<_> = picture(&mut room, ada).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, left);
    }
    send(&mut room, ada, &json!(["clear"]));
    for conn in [ada, bob] {
        assert_eq!(room.frames(conn), [r#"42["cleared"]"#]);
    }
    assert_eq!(picture(&mut room, bob), []);
}

#[test]
fn whiteboard_refuses_what_is_no_stroke_and_more_than_it_holds() {
    let mut room = room(examples::whiteboard);
    let (ada, _) = client(&mut room);
    for wrong in [vec![], vec![0; 3], vec![0; 6], vec![0; 2_004]] {
        assert_eq!(draw(&mut room, ada, &wrong)["code"], "invalid_stroke", "{} bytes", wrong.len());
    }
    let no_bytes = room.call(ada, "stroke", &json!({"colour": 1, "width": 12, "points": "x"}));
    assert_eq!(no_bytes["code"], "invalid_payload");
    for id in 1..=1_000 {
        assert_eq!(draw(&mut room, ada, &[0; 4]), json!({"id": id}));
    }
    assert_eq!(draw(&mut room, ada, &[0; 4])["code"], "full");
    assert_eq!(picture(&mut room, ada).len(), 1_000);
    send(&mut room, ada, &json!(["undo"]));
    room.frames(ada);
    assert_eq!(draw(&mut room, ada, &[0; 4]), json!({"id": 1_000}));
}
