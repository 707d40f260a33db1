//! Volatile events reach whom they reach at once, and are dropped for everybody else (1.12).

mod support;

use roomcast::app::{App, Args, Binary, DueTimer, Event, Io, TimerName};
use roomcast::ids::Millis;
use support::{Room, plain};

/// Does what the event's name says, in one turn: `r` is a regular event, `v` a volatile one, `b` a volatile binary one, and
/// `t` a timer, which sends a volatile one.
struct Script;

impl App for Script {
    fn event(&mut self, io: &Io<'_>, event: Event<'_>) {
        let bytes = Args::of(&Binary([1, 2][..].into())).unwrap_or_default();
        for (index, step) in event.name.chars().enumerate() {
            let to = io.to(event.socket);
            let sent = match step {
                'v' => to.volatile().emit("v", &index),
                'b' => to.volatile().emit_args("b", &bytes),
                't' => {
                    assert_eq!(io.timer(TimerName::new("t")).set_timeout(Millis(5)), Ok(()));
                    Ok(())
                }
                _ => to.emit("r", &index),
            };
            assert_eq!(sent, Ok(()));
        }
    }

    fn scheduled(&mut self, io: &Io<'_>, _: &DueTimer) {
        assert_eq!(io.all().volatile().emit("t", &0), Ok(()));
    }
}

fn room() -> Room {
    Room::new(plain(), || Script)
}

const HEADER: &str = r#"451-["b",{"_placeholder":true,"num":0}]"#;

#[test]
fn volatile_not_writable_over_a_websocket_is_what_follows_in_the_same_turn() {
    let table: [(&str, &[&str]); 5] = [
        ("v", &[r#"42["v",0]"#]),
        ("vv", &[r#"42["v",0]"#]),
        ("rv", &[r#"42["r",0]"#]),
        ("vr", &[r#"42["v",0]"#, r#"42["r",1]"#]),
        ("b", &[HEADER, "[1, 2]"]),
    ];
    for (name, frames) in table {
        let mut room = room();
        let (conn, _) = room.client();
        for _ in 0..2 {
            room.text(conn, &format!(r#"42["{name}"]"#));
            assert_eq!(room.frames(conn), frames, "{name}: a turn forgets the one before");
        }
    }
}

#[test]
fn what_a_timer_sends_is_a_turn_of_its_own() {
    let mut room = room();
    let (conn, _) = room.client();
    room.text(conn, r#"42["tr"]"#);
    room.pass(5);
    assert_eq!(room.frames(conn), [r#"42["r",1]"#, r#"42["t",0]"#]);
}

#[test]
fn volatile_not_writable_over_polling_is_whoever_has_no_get_pending() {
    let mut room = room();
    let sid = room.open_polling();
    room.join_polling(&sid);
    room.post(&sid, r#"42["v"]"#);
    room.post(&sid, r#"42["r"]"#);
    assert_eq!(room.poll(&sid), r#"42["r",0]"#, "the volatile one is gone");
    let get = room.get(&sid);
    room.post(&sid, r#"42["vv"]"#);
    assert_eq!(room.packets(get), r#"42["v",0]"#);
    room.post(&sid, r#"42["b"]"#);
    room.post(&sid, r#"42["r"]"#);
    assert_eq!(room.poll(&sid), r#"42["r",0]"#, "of a binary one nothing is left either");
    let get = room.get(&sid);
    room.post(&sid, r#"42["b"]"#);
    assert_eq!(room.packets(get), format!("{HEADER}\u{1e}bAQI="), "its attachment goes with its header");
}
