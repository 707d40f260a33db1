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
