//! Who may use whom: the table in the crate's docs, held against the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file below `folder`, by its path from `src`.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()));
    for path in entries.into_iter().flatten() {
        if path.is_dir() {
            sources(&path, found);
        } else {
            let name = path.to_string_lossy().rsplit_once("/src/").map(|(_, name)| name.to_owned());
            let code = fs::read_to_string(&path).map(|text| code_of(&text));
            found.extend(name.zip(code.ok()));
        }
    }
}

/// The code that ships: without comments and without the tests at the end of the file.
fn code_of(text: &str) -> String {
    let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
    lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_layer_uses_only_those_before_it() {
    const ABOVE: &[&str] = &["engine_io", "socket_io", "app", "chat", "examples", "api", "server", "edge"];
    let table: [(&str, &[&str]); 13] = [
        ("ids.rs", ABOVE),
        ("config.rs", ABOVE),
        ("timers.rs", ABOVE),
        ("outbox.rs", ABOVE),
        ("database.rs", ABOVE),
        ("host.rs", ABOVE),
        ("engine_io/", &["socket_io", "app", "chat", "examples", "api", "server", "edge"]),
        ("socket_io/", &["engine_io", "app", "chat", "examples", "api", "server", "edge"]),
        ("app/", &["chat", "examples", "api", "server", "edge"]),
        ("chat/", &["engine_io", "socket_io", "examples", "api", "server", "edge", "outbox", "timers", "host"]),
        (
            "examples/",
            &["engine_io", "socket_io", "chat", "api", "server", "edge", "outbox", "timers", "host", "database", "ids"],
        ),
        (
            "api/",
            &["engine_io", "socket_io", "chat", "examples", "server", "edge", "config", "database", "host", "timers"],
        ),
        ("server/", &["chat", "examples", "edge"]),
    ];
    let mut files = Vec::new();
    sources(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for (layer, forbidden) in table {
        let of_layer: Vec<_> = files.iter().filter(|(name, _)| name.starts_with(layer)).collect();
        assert!(!of_layer.is_empty(), "{layer} is gone: this table needs a look");
        for (name, code) in of_layer {
            for other in forbidden {
                assert!(!code.contains(&format!("crate::{other}")), "{name} uses {other}");
            }
        }
    }
    for (name, code) in files {
        let worker = code.contains("worker::") || code.contains("use worker");
        assert!(!worker || name.starts_with("edge/"), "{name} names the worker crate");
        assert!(!code.contains(".unwrap()") && !code.contains(".expect("), "{name} may panic");
        assert!(!code.contains("use crate::{"), "{name}: one line a layer, so that this test can read it");
    }
}
