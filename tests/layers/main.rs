//! The rooms of the house: who may use whom, held against the sources.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what goes wrong in a helper fails its test"
)]

mod sources;

use std::collections::{BTreeMap, BTreeSet};

use sources::{Source, Sources};

/// Each part of the crate, with those that it may use. A new part needs a line, and so does a new use.
const MAY_USE: &[(&str, &str)] = &[
    ("sorted", ""),
    ("ids", ""),
    ("origin", ""),
    ("cors", "origin"),
    ("env", "ids"),
    ("config", "ids origin cors env"),
    ("timers", "sorted ids"),
    ("alarm", "ids"),
    ("database", "ids"),
    ("javascript", "database"),
    ("fetch", "ids config javascript"),
    ("outbox", "ids fetch"),
    ("host", "ids database outbox"),
    ("transaction", "ids database host"),
    ("engine_io", "ids config timers outbox host"),
    ("socket_io", "sorted ids config timers database javascript outbox"),
    ("app", "sorted ids env config timers database javascript fetch outbox host engine_io socket_io"),
    ("chat", "sorted ids env config database app"),
    ("examples", "app"),
    ("api", "ids javascript outbox app"),
    (
        "server",
        "sorted ids config timers database javascript fetch outbox host transaction engine_io socket_io app api",
    ),
    ("raw", "ids config outbox host engine_io"),
    ("conformance", "ids app"),
    ("site", "env app"),
    ("apps", "env site app chat examples conformance"),
    // Its macro calls another one by the root's name, as macros are called from other crates.
    (
        "edge",
        "root ids env config cors timers alarm database fetch outbox host engine_io api server raw conformance site",
    ),
    // The crate's root lists its parts, passes on what each app needs, and makes roomcast's own Worker.
    ("", "env apps edge"),
];

/// The parts in which files may not use each other in circles.
const WITHOUT_CIRCLES: &[&str] = &["engine_io", "socket_io", "app", "chat", "api", "server", "edge", "env"];

/// The crates of the platform, which only the shell names.
const PLATFORM: &[&str] = &["worker", "worker_sys", "js_sys", "wasm_bindgen", "web_sys"];

#[test]
fn each_part_of_the_crate_uses_only_those_that_it_may() {
    let sources = Sources::read();
    let may_use: BTreeMap<_, Vec<_>> =
        MAY_USE.iter().map(|(part, others)| (*part, others.split_whitespace().map(unrooted).collect())).collect();
    let parts: BTreeSet<_> = sources.files.iter().map(Source::top).collect();
    let listed: BTreeSet<_> = may_use.keys().copied().collect();
    assert_eq!(parts, listed, "the sources on the left, the table MAY_USE on the right");
    let mut wrong = Vec::new();
    for source in &sources.files {
        let own = source.top();
        for path in source.paths.iter().chain(&source.passed_on) {
            let Some(other) = sources.named(source, path).map(Source::top) else { continue };
            if other != own && !may_use[own].contains(&other) {
                wrong.push(format!("{}: {}", source.file, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "not in the table MAY_USE:\n{}", wrong.join("\n"));
}

/// The crate's root is the part without a name.
fn unrooted(part: &str) -> &str {
    if part == "root" { "" } else { part }
}

#[test]
fn no_files_of_a_part_use_each_other_in_a_circle() {
    let sources = Sources::read();
    let mut found = String::new();
    for part in WITHOUT_CIRCLES {
        let uses = uses_within(&sources, part);
        assert!(!uses.is_empty(), "there is no {part}");
        for circle in circles(&uses) {
            let shown = circle.iter().map(|file| format!("{file} uses {:?}\n", &uses[file] & &circle));
            found.extend(["\n".to_owned()].into_iter().chain(shown));
        }
    }
    assert!(found.is_empty(), "files that use each other in a circle:\n{found}");
}

/// For each file of a part, the other files of it that it uses.
fn uses_within<'a>(sources: &'a Sources, part: &str) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let of_part = sources.files.iter().filter(|source| source.top() == part);
    let used = |source: &'a Source| {
        let others = source.paths.iter().filter_map(|path| sources.defining(source, path));
        others
            .filter(|other| other.top() == part && other.file != source.file)
            .map(|other| other.file.as_str())
            .collect()
    };
    of_part.map(|source| (source.file.as_str(), used(source))).collect()
}

/// The groups of files of which each uses, by however many others, all the rest of its group.
fn circles<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<BTreeSet<&'a str>> {
    let reached = |from: &'a str| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            next.extend(uses[file].iter().filter(|other| reached.insert(**other)));
        }
        reached
    };
    let reach: BTreeMap<_, _> = uses.keys().map(|file| (*file, reached(file))).collect();
    let group = |file: &'a str| -> BTreeSet<_> {
        reach[file].iter().copied().filter(|other| reach[other].contains(file)).collect()
    };
    let groups: BTreeSet<_> = uses.keys().map(|file| group(file)).filter(|group| group.len() > 1).collect();
    groups.into_iter().collect()
}

