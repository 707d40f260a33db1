//! The questions: put your own here.

pub struct Question {
    pub text: &'static str,
    pub choices: [&'static str; 4],
    /// The index of the right choice.
    pub right: usize,
}

pub const QUESTIONS: &[Question] = &[
    Question {
        text: "Which planet of the solar system has the shortest year?",
        choices: ["Venus", "Mercury", "Mars", "Neptune"],
        right: 1,
    },
    Question { text: "How many strings has a violin?", choices: ["Three", "Six", "Four", "Five"], right: 2 },
    Question {
        text: "What is the capital of Australia?",
        choices: ["Canberra", "Sydney", "Melbourne", "Perth"],
        right: 0,
    },
    Question { text: "Which of these numbers is a prime?", choices: ["51", "57", "87", "97"], right: 3 },
    Question {
        text: "Who wrote “Frankenstein”?",
        choices: ["Bram Stoker", "Mary Shelley", "Jane Austen", "H. G. Wells"],
        right: 1,
    },
];
