//! Who is there: the roster, who comes and goes, and who is away for a while.
//!
//! A person is one for as long as one of the sockets is connected or may still recover; others hear of persons, not of
//! sockets. A connection that is lost is no news: most come back within seconds, and after a crash of the room's object
//! all of them do. Who stays away is announced by a timer, for all persons at once.
//!
//! | before | what happens | members hear |
//! |---|---|---|
//! | unknown | joins | `memberJoined` |
//! | there | joins by another socket; loses one of several | – |
//! | there | takes another name, on whichever socket | `memberRenamed` |
//! | there | the last connection is lost | – |
//! | lost | comes back within [`AWAY_AFTER`] | – |
//! | lost | [`AWAY_AFTER`] is over | `memberAway` |
//! | away | comes back: recovers, or joins anew | `memberBack` |
//! | there, lost or away | recovers with another nickname in its auth | `memberRenamed` |
//! | there, lost or away | recovers with another key in its auth, and there is no other socket | `memberLeft`; `memberJoined` of the other |
//! | lost or away | none of the sockets can recover any more | `memberLeft` |
//! | there | leaves on purpose or is thrown out, with no socket left | `memberLeft` |
//!
//! [`AWAY_AFTER`]: super::people::AWAY_AFTER

use super::budget::Budget;
use super::identity::{Auth, Kept, Member};
use super::news::{self, MEMBERS, News, tell};
use super::people::{People, Person};
use super::problem::Problem;
use super::wire::{ListedMember, MemberChange, MembersPage, PersonId};
use crate::app::{Departed, Io};
use crate::ids::{Millis, SocketId};

/// One row: until when away people were announced.
pub(super) const SCHEMA: &str =
    "CREATE TABLE chat_presence (one INTEGER PRIMARY KEY CHECK (one = 1), told INTEGER NOT NULL)";

/// The name of the timer.
pub(super) const TIMER: &str = "presence";

/// The members, and what was told of them.
#[derive(Debug)]
pub(super) struct Presence {
    people: People,
    /// Who counted as away by then was announced, and nobody else. It is stored, so that a nap repeats no news.
    told: Millis,
    /// When the timer is due; `None` where none is set, or where a restart made it unknown.
    planned: Option<Millis>,
}

impl Presence {
    /// What the sockets and the database tell, after the object has lost its memory.
    pub(super) fn load(io: &Io<'_>) -> Self {
        let told = io.sql("SELECT told FROM chat_presence", &[]).ok();
        let told = told.and_then(|rows| rows.first()?.number(0)).unwrap_or(0);
        Self { people: People::load(io), told: Millis(told), planned: None }
    }

    /// Everybody whose id follows this one, one entry a person, as far as the budget goes.
    pub(super) fn roster(&self, after: Option<&PersonId>, mut budget: Budget) -> MembersPage {
        let mut page = MembersPage { members: Vec::new(), more: false };
        for (id, person) in self.people.after(after) {
            let (name, away) = (person.name().to_owned(), self.is_announced(person));
            let member = ListedMember { id: id.clone(), name, away };
            page.more = !budget.takes(&member);
            if page.more {
                break;
            }
            page.members.push(member);
        }
        page
    }

    /// A socket is new: with a name it joins at once.
    pub(super) fn connected(&mut self, io: &mut Io<'_>, socket: &SocketId, auth: Auth) -> Result<(), Problem> {
        let (name, person) = (auth.name.clone(), auth.person.clone());
        let is_known = person.is_some();
        let kept = Kept { person, auth, ..Kept::default() };
        match name {
            Some(name) => self.enter(io, socket, &name, kept),
            // It may join later, without the key.
            None if is_known => Ok(io.set_data(socket, &kept)?),
            None => Ok(()),
        }
    }

    /// A socket joins: with a nickname, and as the person whose key it has shown now or before.
    pub(super) fn join(
        &mut self,
        io: &mut Io<'_>,
        socket: &SocketId,
        name: &str,
        person: Option<PersonId>,
    ) -> Result<PersonId, Problem> {
        let mut kept = Kept::with(io, socket);
        let before = kept.clone().member(socket);
        kept.person = person.or(kept.person);
        let id = kept.person(socket);
        match before {
            // It only wants the answer.
            Some(before) if before.id == id && before.name == name => return Ok(id),
            Some(before) if before.id != id => self.gone_for_good(io, socket, &before),
            _ => {}
        }
        self.enter(io, socket, name, kept)?;
        Ok(id)
    }

