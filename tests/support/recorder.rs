//! An app that writes down what it is told, and does what a test makes its hooks do.

use std::cell::RefCell;
use std::rc::Rc;

use roomcast::app::{Answers, App, Args, Connection, Departed, DueTimer, Event, Io, Joining, Refusal};
use roomcast::config::Config;
use roomcast::ids::SocketId;
use serde_json::value::RawValue;

use super::Room;

/// The app. What it was told outlives restarts of the room, since it is the test's, not the room's.
#[derive(Clone)]
pub(crate) struct Recorder {
    /// To be read by [`log`](Self::log).
    pub(crate) written: Rc<RefCell<Vec<String>>>,
    /// The namespaces that there are.
    pub(crate) namespaces: &'static [&'static str],
    pub(crate) on_connecting: fn(&Io<'_>, Option<&RawValue>) -> Result<(), Refusal>,
    pub(crate) on_connected: fn(&Io<'_>, &SocketId),
    pub(crate) on_event: fn(&Io<'_>, Event<'_>),
    pub(crate) on_disconnected: fn(&Io<'_>, &Departed),
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            written: Rc::default(),
            namespaces: &["/", "/a", "/b"],
            on_connecting: |_, _| Ok(()),
            on_connected: |_, _| {},
            on_event: obey,
            on_disconnected: |_, _| {},
        }
    }
}

/// `say` comes back to the sender and `shout` goes to everybody, both as `said` with the arguments in a list; `kick` ends
/// the sender's connection. Any other is answered with its arguments, where an answer is wanted.
fn obey(io: &Io<'_>, event: Event<'_>) {
    match event.name {
        "say" => io.to(event.socket).emit("said", &event.args).expect("no reserved name"),
        "shout" => io.all().emit("said", &event.args).expect("no reserved name"),
        "kick" => io.disconnect(event.socket, true),
        _ => {
            if let Some(ack) = event.ack {
                io.answer(ack, &event.args).expect("JSON");
            }
        }
    }
}

impl Recorder {
    /// A room that runs this app.
    pub(crate) fn room(&self, config: Config) -> Room {
        let app = self.clone();
        Room::new(config, move || app.clone())
    }

    /// What the app was told since last asked, a line a hook.
    pub(crate) fn log(&self) -> Vec<String> {
        self.written.take()
    }

    fn note(&self, line: String) {
        self.written.borrow_mut().push(line);
    }
}

fn list(args: &Args<'_>) -> String {
    args.iter().map(|arg| format!(" {arg}")).collect()
}

impl App for Recorder {
    fn has_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(&name)
    }

    fn connecting(&mut self, io: &Io<'_>, joining: &Joining<'_>) -> Result<(), Refusal> {
        let auth = joining.auth;
        self.note(format!("connecting {} {}", io.namespace(), auth.map_or("-", RawValue::get)));
        (self.on_connecting)(io, auth)
    }

    fn connected(&mut self, io: &Io<'_>, connection: &Connection<'_>) {
        let Connection { socket, recovered, .. } = connection;
        self.note(format!("{} {} {socket}", if *recovered { "recovered" } else { "connected" }, io.namespace()));
        (self.on_connected)(io, socket);
    }

    fn event(&mut self, io: &Io<'_>, event: Event<'_>) {
        self.note(format!("event {} {} {}{}", io.namespace(), event.socket, event.name, list(event.args)));
        (self.on_event)(io, event);
    }

    fn answered(&mut self, io: &Io<'_>, answers: &Answers) {
        for reply in &answers.replies {
            self.note(format!("acked {} {} {}{}", io.namespace(), reply.socket, answers.name, list(&reply.args)));
        }
        for socket in &answers.missing {
            self.note(format!("not acked {} {socket} {}", io.namespace(), answers.name));
        }
    }

    fn disconnected(&mut self, io: &Io<'_>, departed: &Departed) {
        self.note(format!("disconnected {} {} {}", io.namespace(), departed.id, departed.reason.as_str()));
        (self.on_disconnected)(io, departed);
    }

    fn expired(&mut self, io: &Io<'_>, departed: &Departed) {
        self.note(format!("expired {} {}", io.namespace(), departed.id));
    }

    fn scheduled(&mut self, io: &Io<'_>, timer: &DueTimer) {
        self.note(format!("scheduled {} {}", io.namespace(), timer.name));
    }
}
