//! Events that ask for answers, of one socket or of many, in time or not, with restarts between.

#![allow(clippy::indexing_slicing, clippy::panic, reason = "what goes wrong in here fails the test")]

mod support;

use roomcast::app::Handlers;
use roomcast::app::prelude::*;
use roomcast::config::Config;
use roomcast::ids::ConnId;
use serde_json::json;
use support::{Log, Room, Traveller, logging, note, plain};

/// `ask` asks everybody else for a number, with a second's patience, and `ask me` the socket itself.
fn app(handlers: Handlers<Log>) -> Handlers<Log> {
    handlers
        .on("ask", |socket, question: String| {
            let asker = socket.id;
            let all = socket.broadcast().timeout(Millis(1_000)).context(asker);
            all.emit_with_ack("question", &question, AnswersName::new("numbers"))
        })
        .on("ask me", |socket, ()| socket.only().emit_with_ack("question", "you?", AnswersName::new("numbers")))
        .on("ask me soon", |socket, ()| {
            socket.timeout(Millis(10)).emit_with_ack("question", "you?", AnswersName::new("numbers"))
        })
        .on("join", |socket, room: String| socket.join(&room))
        .on("ask room", |socket, room: String| {
            socket.io.to(room).emit_with_ack("question", "all?", AnswersName::new("numbers"))
        })
        .on("leave", |socket, ()| socket.disconnect(false))
        .on_answers(AnswersName::new("numbers"), |room, answers| {
            let numbers: Vec<(_, u32)> = answers.get().map(|(socket, number)| (socket.as_str(), number)).collect();
            let asker: Option<SocketId> = answers.context()?;
            let missing: Vec<_> = answers.missing.iter().map(SocketId::as_str).collect();
            note(room.app, format!("{} {numbers:?} missing {missing:?}", answers.name));
            asker.map_or(Ok(()), |asker| room.io.to(asker).emit("numbers", &numbers.len()))
        })
}

struct Scene {
    log: Log,
    room: Room,
    clients: Vec<(ConnId, String)>,
}

fn scene(config: Config) -> Scene {
    let (log, mut room) = logging(config, app);
    let clients = (0..3).map(|_| room.client()).collect();
    Scene { log, room, clients }
}

impl Scene {
    fn emit(&mut self, client: usize, event: &str) {
        let conn = self.clients[client].0;
        self.room.emit(conn, &json!([event, "x"]));
    }

    /// The ids under which a client has been asked.
    fn asked(&mut self, client: usize) -> Vec<u64> {
        let frames = self.room.frames(self.clients[client].0);
        let id = |frame: &String| frame.strip_prefix("42")?.split('[').next()?.parse().ok();
        frames.iter().filter_map(id).collect()
    }

    fn answer(&mut self, client: usize, id: u64, answer: &str) {
        self.room.text(self.clients[client].0, &format!("43{id}[{answer}]"));
    }

    fn told(&mut self) -> Vec<String> {
        self.log.take()
    }

    fn line(&self, replies: &[(usize, u32)], missing: &[usize]) -> String {
        let replies: Vec<_> = replies.iter().map(|(client, number)| (&self.clients[*client].1, number)).collect();
        let missing: Vec<_> = missing.iter().map(|client| &self.clients[*client].1).collect();
        format!("numbers {replies:?} missing {missing:?}")
    }
}

#[test]
fn row_2_emit_with_ack_the_answer_of_one_client() {
    let mut s = scene(plain());
    s.emit(0, "ask me");
    let [id] = s.asked(0)[..] else { panic!("not asked once") };
    assert_eq!((s.asked(1), s.told()), (vec![], vec![]));
    s.answer(0, id, "7");
    assert_eq!(s.told(), [s.line(&[(0, 7)], &[])]);
    s.answer(0, id, "8");
    assert_eq!(s.told(), [""; 0], "an answer counts once");
}

#[test]
fn row_3_timeout_who_does_not_answer_in_time_is_missing() {
    let mut s = scene(plain());
    s.emit(0, "ask me soon");
    let [id] = s.asked(0)[..] else { panic!("not asked once") };
    s.room.pass(9);
    assert_eq!(s.told(), [""; 0]);
    s.room.pass(1);
    assert_eq!(s.told(), [s.line(&[], &[0])]);
    s.answer(0, id, "7");
    assert_eq!(s.told(), [""; 0], "too late");
    s.emit(0, "ask me");
    s.room.pass(plain().ack_timeout.0 - 1);
    assert_eq!(s.told(), [""; 0]);
    s.room.pass(1);
    assert_eq!(s.told(), [s.line(&[], &[0])], "none waits for ever");
}