    /// A socket is new among the person's, or one of them takes another name, which all of them have then.
    fn enter(&mut self, io: &mut Io<'_>, socket: &SocketId, name: &str, kept: Kept) -> Result<(), Problem> {
        let id = kept.person(socket);
        let known = self.people.get(&id);
        let was_away = known.is_some_and(|person| self.is_announced(person));
        let (news, named) = match known.map(Person::named) {
            None => (Some(news::MEMBER_JOINED), io.now()),
            Some((known, named)) if known == name => (None, named),
            // Younger than any other name of the person's, whatever the clock says.
            Some((_, named)) => (Some(news::MEMBER_RENAMED), io.now().max(named + Millis(1))),
        };
        let others = known.into_iter().flat_map(Person::connected).filter(|other| news.is_some() && *other != socket);
        let others: Vec<_> = others.map(|other| (other.clone(), Kept::with(io, other))).collect();
        let member = Member { id, name: name.to_owned(), named };
        for (socket, mut kept) in others.into_iter().chain([(socket.clone(), kept)]) {
            (kept.name, kept.named) = (Some(name.to_owned()), named);
            io.set_data(&socket, &kept)?;
            self.people.connected(&socket, &member);
        }
        io.join(socket, MEMBERS);
        let me = std::slice::from_ref(socket);
        for event in news.into_iter().chain(was_away.then_some(news::MEMBER_BACK)) {
            announce(io, event, &member.id, name, me);
        }
        Ok(())
    }

    /// A socket is back that was lost. What its client said of itself before is outdated by what it has done since, but what
    /// it says for the first time counts.
    pub(super) fn recovered(&mut self, io: &mut Io<'_>, socket: &SocketId, auth: Auth) -> Result<(), Problem> {
        let kept = Kept::with(io, socket);
        let name = auth.name.clone().filter(|_| auth.name != kept.auth.name);
        let person = auth.person.clone().filter(|_| auth.person != kept.auth.person);
        if let Some(person) = person.filter(|person| *person != kept.person(socket)) {
            return self.recovered_as(io, socket, person, auth);
        }
        let is_other = auth != kept.auth;
        let kept = Kept { auth, ..kept };
        match name.filter(|name| kept.name.as_ref() != Some(name)) {
            Some(name) => self.enter(io, socket, &name, kept),
            None => {
                if is_other {
                    io.set_data(socket, &kept)?;
                }
                self.back(io, socket, kept)
            }
        }
    }

    /// A socket that was lost is back as another person.
    fn recovered_as(
        &mut self,
        io: &mut Io<'_>,
        socket: &SocketId,
        person: PersonId,
        auth: Auth,
    ) -> Result<(), Problem> {
        if let Some(before) = Member::of(io, socket) {
            self.gone_for_good(io, socket, &before);
        }
        io.leave(socket, MEMBERS);
        let name = auth.name.clone();
        let kept = Kept { person: Some(person), auth, ..Kept::default() };
        match name {
            Some(name) => self.enter(io, socket, &name, kept),
            None => Ok(io.set_data(socket, &kept)?),
        }
    }

    /// A socket that was lost is back as what it was.
    fn back(&mut self, io: &mut Io<'_>, socket: &SocketId, mut kept: Kept) -> Result<(), Problem> {
        let Some(mut member) = kept.clone().member(socket) else {
            return Ok(());
        };
        let known = self.people.get(&member.id);
        let was_away = known.is_some_and(|person| self.is_announced(person));
        // Meanwhile the person may have taken another name elsewhere.
        if let Some((name, named)) = known.map(Person::named).filter(|(_, named)| *named > member.named) {
            (member.name, member.named) = (name.to_owned(), named);
            (kept.name, kept.named) = (Some(name.to_owned()), named);
            io.set_data(socket, &kept)?;
        }
        self.people.connected(socket, &member);
        if was_away {
            announce(io, news::MEMBER_BACK, &member.id, &member.name, std::slice::from_ref(socket));
        }
        Ok(())
    }

