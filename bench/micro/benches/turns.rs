//! One turn: a client says something, and the frames for the others are in the outbox.

use divan::Bencher;
use divan::counter::ItemsCount;
use roomcast_micro::{Room, Subject};

const ROOMS: [u64; 4] = [2, 20, 100, 1_000];

fn main() {
    divan::main();
}

#[divan::bench(args = ROOMS)]
fn chat(bencher: Bencher<'_, '_>, people: u64) {
    turn(bencher, people, Subject::Chat);
}

#[divan::bench(args = ROOMS)]
fn tutorial(bencher: Bencher<'_, '_>, people: u64) {
    turn(bencher, people, Subject::Tutorial);
}

fn turn(bencher: Bencher<'_, '_>, people: u64, subject: Subject) {
    let mut room = Room::of(people, subject);
    let receivers = usize::try_from(people - 1).unwrap_or(usize::MAX);
    assert_eq!(room.say(), receivers, "everybody else gets it");
    bencher.counter(ItemsCount::new(receivers)).bench_local(|| room.say());
}
