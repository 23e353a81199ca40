//! `oubli keys`: what stands under which key, and rotating, reindexing and retiring them.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use oubli_app::Oubli;
use oubli_app::key_management::{self, Due, Progress, Reindex, Retire, Retired, Rotate, Status};
use oubli_domain::{AppId, IdentifierType, Time};

use super::open;
use crate::config::Config;

/// How often progress is told where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// What `oubli keys` does. All of it runs beside a running service; what was killed goes on when it
/// is run again.
#[derive(Subcommand, Debug)]
pub enum Keys {
    /// Show what stands under which key, and what is under way. No key and no personal data.
    Status(StatusArgs),
    /// Make a new root key version and new app keys, and wrap every data key anew. One that was
    /// interrupted goes on with what is named now, so name the same app.
    ///
    /// Example: oubli keys rotate
    Rotate(RotateArgs),
    /// Give blind indexes new keys, and index every identifier anew.
    ///
    /// Example: oubli keys reindex --app shop --type email
    Reindex(ReindexArgs),
    /// Delete the keys that a rotation has emptied. Backups from before it are unreadable after that,
    /// and the certificates of erasures from before it become final.
    ///
    /// Example: oubli keys retire --grace 24h --yes
    Retire(RetireArgs),
}

/// What is shown.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Databases, root key, journal.
    #[command(flatten)]
    config: Config,
    /// As one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is rotated.
#[derive(Args, Debug)]
pub struct RotateArgs {
    /// Databases, root key, journal.
    #[command(flatten)]
    config: Config,
    /// One app's keys; every app's unless given.
    #[arg(long)]
    app: Option<String>,
    /// Keep the root key version, where its provider cannot make one. Old backups stay readable.
    #[arg(long)]
    epoch_only: bool,
    /// Rotate the key that signs access tokens instead. Running nodes do it by the clock.
    #[arg(long, conflicts_with_all = ["app", "epoch_only"])]
    tokens: bool,
}

/// What is indexed anew.
#[derive(Args, Debug)]
pub struct ReindexArgs {
    /// Databases, root key, journal.
    #[command(flatten)]
    config: Config,
    /// One app's identifiers; every app's unless given.
    #[arg(long)]
    app: Option<String>,
    /// One type: `email`, `phone` or `external_id`; every type unless given.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<IdentifierType>,
}

/// What is retired.
#[derive(Args, Debug)]
pub struct RetireArgs {
    /// Databases, root key, journal.
    #[command(flatten)]
    config: Config,
    /// For how long nothing has stood under a key that goes: seconds, or a number with s, m, h or d.
    #[arg(long, default_value = "24h", value_parser = seconds)]
    grace: u32,
    /// Only keys that were empty before this time, such as 2026-03-05T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    before: Option<String>,
    /// Do it without asking.
    #[arg(long)]
    yes: bool,
}

/// A number of seconds, as people write it: `90`, `90s`, `5m`, `24h` or `7d`.
///
/// # Errors
/// A sentence for anything else, or for more than fits in 32 bits.
pub(crate) fn seconds(text: &str) -> Result<u32, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let number: Option<u32> = number.parse().ok();
    let seconds = number.and_then(|number| number.checked_mul(unit));
    seconds.ok_or_else(|| "must be a number of seconds, or one with s, m, h or d behind it".into())
}

/// Manages keys.
pub(super) async fn run(command: Keys, root_key: Option<String>) -> anyhow::Result<ExitCode> {
    match command {
        Keys::Status(args) => {
            let oubli = open(args.config, root_key).await?;
            let status = key_management::status(&oubli).await;
            oubli.close().await;
            show(&status?, args.json)
        }
        Keys::Rotate(args) => {
            let what = Rotate { app: app(args.app)?, epoch_only: args.epoch_only };
            let oubli = open(args.config, root_key).await?;
            let done =
                if args.tokens { rotate_tokens(&oubli).await } else { rotate(&oubli, &what).await };
            oubli.close().await;
            done
        }
        Keys::Reindex(args) => {
            let what = Reindex { app: app(args.app)?, kind: args.kind };
            let oubli = open(args.config, root_key).await?;
            let done = reindex(&oubli, &what).await;
            oubli.close().await;
            done
        }
        Keys::Retire(args) => {
            let before = args.before.as_deref().map(Time::parse).transpose()?;
            let what = Retire { grace_seconds: args.grace.into(), before };
            let oubli = open(args.config, root_key).await?;
            let done = retire(&oubli, what, args.yes).await;
            oubli.close().await;
            done
        }
    }
}

fn app(name: Option<String>) -> anyhow::Result<Option<AppId>> {
    Ok(name.map(AppId::new).transpose()?)
}

async fn rotate(oubli: &Oubli, what: &Rotate) -> anyhow::Result<ExitCode> {
    let bar = Bar::new("data keys");
    let done = key_management::rotate(oubli, what, &|progress| bar.tell(progress)).await?;
    bar.end();
    println!(
        "{} apps have a new key under root key version {}; {} data keys were wrapped anew.",
        done.apps, done.root_version, done.rewrapped
    );
    if done.unreadable > 0 {
        bail!("{} data keys do not open; they were left, and their app key stays", done.unreadable);
    }
    println!("The old keys are deleted by `oubli keys retire`, a day from now at the earliest.");
    Ok(ExitCode::SUCCESS)
}

