//! Each type of the prelude has an example in its docs, which `cargo test --doc` compiles.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The names that the prelude passes on from this crate.
fn names() -> Vec<String> {
    let prelude = include_str!("../src/app/prelude.rs");
    let own = prelude.split("pub use ").skip(1).filter(|item| !item.starts_with("serde"));
    let lists = own.filter_map(|item| Some(item.split_once('{')?.1.split_once('}')?.0));
    let listed = lists.flat_map(|list| list.split(','));
    listed.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// The docs that stand above the item of this name.
fn docs<'s>(source: &'s str, name: &str) -> Option<&'s str> {
    let mut at = 0;
    for line in source.lines() {
        let words: Vec<_> = line.trim().split([' ', '<', '(', ':', '=', ';']).collect();
        let is_item = matches!(words[..], ["pub", "struct" | "enum" | "trait" | "type", item, ..] if item == name);
        let is_named_by_macro = line.trim() == name || line.trim().starts_with(&format!("{name} = "));
        if is_item || is_named_by_macro {
            return source[..at].rsplit("\n\n").next().filter(|docs| docs.contains("///"));
        }
        at += line.len() + 1;
    }
    None
}

#[test]
fn each_type_of_the_prelude_has_an_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files: Vec<_> = sources(&folder).iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
    let names = names();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let found: Vec<_> = files.iter().filter_map(|source| docs(source, &name)).collect();
        assert!(found.iter().any(|docs| docs.contains("/// ```")), "{name} has no example in {found:?}");
    }
}
