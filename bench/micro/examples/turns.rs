//! Says something so many times in a room: `turns <chat|tutorial> <people> <times>`. Valgrind counts the instructions of it.

use roomcast_micro::{Room, Subject};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let parsed = match args.as_slice() {
        [subject, people, times] => Subject::parse(subject).zip(people.parse().ok()).zip(times.parse::<u64>().ok()),
        _ => None,
    };
    let Some(((subject, people), times)) = parsed else {
        eprintln!("turns <chat|tutorial> <people> <times>");
        std::process::exit(2);
    };
    let mut room = Room::of(people, subject);
    println!("{}", (0..times).map(|_| room.say()).sum::<usize>());
}
