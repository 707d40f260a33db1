//! The shell's files use one another in one direction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each file of the shell, with those that it imports.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/edge");
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()));
    let sources = entries.into_iter().flatten().filter_map(|path| {
        let name = path.file_name()?.to_str()?.strip_suffix(".rs")?.to_owned();
        Some((name, fs::read_to_string(path).ok()?))
    });
    let read = sources.map(|(name, text)| {
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("use super::"));
        let end = |c: char| !c.is_ascii_lowercase() && c != '_';
        (name, lines.filter_map(|line| line.split(end).next()).map(str::to_owned).collect())
    });
    read.collect()
}

#[test]
fn the_files_of_the_shell_import_one_another_without_circles() {
    let mut left = imports();
    assert!(left["room"].contains("sockets"), "the imports are not found any more: {left:?}");
    let known: BTreeSet<_> = left.keys().cloned().collect();
    while !left.is_empty() {
        let free = |of: &BTreeSet<String>| of.iter().all(|name| !left.contains_key(name) || !known.contains(name));
        let leaf = left.iter().find(|(_, of)| free(of)).map(|(name, _)| name.clone());
        let leaf = leaf.unwrap_or_else(|| panic!("these import one another in a circle: {left:?}"));
        left.remove(&leaf);
    }
}