#[test]
fn row_6_broadcast_with_acks_all_answers_together() {
    let mut s = scene(plain());
    s.emit(0, "ask");
    let (asked, same) = (s.asked(1), s.asked(2));
    assert_eq!((asked.len(), &asked), (1, &same), "one id for all, so that the frame is written once");
    s.answer(2, asked[0], "2");
    s.answer(0, asked[0], "99");
    assert_eq!(s.told(), [""; 0]);
    s.answer(1, asked[0], "1");
    assert_eq!(s.told(), [s.line(&[(2, 2), (1, 1)], &[])], "in the order in which they answer");
    assert_eq!(s.room.frames(s.clients[0].0), [r#"42["numbers",2]"#], "the context says who has asked");
}

#[test]
fn row_6_broadcast_with_acks_partial_answers_on_timeout() {
    let mut s = scene(plain());
    s.emit(0, "ask");
    let id = s.asked(1)[0];
    s.answer(1, id, "1");
    s.room.pass(1_000);
    assert_eq!(s.told(), [s.line(&[(1, 1)], &[2])]);
    s.answer(2, id, "2");
    assert_eq!(s.told(), [""; 0]);
}

#[test]
fn row_6_broadcast_with_acks_to_nobody_is_answered_at_once() {
    let mut s = scene(plain());
    s.emit(0, "ask room");
    assert_eq!(s.told(), [s.line(&[], &[])]);
}

#[test]
fn who_is_gone_for_good_is_missing_at_once() {
    let mut s = scene(plain());
    s.emit(0, "ask");
    let id = s.asked(1)[0];
    s.room.hang_up(s.clients[2].0, false);
    assert_eq!(s.told(), [""; 0]);
    s.answer(1, id, "1");
    assert_eq!(s.told(), [s.line(&[(1, 1)], &[2])]);
    s.emit(0, "ask me");
    s.emit(0, "leave");
    assert_eq!(s.told(), [s.line(&[], &[0])]);
}

#[test]
fn questions_and_answers_outlive_restarts_and_ids_are_not_used_again() {
    for crash in [false, true] {
        let mut s = scene(Config::default());
        s.emit(0, "ask");
        let id = s.asked(1)[0];
        s.answer(1, id, "1");
        if crash {
            s.room.crash();
            // Nobody came back in time.
            s.room.pass(1_000);
            assert_eq!(s.told(), [s.line(&[(1, 1)], &[2])], "the answer was kept");
            continue;
        }
        s.room.restart();
        s.answer(1, id, "1");
        assert_eq!(s.told(), [""; 0]);
        s.answer(2, id, "2");
        assert_eq!(s.told(), [s.line(&[(1, 1), (2, 2)], &[])]);
        s.room.restart();
        s.emit(0, "ask");
        let next = s.asked(1);
        assert_eq!(next, [id + 1]);
        s.room.restart();
        s.answer(1, id, "9");
        s.room.pass(1_000);
        assert_eq!(s.told(), [s.line(&[], &[1, 2])], "an old id is nobody's");
    }
}

#[test]
fn a_client_that_comes_back_may_still_answer() {
    let (log, mut room) = logging(Config::default(), app);
    let (asker, _) = room.client();
    let mut traveller = Traveller::new(&mut room);
    room.emit(asker, &json!(["ask", "x"]));
    let question = room.frames(traveller.conn).pop().unwrap_or_default();
    assert_eq!(question, r#"420["question","x"]"#);
    traveller.blink(&mut room);
    assert!(traveller.recovered);
    room.text(traveller.conn, "430[5]");
    assert_eq!(log.take(), [format!("numbers [({:?}, 5)] missing []", traveller.id)]);
}

#[test]
fn a_question_that_can_not_be_stored_is_asked_of_nobody() {
    let mut s = scene(Config::default());
    s.room.fail_writes(true);
    let conn = s.clients[0].0;
    let answer = s.room.call(conn, "ask", &json!("x"));
    assert_eq!(answer["code"], "storage");
    s.room.fail_writes(false);
    assert_eq!((s.asked(1), s.asked(2), s.told()), (vec![], vec![], vec![]));
}

#[test]
fn a_question_in_a_step_that_fails_was_never_asked() {
    let (log, mut room) = logging(plain(), |handlers| {
        app(handlers)
            .on("half", |socket, ()| {
                socket.io.atomically(|| {
                    socket.io.all().emit_with_ack("question", &1, AnswersName::new("numbers"))?;
                    socket.io.to("nobody").emit_with_ack("question", &1, AnswersName::new("numbers"))?;
                    socket.io.sql("INSERT INTO nowhere VALUES (1)", &[]).map(drop)
                })
            })
            .on_any_outgoing(|room, sent| note(room.app, format!("sent {}", sent.name)))
    });
    let (conn, id) = room.client();
    assert_eq!(room.call(conn, "half", &json!(null))["code"], "storage");
    room.pass(plain().ack_timeout.0);
    assert_eq!(log.take(), [""; 0]);
    room.emit(conn, &json!(["ask me"]));
    assert_eq!(room.frames(conn).last().map(String::as_str), Some(r#"420["question","you?"]"#));
    room.text(conn, "430[4]");
    assert_eq!(log.take(), ["sent question".to_owned(), format!("numbers [({id:?}, 4)] missing []")]);
}

#[test]
fn an_ack_may_be_kept_and_given_after_a_restart() {
    let mut room = Room::new(plain(), || {
        Handlers::new()
            .on("later", |socket, ()| {
                let ack = socket.take_ack();
                socket.set_data(&ack)
            })
            .on("now", |socket, ()| match socket.data::<Ack>() {
                Some(ack) => socket.io.answer(ack, &"at last"),
                None => Ok(()),
            })
    });
    let (conn, _) = room.client();
    room.text(conn, r#"425["later"]"#);
    assert_eq!(room.frames(conn), [""; 0]);
    room.restart();
    room.text(conn, r#"42["now"]"#);
    assert_eq!(room.frames(conn), [r#"435["at last"]"#]);
}
