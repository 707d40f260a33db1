//! Small apps to learn from, each with a page in `public/examples`: `npm start -- --app whiteboard` runs one.

mod dashboard;
mod echo;
mod game;
mod tutorial;
mod whiteboard;

pub use dashboard::dashboard;
pub use echo::echo;
pub use game::game;
pub use tutorial::tutorial;
pub use whiteboard::whiteboard;
