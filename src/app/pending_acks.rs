//! Events that wait for answers: who was asked, who has answered, and until when the others may.
//!
//! Each has a row until it is done, so it outlives the object's memory: a client that was asked before a restart
//! answers after it. All receivers of an event are asked under the same id, as by the reference's broadcasts, so its
//! frame is written once.
//!
//! Ids aren't used again, so that a late answer finds nothing: the row of a namespace's newest pending ack stays without a
//! name when it's done, until the next pending ack takes it.

use std::collections::VecDeque;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::Args;
use super::data::parse_context;
use super::error::Result;
use crate::database::{Database, DatabaseError, Value};
use crate::ids::{Millis, SocketId};
use crate::socket_io::stored::{self, Stored, check_row};
use crate::sorted::{SortedMap, SortedSet};
use crate::timers::Timers;

/// The steps that make the tables.
pub(crate) const SCHEMA: &[&str] = &["
    CREATE TABLE roomcast_questions (
        namespace TEXT NOT NULL, id INTEGER NOT NULL, name TEXT, context TEXT, deadline INTEGER, asked TEXT
    );
    CREATE TABLE roomcast_answers (
        namespace TEXT, question INTEGER, socket TEXT, answer TEXT NOT NULL, attachments BLOB,
        PRIMARY KEY (namespace, question, socket)
    ) WITHOUT ROWID
"];

/// What came of an event that asked for answers: handed to [`App::answered`](super::App::answered) when all have answered, or
/// when the time is over.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn votes(room: &mut Room, answers: &Answers) -> Result {
///     let yes = answers.get::<bool>().filter(|(_, yes)| *yes).count();
///     let silent = answers.missing.len();
///     room.io.emit("result", &(answers.context::<String>()?, yes, silent))
/// }
/// # let _: Handlers = Handlers::new().on_answers(AnswersName::new("votes"), votes);
/// ```
#[derive(Debug)]
pub struct Answers {
    /// The name that was given when they were asked: it says what handles the answers.
    pub name: Rc<str>,
    /// Who has answered, and what; in the order of the answers, but for a restart between them.
    pub replies: Vec<Reply>,
    /// Who has not: in time, or because the socket is gone.
    pub missing: Vec<SocketId>,
    context: Option<Rc<str>>,
}

/// One socket's answer.
#[derive(Debug)]
pub struct Reply {
    /// Who answers.
    pub socket: SocketId,
    /// The answer.
    pub args: Args<'static>,
}

impl Answers {
    /// The answers that are such a value: each one's first argument, or, for a tuple, all its arguments.
    pub fn get<T: DeserializeOwned>(&self) -> impl Iterator<Item = (&SocketId, T)> {
        self.replies.iter().filter_map(|reply| Some((&reply.socket, reply.args.read().ok()?)))
    }

    /// What was kept for the answers.
    ///
    /// # Errors
    /// [`Error::Internal`](super::Error::Internal) where nothing was kept, or something else.
    pub fn context<T: DeserializeOwned>(&self) -> Result<T> {
        parse_context(self.context.as_ref())
    }
}

/// An event that waits for answers.
#[derive(Debug)]
struct PendingAck {
    waiting: SortedSet<SocketId>,
    answers: Answers,
}

/// Namespace and ack id.
pub(crate) type Key = (Rc<str>, u64);

/// Who is asked, and what becomes of the answers.
pub(crate) struct NewPendingAck<'a> {
    pub(crate) name: &'a str,
    pub(crate) context: Option<Rc<str>>,
    pub(crate) deadline: Millis,
    pub(crate) sockets: SortedSet<SocketId>,
}

/// A moment in [`PendingAcks`].
pub(crate) struct Mark {
    next: SortedMap<Rc<str>, u64>,
    spare: SortedSet<Rc<str>>,
    done: usize,
}

/// The pending acks of a room.
#[derive(Debug, Default)]
pub(crate) struct PendingAcks {
    open: SortedMap<Key, PendingAck>,
    deadlines: Timers<Key>,
    /// The next ack id of each namespace (E3).
    next: SortedMap<Rc<str>, u64>,
    /// The namespaces that have a row without a pending ack.
    spare: SortedSet<Rc<str>>,
    /// What the app wasn't told yet.
    pub(crate) done: VecDeque<(Rc<str>, Answers)>,
}