#[test]
fn only_the_shell_names_the_platforms_crates() {
    for source in Sources::read().files.iter().filter(|source| source.top() != "edge") {
        for path in &source.paths {
            assert!(!PLATFORM.contains(&path[0].as_str()), "{}: {}", source.file, path.join("::"));
        }
    }
}

#[test]
fn no_code_that_ships_calls_unwrap_or_expect() {
    for source in Sources::read().files {
        assert!(source.may_panic.is_empty(), "{}: {:?}", source.file, source.may_panic);
    }
}

/// Two parts, one of which has files that use each other, and all ways to name something.
fn example() -> Sources {
    let files = [
        ("lib.rs", "pub mod a; pub mod b;"),
        (
            "a/mod.rs",
            "mod x; mod y; #[cfg(test)] mod proofs; pub use x::X; use y::Y as Z; fn f() -> self::y::W { x::g() }",
        ),
        ("a/x.rs", "use super::{y::{self, W}, Z}; use crate::b::*; pub struct X;"),
        ("a/y.rs", "fn f(x: super::X) { log!(\"{}\", crate::b::T, a.unwrap()); worker::call(Some(1).expect(\"x\")) }"),
        ("a/proofs.rs", "use crate::missing::Part; fn f() { a.unwrap() }"),
        (
            "b.rs",
            "#[cfg(test)] use crate::a; #[cfg(test)] mod tests { use crate::a::X; } #[cfg(test)] fn f() { a.unwrap() }",
        ),
    ];
    Sources::parse(files.map(|(file, text)| (file.to_owned(), text.to_owned())).to_vec())
}

fn file<'a>(sources: &'a Sources, name: &str) -> &'a Source {
    sources.files.iter().find(|source| source.file == name).expect("a file")
}

#[test]
fn imports_paths_and_macros_are_read_and_what_is_for_tests_is_not() {
    let sources = example();
    assert_eq!(sources.files.len(), 5, "proofs.rs is for tests");
    let named = |name: &str| -> BTreeSet<_> {
        let source = file(&sources, name);
        let named = source.paths.iter().filter_map(|path| sources.named(source, path));
        named.map(|other| other.file.as_str()).filter(|other| *other != name).collect()
    };
    assert_eq!(named("a/mod.rs"), BTreeSet::from(["a/x.rs", "a/y.rs"]));
    assert_eq!(named("a/x.rs"), BTreeSet::from(["a/mod.rs", "a/y.rs", "b.rs"]));
    assert_eq!(named("a/y.rs"), BTreeSet::from(["a/mod.rs", "b.rs"]));
    assert_eq!(named("b.rs"), BTreeSet::new());
    let names_worker = |source: &Source| source.paths.iter().any(|path| path[0] == "worker");
    assert!(names_worker(file(&sources, "a/y.rs")) && !names_worker(file(&sources, "a/x.rs")));
    assert_eq!(file(&sources, "a/y.rs").may_panic, BTreeSet::from([".unwrap()", ".expect()"].map(str::to_owned)));
    assert!(file(&sources, "b.rs").may_panic.is_empty());
}

#[test]
fn a_circle_is_found_through_names_that_a_module_passes_on() {
    let sources = example();
    let uses = uses_within(&sources, "a");
    assert_eq!(uses["a/y.rs"], BTreeSet::from(["a/x.rs"]), "`super::X` is what x.rs has");
    assert_eq!(circles(&uses), [BTreeSet::from(["a/x.rs", "a/y.rs"])]);
    assert!(circles(&uses_within(&sources, "b")).is_empty());
}