    /// A socket is gone.
    pub(super) fn departed(&mut self, io: &mut Io<'_>, departed: &Departed) {
        let Some(member) = Member::departed(departed) else {
            return;
        };
        if departed.recoverable {
            self.people.lost(&departed.id, &member, io.now());
            self.if_absent(io, &member.id);
        } else {
            self.gone_for_good(io, &departed.id, &member);
        }
    }

    /// A socket that was lost will not come back.
    pub(super) fn expired(&mut self, io: &mut Io<'_>, departed: &Departed) {
        if let Some(member) = Member::departed(departed) {
            self.remove(io, &departed.id, &member);
        }
    }

    /// The timer is due.
    pub(super) fn scheduled(&mut self, io: &mut Io<'_>) {
        self.planned = None;
        self.announce_due(io);
        self.plan(io);
    }

    fn gone_for_good(&mut self, io: &mut Io<'_>, socket: &SocketId, member: &Member) {
        self.remove(io, socket, member);
        self.if_absent(io, &member.id);
    }

    fn remove(&mut self, io: &mut Io<'_>, socket: &SocketId, member: &Member) {
        self.people.remove(socket, &member.id);
        // It may be there still, as somebody else.
        let me = std::slice::from_ref(socket);
        match self.people.get(&member.id).map(Person::named) {
            None => announce(io, news::MEMBER_LEFT, &member.id, &member.name, me),
            // What is left was lost before the person took the name, and has the one before.
            Some((name, named)) if named < member.named && name != member.name => {
                announce(io, news::MEMBER_RENAMED, &member.id, name, me);
            }
            Some(_) => {}
        }
    }

    /// One of the person's connections has ended: if it was the last, the person counts as away some time, or already.
    fn if_absent(&mut self, io: &mut Io<'_>, id: &PersonId) {
        let Some((person, away_at)) = self.people.get(id).and_then(|person| Some((person, person.away_at()?))) else {
            return;
        };
        if away_at <= self.told {
            announce_away(io, id, person);
        } else if away_at <= io.now() {
            self.announce_due(io);
        } else if self.planned.is_none_or(|planned| planned > away_at) {
            self.plan(io);
        }
    }

    fn is_announced(&self, person: &Person) -> bool {
        person.away_at().is_some_and(|at| at <= self.told)
    }

    /// Announces everybody who counts as away and wasn't announced yet.
    fn announce_due(&mut self, io: &mut Io<'_>) {
        let now = io.now();
        let is_due = |person: &Person| person.away_at().is_some_and(|at| self.told < at && at <= now);
        let due: Vec<_> = self.people.iter().filter(|(_, person)| is_due(person)).collect();
        if due.is_empty() {
            return;
        }
        for (id, person) in due {
            announce_away(io, id, person);
        }
        self.told = now;
        // If it can't be stored, a restart repeats the news.
        let sql = "INSERT INTO chat_presence VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET told = excluded.told";
        _ = io.sql(sql, &[now.0.into()]);
    }

    /// Sets the timer for the next person who is to be announced.
    ///
    /// It takes the place of one that was set before a restart, so it looks at everybody.
    fn plan(&mut self, io: &mut Io<'_>) {
        let next = self.people.iter().filter_map(|(_, person)| person.away_at()).filter(|at| *at > self.told).min();
        if let Some(next) = next {
            let wait = next.since(io.now());
            // If it can't be stored, the next loss or the next roster makes up for it.
            self.planned = io.schedule(TIMER, wait).is_ok().then_some(next);
        }
    }
}

/// The person's own sockets don't hear that they are away: when they do, it's no longer so.
fn announce_away(io: &mut Io<'_>, id: &PersonId, person: &Person) {
    let own: Vec<_> = person.sockets().cloned().collect();
    announce(io, news::MEMBER_AWAY, id, person.name(), &own);
}

fn announce<'a>(io: &mut Io<'_>, news: News<MemberChange<'a>>, id: &'a PersonId, name: &'a str, except: &[SocketId]) {
    let change = MemberChange { id, name, time: io.now().0 };
    tell(io, MEMBERS, except, news, &change);
}
