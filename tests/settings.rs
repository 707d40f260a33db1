//! What is written of the settings is what there is: docs/settings.md, which this test writes with `UPDATE_DOCS=1`. That
//! wrangler.toml agrees with it is checked by tests/scripts/settings.test.mjs.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

use std::path::Path;
use std::{env, fs};

use roomcast::apps::APP;
use roomcast::chat::HISTORY_MESSAGES;
use roomcast::config::Config;
use roomcast::env::SettingRow;

const INTRODUCTION: &str = "\
# Settings

Made by `UPDATE_DOCS=1 cargo test --test settings` of `src/config.rs`.

Settings are variables of the Worker: they stand in wrangler.toml under `[vars]`, all of them optional. The quotes of numbers and of
`true` and `false` may be left out.

`npm start`, `npm run build` and `npx wrangler deploy` fail with a sentence for each setting that isn't what it must be, and for each
variable whose name is nearly that of a setting. Other variables are the app's own business. `npm start` reads `.dev.vars` too.

A wrong setting can still reach a Worker, for example by the dashboard or by `--var`. Then every request that needs it is answered 500 with the
name of the setting, and the log has the sentence with its value. `/healthz` tells whether a deployment is set up well
([operations](operations.md#healthz)).

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
fn each_setting_says_what_it_is_for() {
    for SettingRow { name, about, .. } in [Config::rows(), own_rows()].concat() {
        assert!(about.ends_with('.'), "{name}: {about:?}");
    }
}