impl PendingAcks {
    /// Reads what an earlier life of the object has asked.
    pub(crate) fn open(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        const OPEN: &str = "SELECT namespace, id, name, context, deadline, asked FROM roomcast_questions";
        const ANSWERS: &str = "SELECT namespace, question, socket, answer, attachments FROM roomcast_answers";
        let rows = database.query(OPEN, &[])?;
        for row in &rows {
            let (Some(namespace), Some(id)) = (row.text(0).map(Rc::from), row.number(1)) else {
                continue;
            };
            self.next.change(Rc::clone(&namespace), |next| *next = id.wrapping_add(1).max(*next));
            let (Some(name), Some(deadline)) = (row.text(2), row.number(4)) else {
                self.spare.insert(namespace);
                continue;
            };
            let asked: Vec<String> = row.text(5).and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
            let key = (namespace, id);
            self.deadlines.set(key.clone(), Millis(deadline));
            let waiting = asked.iter().map(|socket| SocketId::from_wire(socket)).collect();
            self.open.insert(key, PendingAck { waiting, answers: answers(name, row.text(3).map(Rc::from)) });
        }
        if rows.is_empty() {
            return Ok(());
        }
        for row in &database.query(ANSWERS, &[])? {
            let (Some(namespace), Some(id), Some(socket)) = (row.text(0), row.number(1), row.text(2)) else {
                continue;
            };
            let pending = self.open.get_mut(&(Rc::from(namespace), id));
            if let (Some(pending), Some((values, attachments))) = (pending, stored::read(row, 3, 4)) {
                pending.accept(&SocketId::from_wire(socket), Args::numbered(values, attachments));
            }
        }
        Ok(())
    }

    /// Notes who is asked; gives the ack id. Where nobody is asked, it is done at once.
    pub(crate) fn ask(
        &mut self,
        database: &dyn Database,
        namespace: &Rc<str>,
        asking: NewPendingAck<'_>,
    ) -> Result<u64, DatabaseError> {
        const INSERT: &str = "INSERT INTO roomcast_questions (id, name, context, deadline, asked, namespace)
            VALUES (?, ?, ?, ?, ?, ?)";
        const TAKE: &str = "UPDATE roomcast_questions SET id = ?, name = ?, context = ?, deadline = ?, asked = ?
            WHERE namespace = ? AND name IS NULL";
        let NewPendingAck { name, context, deadline, sockets } = asking;
        let answers = answers(name, context);
        let id = self.next.get(namespace).copied().unwrap_or_default();
        if sockets.is_empty() {
            self.done.push_back((namespace.clone(), answers));
            return Ok(id);
        }
        let asked: Vec<_> = sockets.iter().map(SocketId::as_str).collect();
        // Texts always have their JSON.
        let asked = serde_json::to_string(&asked).unwrap_or_default();
        let context = answers.context.as_deref();
        check_row("a pending ack", asked.len() + name.len() + context.map_or(0, str::len))?;
        let values =
            [id.into(), name.into(), context.into(), deadline.0.into(), asked.into(), namespace.as_ref().into()];
        database.query(if self.spare.contains(namespace) { TAKE } else { INSERT }, &values)?;
        self.spare.remove(namespace);
        self.next.insert(namespace.clone(), id.wrapping_add(1));
        let key = (namespace.clone(), id);
        self.deadlines.set(key.clone(), deadline);
        self.open.insert(key, PendingAck { waiting: sockets, answers });
        Ok(id)
    }

    /// A socket answers. What nobody asked it is ignored.
    pub(crate) fn answered(
        &mut self,
        database: &dyn Database,
        namespace: &Rc<str>,
        socket: &SocketId,
        id: u64,
        args: Args<'_>,
    ) -> Result<(), DatabaseError> {
        const INSERT: &str = "INSERT INTO roomcast_answers VALUES (?, ?, ?, ?, ?)";
        let key = (namespace.clone(), id);
        let Some(pending) = self.open.get_mut(&key).filter(|pending| pending.waiting.contains(socket)) else {
            return Ok(());
        };
        // The last one needs no row: with it the pending ack is done.
        let kept = if pending.waiting.len() > 1 {
            let answer = Stored::new(None, &args);
            check_row("an answer", answer.size()).and_then(|()| {
                let attachments = Value::from(answer.attachments.as_deref());
                let values =
                    [namespace.as_ref().into(), id.into(), socket.as_str().into(), answer.list.into(), attachments];
                database.query(INSERT, &values)
            })
        } else {
            Ok(Vec::new())
        };
        pending.accept(socket, args.into_owned());
        self.finish_if_done(database, &key);
        kept.map(drop)
    }

    /// A socket is gone for good: it answers nothing any more.
    pub(crate) fn gone(&mut self, database: &dyn Database, namespace: &str, socket: &SocketId) {
        for key in self.forfeit(namespace, socket) {
            self.finish_if_done(database, &key);
        }
    }