async fn rotate_tokens(oubli: &Oubli) -> anyhow::Result<ExitCode> {
    let done = key_management::rotate_tokens(oubli).await?;
    println!("The new token key is published now and signs from {} on.", done.signs_from);
    println!("The old one is accepted until {}.", done.old_gone_at);
    Ok(ExitCode::SUCCESS)
}

async fn reindex(oubli: &Oubli, what: &Reindex) -> anyhow::Result<ExitCode> {
    let bar = Bar::new("identifiers");
    let done = key_management::reindex(oubli, what, &|progress| bar.tell(progress)).await?;
    bar.end();
    println!(
        "{} indexes have new keys; {} identifiers were indexed.",
        done.indexes, done.identifiers
    );
    if done.left > 0 {
        bail!("{} identifiers cannot be indexed; the old keys of their indexes stay", done.left);
    }
    Ok(ExitCode::SUCCESS)
}

async fn retire(oubli: &Oubli, what: Retire, yes: bool) -> anyhow::Result<ExitCode> {
    let due = key_management::due(oubli, what).await?;
    announce(&due);
    let nothing_goes = due.epochs.is_empty() && due.root_versions.is_empty();
    if !nothing_goes && !yes && !confirmed()? {
        bail!("nothing was deleted; say --yes to delete these keys");
    }
    let bar = Bar::new("keys");
    let done = key_management::retire(oubli, what, &due, &|progress| bar.tell(progress)).await?;
    bar.end();
    tell(&done);
    if !due.in_use.is_empty() {
        bail!(
            "{} old app keys are in use and were left: run `oubli keys rotate`",
            due.in_use.len()
        );
    }
    if done.certificates_unreadable > 0 {
        bail!("{} certificates do not verify; they were left", done.certificates_unreadable);
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what goes and what cannot.
fn announce(due: &Due) {
    for key in &due.epochs {
        println!(
            "The key of {} in epoch {} (root key version {}) goes: what was copied or backed up \
             before {} cannot be read any more.",
            key.app, key.epoch, key.root_version, key.emptied_at
        );
    }
    for version in &due.root_versions {
        println!(
            "Root key version {version} goes: nothing needs it but what goes too, and old backups."
        );
    }
    for key in &due.in_use {
        println!(
            "The key of {} in epoch {} stays: {} data keys and {} secrets are under it.",
            key.app, key.epoch, key.data_keys, key.secrets
        );
    }
}

fn tell(done: &Retired) {
    println!("{} app keys were retired.", done.epochs);
    for version in &done.root_versions {
        println!("Root key version {version} is deleted.");
    }
    for version in &done.root_versions_left {
        println!(
            "Nothing needs root key version {version} any more, and its provider cannot delete it: \
             delete it where it is kept, restart every node, and run this again."
        );
    }
    println!("{} certificates were issued again as final.", done.certificates);
}

/// Asks a person; nobody is there to ask without a terminal.
fn confirmed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    println!("Type `yes` to delete these keys for ever:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read the answer")?;
    Ok(line.trim() == "yes")
}

/// Progress: a bar on a terminal, a line now and then elsewhere.
struct Bar {
    what: &'static str,
    bar: ProgressBar,
    told: Mutex<Option<Instant>>,
}

impl Bar {
    fn new(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {eta}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { what, bar, told: Mutex::new(None) }
    }

    fn tell(&self, progress: Progress) {
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.done);
        if self.bar.is_hidden() && self.is_due() {
            println!("{} of {} {}", progress.done, progress.total, self.what);
        }
    }

    fn is_due(&self) -> bool {
        let Ok(mut told) = self.told.lock() else { return false };
        let due = told.is_none_or(|at| at.elapsed() >= LINE_EVERY);
        if due {
            *told = Some(Instant::now());
        }
        due
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn show(status: &Status, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        println!("{}", serde_json::to_string_pretty(status)?);
        return Ok(ExitCode::SUCCESS);
    }
    let versions: Vec<String> = status.root_versions.iter().map(u32::to_string).collect();
    println!(
        "root key: {}, versions {}, current {}{}",
        status.root_provider,
        versions.join(" "),
        status.root_current,
        if status.root_can_delete {
            ""
        } else {
            "; versions are added and deleted where it is kept"
        }
    );
    for key in &status.token_keys {
        let state = if key.signing { "signs" } else { "is published" };
        let gone = key.gone_at.map_or(String::new(), |at| format!(", goes at {at}"));
        println!("token key {}: {state}, signs from {}{gone}", key.version, key.signs_from);
    }
    for app in &status.apps {
        println!("app {}", app.app);
        for epoch in &app.epochs {
            let empty = epoch.emptied_at.map_or(String::new(), |at| format!(", empty since {at}"));
            println!(
                "  epoch {} (root {}): {} data keys, {} secrets{empty}",
                epoch.epoch, epoch.root_version, epoch.data_keys, epoch.secrets
            );
        }
        for index in &app.indexes {
            let filling = if index.filling { ", being filled" } else { "" };
            let (kind, version) = (index.kind.as_str(), index.version);
            println!("  index {kind} {version}: {} identifiers{filling}", index.identifiers);
        }
    }
    match &status.work {
        Some(work) => println!("{}: {}, {} of {}", work.kind, work.state, work.done, work.total),
        None => println!("no rotation was made yet"),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, expected) in [("0", 0), ("90", 90), ("90s", 90), ("5m", 300), ("24h", 86_400)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        assert_eq!(seconds("7d"), Ok(604_800));
        for bad in ["", "h", "-1", "1w", "1.5h", "99999999d", "1é"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
