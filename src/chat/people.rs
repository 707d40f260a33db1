//! Who is in the room, by person: an index over the sockets, so that nothing has to look at all of them each time.
//!
//! All of it follows from what is kept with the sockets, so it is made anew after the object has lost its memory.

use super::identity::{Kept, Member};
use super::wire::PersonId;
use crate::app::Io;
use crate::ids::{Millis, SocketId};
use crate::sorted::SortedMap;

/// How long a person may be without a connection before others are told. Most come back within a few seconds.
pub(super) const AWAY_AFTER: Millis = Millis(10_000);

/// One socket of a person, connected or not.
#[derive(Debug)]
struct Seat {
    name: String,
    named: Millis,
    /// Since when its client has been gone; `None` while it's connected.
    lost: Option<Millis>,
}

/// A person: one socket at least, which is connected or may still recover.
#[derive(Debug, Default)]
pub(super) struct Person {
    seats: SortedMap<SocketId, Seat>,
}

impl Person {
    /// The youngest of the names on the sockets: a socket that was gone when its person took a name has an older one.
    pub(super) fn name(&self) -> &str {
        self.named().0
    }

    /// The name, and when the person took it.
    pub(super) fn named(&self) -> (&str, Millis) {
        let youngest = self.seats.values().max_by_key(|seat| seat.named);
        youngest.map_or(("", Millis(0)), |seat| (seat.name.as_str(), seat.named))
    }

    /// From when on a person without any connection counts as away; `None` while one is connected.
    ///
    /// It follows from the sockets alone, so it's the same after a restart.
    pub(super) fn away_at(&self) -> Option<Millis> {
        let since = self.seats.values().try_fold(Millis(0), |latest, seat| Some(latest.max(seat.lost?)));
        since.map(|since| since + AWAY_AFTER)
    }

    /// All sockets.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &SocketId> {
        self.seats.keys()
    }

    /// The sockets that are connected.
    pub(super) fn connected(&self) -> impl Iterator<Item = &SocketId> {
        self.seats.iter().filter(|(_, seat)| seat.lost.is_none()).map(|(socket, _)| socket)
    }
}

/// The members of the room.
#[derive(Debug, Default)]
pub(super) struct People {
    persons: SortedMap<PersonId, Person>,
}

impl People {
    /// As the sockets of the room tell.
    pub(super) fn load(io: &Io<'_>) -> Self {
        let mut people = Self::default();
        for socket in io.sockets() {
            if let Some(member) = Member::of(io, &socket) {
                people.connected(&socket, &member);
            }
        }
        for away in io.away() {
            if let Some(member) = away.data::<Kept>().and_then(|kept| kept.member(&away.id)) {
                people.lost(&away.id, &member, away.since);
            }
        }
        people
    }

    pub(super) fn get(&self, id: &PersonId) -> Option<&Person> {
        self.persons.get(id)
    }

    /// Those whose ids follow this one, by id; without one, all of them.
    pub(super) fn after<'a>(&'a self, id: Option<&'a PersonId>) -> impl Iterator<Item = (&'a PersonId, &'a Person)> {
        id.map_or_else(|| self.persons.iter(), |id| self.persons.after(id))
    }

    /// All of them, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&PersonId, &Person)> {
        self.persons.iter()
    }

    /// A socket of this member is connected.
    pub(super) fn connected(&mut self, socket: &SocketId, member: &Member) {
        self.seat(socket, member, None);
    }

    /// A socket of this member is gone and may come back. Told again, it has been gone since the first time.
    pub(super) fn lost(&mut self, socket: &SocketId, member: &Member, since: Millis) {
        let before = self.get(&member.id).and_then(|person| person.seats.get(socket)?.lost);
        self.seat(socket, member, Some(before.unwrap_or(since)));
    }

    fn seat(&mut self, socket: &SocketId, Member { id, name, named }: &Member, lost: Option<Millis>) {
        let seat = Seat { name: name.clone(), named: *named, lost };
        self.persons.change(id.clone(), |person| person.seats.insert(socket.clone(), seat));
    }

    /// A socket of this person is gone for good, and with the last one the person.
    pub(super) fn remove(&mut self, socket: &SocketId, id: &PersonId) {
        if let Some(person) = self.persons.get_mut(id) {
            person.seats.remove(socket);
            if person.seats.is_empty() {
                self.persons.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, named: u64) -> Member {
        let id = PersonId::from(&SocketId::from_wire("person"));
        Member { id, name: name.to_owned(), named: Millis(named) }
    }

    #[test]
    fn a_person_is_away_a_while_after_the_last_connection_was_lost() {
        let [a, b] = ["a", "b"].map(SocketId::from_wire);
        let mut people = People::default();
        let person = member("Ada", 0);
        let away_at = |people: &People| people.get(&person.id).map(Person::away_at);
        people.connected(&a, &person);
        people.connected(&b, &person);
        people.lost(&a, &person, Millis(1_000));
        assert_eq!(away_at(&people), Some(None), "the other is still there");
        people.lost(&b, &person, Millis(5_000));
        people.lost(&b, &person, Millis(9_000));
        assert_eq!(away_at(&people), Some(Some(Millis(15_000))));
        people.remove(&b, &person.id);
        assert_eq!(away_at(&people), Some(Some(Millis(11_000))), "as after a restart");
        people.connected(&a, &person);
        assert_eq!(away_at(&people), Some(None));
        people.remove(&a, &person.id);
        people.remove(&a, &person.id);
        assert_eq!(away_at(&people), None);
    }

    #[test]
    fn of_several_names_the_youngest_holds() {
        let [a, b] = ["a", "b"].map(SocketId::from_wire);
        let mut people = People::default();
        people.lost(&a, &member("Bob", 1), Millis(0));
        people.connected(&b, &member("Bobby", 2));
        let name = |people: &People| people.iter().map(|(_, person)| person.name().to_owned()).collect::<Vec<_>>();
        assert_eq!(name(&people), ["Bobby"]);
        people.remove(&b, &member("", 0).id);
        assert_eq!(name(&people), ["Bob"]);
    }
}
