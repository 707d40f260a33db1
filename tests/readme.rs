//! What the README shows of apps is what there is.

const README: &str = include_str!("../README.md");
const ECHO: &str = include_str!("../src/examples/echo.rs");
const TUTORIAL: &str = include_str!("../src/examples/tutorial.rs");

#[test]
fn the_readme_shows_the_echo_app_whole() {
    assert!(
        README.contains(&format!("```rust\n{ECHO}```")),
        "README.md has another echo app than src/examples/echo.rs"
    );
}

#[test]
fn the_smallest_apps_are_small() {
    assert!(ECHO.lines().count() <= 15, "the echo app is to be read at a glance");
    assert!(TUTORIAL.lines().count() <= 30, "the tutorial's chat is to be read at a glance");
}

#[test]
fn the_files_that_the_readme_links_to_are_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let links = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files: Vec<_> = links.filter(|link| !link.starts_with("http") && !link.starts_with('#')).collect();
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        assert!(root.join(file).exists(), "{file} isn't there");
    }
}
