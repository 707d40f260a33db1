//! A whiteboard: a finished `stroke` is stored in a table, and who comes asks for the whole `picture`.
//!
//! The points of a stroke are bytes, 16-bit numbers, which only clients read.

use crate::app::prelude::*;

const TABLES: &[&str] = &["CREATE TABLE whiteboard_strokes (
    id INTEGER PRIMARY KEY, author TEXT NOT NULL, colour INTEGER NOT NULL, width INTEGER NOT NULL, points BLOB NOT NULL
)"];

/// A stroke has at most 500 points of 4 bytes, and a board 1,000 strokes: the picture is an answer of 2 MB then.
const MOST_BYTES: usize = 2_000;
const MOST_STROKES: u64 = 1_000;

/// A stroke as clients send it, and with `id` and `by` as they get it.
#[derive(Serialize, Deserialize)]
struct Stroke {
    #[serde(skip_deserializing)]
    id: Option<u64>,
    #[serde(skip_deserializing)]
    by: String,
    colour: u64,
    width: u64,
    points: Binary,
}

/// All strokes, with the points of all of them in one piece: clients take few attachments at once.
#[derive(Serialize)]
struct Picture {
    strokes: Vec<Line>,
    points: Binary,
}

/// A stroke in a picture: so many of the numbers are its own.
#[derive(Serialize)]
struct Line {
    id: u64,
    colour: u64,
    width: u64,
    length: usize,
}

/// Keeps what people draw.
pub fn whiteboard() -> impl App {
    Handlers::new()
        .named("whiteboard")
        .tables(TABLES)
        .on("picture", picture)
        .on("drawing", drawing)
        .on("stroke", stroke)
        .on("undo", undo)
        .on("clear", clear)
}

fn picture(socket: &mut Socket, (): ()) -> Result<Picture> {
    let rows = socket.io.sql("SELECT id, colour, width, points FROM whiteboard_strokes ORDER BY id", &[])?;
    let (mut strokes, mut points) = (Vec::new(), Vec::new());
    for row in rows {
        if let (Some(id), Some(colour), Some(width), Some(own)) =
            (row.number(0), row.number(1), row.number(2), row.bytes(3))
        {
            strokes.push(Line { id, colour, width, length: own.len() / 2 });
            points.extend_from_slice(own);
        }
    }
    Ok(Picture { strokes, points: points.as_slice().into() })
}

/// Shows the others a stroke that isn't finished. Some of them may miss it: more is to come.
fn drawing(socket: &mut Socket, mut stroke: Stroke) -> Result {
    check(&stroke)?;
    stroke.by = socket.id.to_string();
    socket.broadcast().volatile().emit("drawing", &stroke)
}

fn stroke(socket: &mut Socket, mut stroke: Stroke) -> Result<Value> {
    check(&stroke)?;
    stroke.by = socket.id.to_string();
    let Stroke { by, colour, width, points, .. } = &stroke;
    let insert = "INSERT INTO whiteboard_strokes (author, colour, width, points) SELECT ?, ?, ?, ?
        WHERE (SELECT count(*) FROM whiteboard_strokes) < ? RETURNING id";
    let values = [by.as_str().into(), (*colour).into(), (*width).into(), points[..].into(), MOST_STROKES.into()];
    let rows = socket.io.sql(insert, &values)?;
    stroke.id = rows.first().and_then(|row| row.number(0));
    if stroke.id.is_none() {
        return Err(Error::new("full", "The board is full: clear it first."));
    }
    socket.broadcast().emit("stroke", &stroke)?;
    Ok(json!({ "id": stroke.id }))
}

fn check(stroke: &Stroke) -> Result {
    let Stroke { colour, width, points, .. } = stroke;
    let points_fit = (4..=MOST_BYTES).contains(&points.len()) && points.len() % 4 == 0;
    if points_fit && *colour < 6 && (1..=100).contains(width) {
        return Ok(());
    }
    Err(Error::new("invalid_stroke", "A stroke has one of six colours, a width up to 100, and 1 to 500 points."))
}

/// Takes back the last stroke of who asks.
fn undo(socket: &mut Socket, (): ()) -> Result {
    let delete = "DELETE FROM whiteboard_strokes
        WHERE id = (SELECT max(id) FROM whiteboard_strokes WHERE author = ?) RETURNING id";
    let rows = socket.io.sql(delete, &[socket.id.into()])?;
    match rows.first().and_then(|row| row.number(0)) {
        Some(id) => socket.io.emit("undone", &id),
        None => Ok(()),
    }
}

fn clear(socket: &mut Socket, (): ()) -> Result {
    socket.io.sql("DELETE FROM whiteboard_strokes", &[])?;
    socket.io.emit("cleared", &())
}
