//! What is written of the settings is what there is: docs/settings.md, which this test writes with `UPDATE_DOCS=1`, and the
//! `[vars]` of wrangler.toml.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use roomcast::apps::APP;
use roomcast::chat::HISTORY_MESSAGES;
use roomcast::config::Config;
use roomcast::env::SettingRow;

const INTRODUCTION: &str = "\
# Settings

Made by `UPDATE_DOCS=1 cargo test --test settings` of `src/config.rs`.

Settings are variables of the Worker: they stand in wrangler.toml under `[vars]`, all of them optional. One that isn't what it must be
makes every request that needs it fail with 500 and a sentence that names it, which the log has too. So `/healthz` tells whether a
deployment is set up well.

The default of nearly each is the reference's. Names such as `HB4` lead to the rows of [protocol.md](protocol.md).

";

const OWN: &str = "
## The chat and the examples

What roomcast's own Worker has besides. An app of your own declares its settings as these two are declared
([`Setting`](../src/env/setting.rs)).

";

const SECRETS: &str = "
## Secrets

`API_TOKEN` turns on the HTTP API and is what its callers show. It never stands in a file that is shared: `npx wrangler secret put API_TOKEN`
sets it, and `wrangler dev` reads it from `.dev.vars`. An app reads secrets of its own by `Env::secret`.
";

fn own_rows() -> Vec<SettingRow> {
    let mut app = APP.row();
    // No deployment has the apps for the conformance suites.
    app.wanted = app.wanted.split(" or conformance").next().unwrap_or_default().to_owned();
    vec![app, HISTORY_MESSAGES.row()]
}

fn table(rows: &[SettingRow]) -> String {
    let row = |SettingRow { name, default, wanted, about }: &SettingRow| {
        let default = if default.is_empty() { "(empty)".to_owned() } else { format!("`{default}`") };
        format!("| `{name}` | {default} | {wanted} | {about} |\n")
    };
    let rows: String = rows.iter().map(row).collect();
    format!("| name | default | must be | what for |\n|---|---|---|---|\n{rows}")
}

#[test]
fn the_document_is_that_of_the_sources() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    let wanted = [INTRODUCTION, &table(&Config::rows()), OWN, &table(&own_rows()), SECRETS].concat();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/settings.md is old: UPDATE_DOCS=1 cargo test --test settings");
}

#[test]
fn wrangler_toml_names_every_setting_with_its_default() {
    let vars = include_str!("../wrangler.toml").split_once("[vars]").unwrap().1;
    let lines = vars.lines().filter(|line| !line.starts_with('#'));
    let found: BTreeMap<_, _> =
        lines.filter_map(|line| line.split_once(" = ")).map(|(name, value)| (name, value.trim_matches('"'))).collect();
    let rows = [Config::rows(), own_rows()].concat();
    let wanted: BTreeMap<_, _> = rows.iter().map(|row| (row.name, row.default.as_str())).collect();
    assert_eq!(found, wanted);
}

#[test]
fn each_setting_says_what_it_is_for() {
    for SettingRow { name, about, .. } in [Config::rows(), own_rows()].concat() {
        assert!(about.ends_with('.'), "{name}: {about:?}");
    }
}