    /// A socket went for good together with the object's memory. Where nobody else is waited for, the time is over now.
    pub(crate) fn gone_with_memory(&mut self, namespace: &str, socket: &SocketId, now: Millis) {
        for key in self.forfeit(namespace, socket) {
            if self.open.get(&key).is_some_and(|pending| pending.waiting.is_empty()) {
                self.deadlines.set(key, now);
            }
        }
    }

    /// Counts a socket as missing wherever it owes an answer; gives where that was.
    fn forfeit(&mut self, namespace: &str, socket: &SocketId) -> Vec<Key> {
        let mut owed = Vec::new();
        self.open.for_each_mut(|key, pending| {
            if *key.0 == *namespace && pending.waiting.remove(socket) {
                pending.answers.missing.push(socket.clone());
                owed.push(key.clone());
            }
        });
        owed
    }

    /// The sockets that owe an answer.
    pub(crate) fn owing(&self) -> SortedSet<(Rc<str>, SocketId)> {
        let owing = self.open.iter().flat_map(|((namespace, _), pending)| {
            pending.waiting.iter().map(|socket| (namespace.clone(), socket.clone()))
        });
        owing.collect()
    }

    /// A moment to go back to, if what is asked next can't be kept.
    pub(crate) fn mark(&self) -> Mark {
        Mark { next: self.next.clone(), spare: self.spare.clone(), done: self.done.len() }
    }

    /// Forgets what was asked since: its rows are gone.
    pub(crate) fn rewind(&mut self, Mark { next, spare, done }: Mark) {
        let is_new = |(namespace, id): &Key| next.get(namespace).is_none_or(|next| id >= next);
        let new: Vec<_> = self.open.keys().filter(|key| is_new(key)).cloned().collect();
        for key in new {
            self.open.remove(&key);
            self.deadlines.clear(&key);
        }
        self.done.truncate(done);
        (self.next, self.spare) = (next, spare);
    }

    /// When the time of the first one is over.
    pub(crate) fn next(&self) -> Option<Millis> {
        self.deadlines.next()
    }

    /// Those whose time is over.
    pub(crate) fn due(&self, now: Millis) -> impl Iterator<Item = &Key> {
        self.deadlines.due(now).map(|(key, _)| key)
    }

    /// Ends one whose time is over; its answers are [`done`](Self::done) then.
    pub(crate) fn expire(&mut self, database: &dyn Database, key: &Key) {
        self.finish(database, key);
    }

    /// Has one not end any more; its row stays. `false` where there is none.
    pub(crate) fn set_aside(&mut self, key: &Key) -> bool {
        self.deadlines.clear(key);
        self.open.remove(key).is_some()
    }

    fn finish_if_done(&mut self, database: &dyn Database, key: &Key) {
        if self.open.get(key).is_some_and(|pending| pending.waiting.is_empty()) {
            self.finish(database, key);
        }
    }

    fn finish(&mut self, database: &dyn Database, key: &Key) {
        self.deadlines.clear(key);
        let Some(PendingAck { waiting, mut answers }) = self.open.remove(key) else {
            return;
        };
        let (namespace, id) = (key.0.clone(), key.1);
        const DELETE: &str = "DELETE FROM roomcast_questions WHERE namespace = ? AND id = ?";
        const EMPTY: &str = "UPDATE roomcast_questions SET name = NULL, context = NULL, asked = NULL
            WHERE namespace = ? AND id = ?";
        let values = [namespace.as_ref().into(), id.into()];
        let is_newest = self.next.get(&namespace) == Some(&id.wrapping_add(1));
        // What can't be written comes again after a restart, as a pending ack whose time is over.
        if database.query(if is_newest { EMPTY } else { DELETE }, &values).is_ok() && is_newest {
            self.spare.insert(namespace.clone());
        }
        if answers.replies.len() + answers.missing.len() + waiting.len() > 1 {
            _ = database.query("DELETE FROM roomcast_answers WHERE namespace = ? AND question = ?", &values);
        }
        answers.missing.extend(waiting);
        self.done.push_back((namespace, answers));
    }
}

impl PendingAck {
    fn accept(&mut self, socket: &SocketId, args: Args<'static>) {
        if self.waiting.remove(socket) {
            self.answers.replies.push(Reply { socket: socket.clone(), args });
        }
    }
}

fn answers(name: &str, context: Option<Rc<str>>) -> Answers {
    Answers { name: name.into(), replies: Vec::new(), missing: Vec::new(), context }
}
