//! The types for clients, `public/chat.d.ts`: written from the types that are read and told here, so that they can't
//! disagree. After a change, `UPDATE_TYPES=1 cargo test --lib typescript` writes the file anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use ts_rs::{TS, TypeVisitor};

use super::problem::Problem;
use super::wire::Shown;
use super::{Chat, chat_that_keeps, members, messages, news};
use crate::app::handlers::Socket;
use crate::app::{Error, Failure, Result};

const HEAD: &str = "\
// The chat's events, for TypeScript. Written from the server's own types by `cargo test`: not to be changed by hand.
//
//   import { io, type Socket } from 'socket.io-client';
//   import type { Auth, ClientToServerEvents, ServerToClientEvents } from './chat';
//
//   const auth: Auth = { name: 'Ada', key: localStorage.key };
//   const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io('https://…', { path: '/r/lobby/socket.io/', auth });
//   socket.on('newMessage', ({ author, text }) => console.log(author.name, text));
//   const answer = await socket.emitWithAck('message', { text: 'Hi!' });
//   if ('code' in answer) throw new Error(answer.message);
";

const FAILURES: &str = "
/** An answer: that of the event, or why it wasn't carried out. `'code' in answer` tells which. */
export type Answer<Success> = Success | Failure;

/** What takes the answer to an event. */
export type Ack<Success> = (answer: Answer<Success>) => void;

/** Why an event wasn't carried out. */
export interface Failure {
  /** A word for programs. */
  code: Code;
  /** A sentence for people. */
  message: string;
}

/** What `connect_error` is told of: with `data` where the chat refused what was shown as `auth`. */
export interface ConnectError extends Error {
  data?: Failure;
}
";

/// In the order of the types that follow.
const PROBLEMS: [Problem; 7] = [
    Problem::InvalidPayload,
    Problem::InvalidName,
    Problem::InvalidKey,
    Problem::InvalidMessage,
    Problem::InvalidId,
    Problem::NotJoined,
    Problem::UnknownEvent,
];

/// A handler of an event.
type Handler<P, A> = fn(&mut Socket<'_, Chat>, P) -> Result<A>;

/// An event, in TypeScript.
struct Row {
    name: &'static str,
    docs: &'static str,
    arguments: String,
}

/// The types that events have.
struct Types {
    config: ts_rs::Config,
    /// The declarations by name: the order in which types are met changes from build to build.
    found: BTreeMap<String, String>,
}

impl Types {
    fn new() -> Self {
        // serde_json has numbers for them.
        Self { config: ts_rs::Config::new().with_large_int("number"), found: BTreeMap::new() }
    }

    /// An event that clients send. Its types are those of its handler. The acknowledgement isn't optional, though the server
    /// does without: socket.io-client's `emitWithAck` would lose the answer's type.
    fn asked<P: TS + 'static, A: TS + 'static>(
        &mut self,
        name: &'static str,
        docs: &'static str,
        _: Handler<P, A>,
    ) -> Row {
        let (payload, answer) = (self.name::<P>(), self.name::<A>());
        Row { name, docs, arguments: format!("payload: {payload}, ack: Ack<{answer}>") }
    }

    fn name<T: TS + 'static>(&mut self) -> String {
        self.visit::<T>();
        T::name(&self.config)
    }
}

/// The events that clients are told.
struct Told<'a> {
    types: &'a mut Types,
    rows: Vec<Row>,
}

impl news::Reader for Told<'_> {
    fn event<P: TS + 'static>(&mut self, name: &'static str, docs: &'static str) {
        let arguments = format!("payload: {}, offset?: string", self.types.name::<P>());
        self.rows.push(Row { name, docs, arguments });
    }
}

impl TypeVisitor for Types {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        let name = T::ident(&self.config);
        // What has no file of its own is no type of ours.
        if T::output_path().is_some() && !self.found.contains_key(&name) {
            let declaration = format!("{}{}", T::docs().unwrap_or_default(), T::decl(&self.config));
            self.found.insert(name, declaration);
            T::visit_dependencies(self);
        }
    }
}

/// What a client may send.
fn from_clients(types: &mut Types) -> Vec<Row> {
    vec![
        types.asked("join", "Joins the conversation; again, to change the name or to ask what is new.", members::join),
        types.asked(
            "message",
            "Speaks, after `join`. Sent again with the same `id`, it gets the same answer, and nobody hears it twice.",
            messages::post,
        ),
        types.asked("history", "Reads what was said, after `join`.", messages::read),
        types.asked(
            "members",
            "Reads who is there beyond the members that the answer to `join` has room for.",
            members::members,
        ),
        types.asked(
            "createdMessage",
            "Speaks without joining, as the client of a well-known tutorial does.",
            messages::relay,
        ),
    ]
}

