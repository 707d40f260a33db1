//! The rules: who plays, what an answer is worth, what comes next.

use std::collections::BTreeMap;

use roomcast::app::prelude::*;

use crate::questions::{QUESTIONS, Question};

const MOST_PLAYERS: usize = 100;
const MOST_NAME_CHARS: usize = 24;
/// What a right answer is worth, and what more if it comes at once.
const POINTS: u64 = 100;

#[derive(Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    #[default]
    Lobby,
    Question,
    Answer,
    Over,
}

#[derive(Default, Serialize, Deserialize)]
pub struct Game {
    pub phase: Phase,
    /// When the phase ends.
    pub until: Millis,
    round: usize,
    /// By their keys.
    players: BTreeMap<String, Player>,
}

#[derive(Serialize, Deserialize)]
struct Player {
    name: String,
    score: u64,
    /// The answer in this round, and the points that it brings if it is right.
    answer: Option<(usize, u64)>,
}

impl Game {
    /// Lets somebody in, or in again.
    pub fn join(&mut self, key: &str, name: &str) -> Result<(), &'static str> {
        let name = name.trim();
        if !(1..=MOST_NAME_CHARS).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err("A name has 1 to 24 characters.");
        }
        if !(16..=64).contains(&key.len()) {
            return Err("A key has 16 to 64 bytes.");
        }
        if self.players.iter().any(|(other, player)| other != key && player.name == name) {
            return Err("Somebody here has this name already.");
        }
        if !self.players.contains_key(key) && self.players.len() >= MOST_PLAYERS {
            return Err("The quiz is full.");
        }
        let player = Player { name: String::new(), score: 0, answer: None };
        self.players.entry(key.to_owned()).or_insert(player).name = name.to_owned();
        Ok(())
    }

    /// A new game, of those who are there.
    pub fn begin(&mut self, present: &[String]) {
        self.players.retain(|key, _| present.contains(key));
        for player in self.players.values_mut() {
            (player.score, player.answer) = (0, None);
        }
        (self.phase, self.round) = (Phase::Lobby, 0);
    }

    /// Goes on to what follows.
    pub fn next(&mut self) -> Phase {
        self.phase = match self.phase {
            Phase::Lobby => Phase::Question,
            Phase::Question => Phase::Answer,
            Phase::Answer if self.round + 1 < QUESTIONS.len() => {
                self.round += 1;
                Phase::Question
            }
            Phase::Answer | Phase::Over => Phase::Over,
        };
        let right = self.question().right;
        for player in self.players.values_mut() {
            match (self.phase, player.answer) {
                (Phase::Question, _) => player.answer = None,
                (Phase::Answer, Some((choice, points))) if choice == right => player.score += points,
                _ => {}
            }
        }
        self.phase
    }

    /// Takes an answer; an early one brings more.
    pub fn answer(
        &mut self,
        key: &str,
        round: usize,
        choice: usize,
        left: Millis,
        of: Millis,
    ) -> Result<(), (&'static str, &'static str)> {
        if self.phase != Phase::Question || round != self.round || left == Millis(0) {
            return Err(("too_late", "This question is over."));
        }
        let choices = self.question().choices.len();
        let player = self.players.get_mut(key).ok_or(("not_playing", "You don't play here."))?;
        if player.answer.is_some() {
            return Err(("answered", "You have answered already."));
        }
        if choice >= choices {
            return Err(("no_choice", "There is no such choice."));
        }
        player.answer = Some((choice, POINTS + POINTS * left.0.min(of.0) / of.0));
        Ok(())
    }

    /// Whether nobody who is there is waited for any more.
    pub fn all_answered(&self, present: &[String]) -> bool {
        self.players.iter().all(|(key, player)| player.answer.is_some() || !present.contains(key))
    }

    fn question(&self) -> &'static Question {
        // The stored game may be older than the questions, of which there were more then.
        &QUESTIONS[self.round % QUESTIONS.len()]
    }

    /// What all may see.
    pub fn view(&self, now: Millis, present: &[String]) -> Value {
        let question = self.question();
        let shown = self.phase != Phase::Lobby;
        let mut players: Vec<_> = self.players.iter().collect();
        players.sort_by_key(|(_, player)| (u64::MAX - player.score, player.name.clone()));
        let player = |(key, player): (&String, &Player)| {
            json!({
                "name": player.name, "score": player.score, "here": present.contains(key), "answered": player.answer.is_some(),
            })
        };
        json!({
            "phase": self.phase,
            "round": self.round,
            "rounds": QUESTIONS.len(),
            "left": self.until.since(now),
            "question": shown.then_some(question.text),
            "choices": shown.then_some(question.choices),
            "right": (shown && self.phase != Phase::Question).then_some(question.right),
            "players": players.into_iter().map(player).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: Millis = Millis(10_000);

    /// A game that has begun, and the keys of its two players.
    fn game() -> (Game, Vec<String>) {
        let keys = vec!["a".repeat(16), "b".repeat(16)];
        let mut game = Game::default();
        for (key, name) in keys.iter().zip(["Ada", "Bob"]) {
            assert_eq!(game.join(key, name), Ok(()));
        }
        game.begin(&keys);
        assert!(game.next() == Phase::Question);
        (game, keys)
    }

    fn scores(game: &Game) -> Vec<u64> {
        game.players.values().map(|player| player.score).collect()
    }

    #[test]
    fn an_early_right_answer_brings_more_and_a_wrong_one_nothing() {
        let (mut game, keys) = game();
        let right = game.question().right;
        assert_eq!(game.answer(&keys[0], 0, right, ROUND, ROUND), Ok(()));
        assert!(!game.all_answered(&keys));
        assert_eq!(game.answer(&keys[1], 0, right, Millis(1), ROUND), Ok(()));
        assert!(game.all_answered(&keys));
        game.next();
        assert_eq!(scores(&game), [200, 100]);
        game.next();
        assert_eq!(game.answer(&keys[0], 1, (game.question().right + 1) % 4, ROUND, ROUND), Ok(()));
        game.next();
        assert_eq!(scores(&game), [200, 100]);
    }

    #[test]
    fn an_answer_counts_once_in_its_round_and_in_time() {
        let (mut game, keys) = game();
        let refusal = |answer: Result<(), (&'static str, &'static str)>| answer.err().map(|(code, _)| code);
        assert_eq!(refusal(game.answer(&keys[0], 1, 0, ROUND, ROUND)), Some("too_late"));
        assert_eq!(refusal(game.answer(&keys[0], 0, 0, Millis(0), ROUND)), Some("too_late"));
        assert_eq!(refusal(game.answer(&keys[0], 0, 4, ROUND, ROUND)), Some("no_choice"));
        assert_eq!(refusal(game.answer("nobody", 0, 0, ROUND, ROUND)), Some("not_playing"));
        assert_eq!(refusal(game.answer(&keys[0], 0, 0, ROUND, ROUND)), None);
        assert_eq!(refusal(game.answer(&keys[0], 0, 0, ROUND, ROUND)), Some("answered"));
    }

    #[test]
    fn the_quiz_is_over_after_the_last_question_and_begins_anew() {
        let (mut game, keys) = game();
        let questions = (1..100).take_while(|_| game.next() != Phase::Over).filter(|turn| turn % 2 == 0).count();
        assert_eq!(questions + 1, QUESTIONS.len());
        game.begin(&keys[1..]);
        assert!(game.next() == Phase::Question);
        assert_eq!(scores(&game), [0], "who is gone plays no more");
    }
}
