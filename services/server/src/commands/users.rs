//! `oubli user`.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use oubli_app::auth::VisibleApps;
use oubli_app::staff::{self, NewStaff};
use oubli_app::{Actor, Oubli};
use oubli_domain::{AppId, Pii};

use super::open;
use crate::cli::User;

/// The longest page of a list.
const PAGE: u32 = 1_000;

/// Makes and lists staff users.
pub(super) async fn run(command: User, root_key: Option<String>) -> anyhow::Result<ExitCode> {
    match command {
        User::Create { config, name, role, apps, must_change } => {
            let (role, apps) = (role.parse()?, visible(&apps)?);
            let oubli = open(config, root_key).await?;
            let new = NewStaff { name, role, apps, password: password()?, must_change };
            let user = told(staff::create_user(&oubli, &Actor::System, new).await)?;
            println!("{user}");
            oubli.close().await;
        }
        User::SetPassword { config, name, must_change } => {
            let oubli = open(config, root_key).await?;
            let (actor, password) = (Actor::System, password()?);
            let changed = staff::set_password(&oubli, &actor, &name, &password, must_change).await;
            told(changed)?;
            println!("The password is set; open sessions are ended.");
            oubli.close().await;
        }
        User::Disable { config, name } => {
            let oubli = open(config, root_key).await?;
            told(staff::disable_user(&oubli, &Actor::System, &name).await)?;
            println!("{name} can sign in no more; open sessions are ended.");
            oubli.close().await;
        }
        User::List { config } => list(&*open(config, root_key).await?).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(oubli: &Oubli) -> anyhow::Result<()> {
    let mut after: Option<String> = None;
    loop {
        let page = staff::list_users(oubli, after.as_deref(), PAGE).await?;
        for user in &page {
            let state = if user.disabled_at.is_some() { "disabled" } else { "active" };
            println!(
                "{}\t{}\t{}\t{}\t{state}",
                user.user,
                user.name,
                user.role.as_str(),
                user.apps
            );
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.name.clone()),
            _ => return Ok(()),
        }
    }
}

/// Puts the places of a refusal into words: on a command line there is no problem document.
pub(super) fn told<T>(result: oubli_app::Result<T>) -> anyhow::Result<T> {
    result.map_err(|error| match &error {
        oubli_app::Error::Refused(refusal) if !refusal.errors.is_empty() => {
            let places: Vec<_> =
                refusal.errors.iter().map(|e| format!("{} {}", e.pointer, e.detail)).collect();
            anyhow::anyhow!("{refusal}: {}", places.join("; "))
        }
        _ => error.into(),
    })
}

fn visible(apps: &str) -> anyhow::Result<VisibleApps> {
    if apps == "*" {
        return Ok(VisibleApps::All);
    }
    let names = apps.split(',').map(|name| AppId::new(name.trim()));
    Ok(VisibleApps::Only(names.collect::<Result<_, _>>().context("--apps")?))
}

/// Asks for a password twice, or reads one line where nobody can be asked.
fn password() -> anyhow::Result<Pii<String>> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        return Ok(Pii::new(line.trim_end_matches(['\r', '\n']).to_owned()));
    }
    let first = Pii::new(rpassword::prompt_password("Password (12 characters or more): ")?);
    let second = Pii::new(rpassword::prompt_password("Again: ")?);
    ensure!(first == second, "the two passwords differ");
    Ok(first)
}