/// The whole file.
fn file() -> String {
    let mut types = Types::new();
    let asked = from_clients(&mut types);
    let mut told = Told { types: &mut types, rows: Vec::new() };
    news::list(&mut told);
    let mut told = told.rows;
    told.push(Row {
        name: "error",
        docs: "An event that was sent without an acknowledgement wasn't carried out.",
        arguments: "failure: Failure, offset?: string".to_owned(),
    });
    types.visit::<Shown>();
    let mut file = HEAD.to_owned();
    file += &events(
        "ClientToServerEvents",
        "What a client sends. Each event is answered, and the answer may be a failure.",
        &asked,
    );
    let docs =
        "What a client is told. With recovery, the place in the room's log comes last; socket.io-client remembers it.";
    file += &events("ServerToClientEvents", docs, &told);
    for declaration in types.found.values() {
        file += &format!("\n{}", exported(declaration));
    }
    file + FAILURES + &codes()
}

fn events(name: &str, docs: &str, rows: &[Row]) -> String {
    let mut text = format!("\n/** {docs} */\nexport interface {name} {{\n");
    for Row { name, docs, arguments } in rows {
        text += &format!("  /** {} */\n  {name}: ({arguments}) => void;\n", docs.trim());
    }
    text + "}\n"
}

/// A declaration as the crate writes it, as people would.
fn exported(declaration: &str) -> String {
    let mut text = String::new();
    let (mut comment, mut indent) = (Vec::new(), "");
    for line in declaration.replace(", };", ",\n};").lines().map(str::trim_end) {
        match line.strip_prefix(" * ") {
            Some(sentence) => comment.push(sentence),
            None if line == "/**" => {}
            None if line == " */" => {
                let sentences = std::mem::take(&mut comment).join(&format!("\n{indent} * "));
                text += &match sentences.contains('\n') {
                    true => format!("{indent}/**\n{indent} * {sentences}\n{indent} */\n"),
                    false => format!("{indent}/** {sentences} */\n"),
                };
            }
            None if line == "};" => text += "}\n",
            None => {
                let head = line.strip_prefix("type ").and_then(|line| line.strip_suffix(" = {"));
                text += &match (head, line.strip_suffix(',')) {
                    (Some(name), _) => format!("export interface {name} {{\n"),
                    (None, Some(field)) => format!("  {field};\n"),
                    (None, None) => format!("export {line}\n"),
                };
                indent = "  ";
            }
        }
    }
    text
}

/// The words for programs, with the sentences as comments.
fn codes() -> String {
    let rooms = [Error::Storage(String::new()), Error::Internal(String::new())];
    let errors = PROBLEMS.map(Error::from).into_iter().chain(rooms);
    let codes = errors.map(|error| {
        let Failure { code, message } = error.failure();
        format!("\n  /** {message} */\n  | \"{code}\"")
    });
    let codes: String = codes.collect();
    format!("\n/** Why an event wasn't carried out, or a client wasn't let in. */\nexport type Code ={codes};\n")
}

#[test]
fn the_file_for_clients_has_the_types_that_the_chat_has() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("public/chat.d.ts");
    let expected = file();
    if env::var_os("UPDATE_TYPES").is_some() {
        assert!(fs::write(&path, &expected).is_ok(), "{} can't be written", path.display());
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = expected.lines().zip(found.lines().chain([""])).find(|(expected, found)| expected != found);
    assert!(
        expected == found,
        "public/chat.d.ts isn't what the chat's types are, first in {differs:?}. If the types are meant to be so, write it \
         anew by `UPDATE_TYPES=1 cargo test --lib typescript`."
    );
}

#[test]
fn the_table_has_all_events_that_are_handled() {
    let mut listed: Vec<_> = from_clients(&mut Types::new()).iter().map(|row| row.name).collect();
    listed.sort_unstable();
    let chat = chat_that_keeps(1);
    let mut handled: Vec<_> = chat.events().collect();
    handled.sort_unstable();
    assert_eq!(listed, handled);
}

#[test]
fn the_codes_are_all_that_there_are() {
    let codes = PROBLEMS.map(|problem| format!("{:?}", Error::from(problem).failure().code));
    assert_eq!(codes.join(" | "), Problem::inline(&ts_rs::Config::new()));
}
