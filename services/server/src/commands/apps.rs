//! `oubli app`.

use std::process::ExitCode;

use oubli_app::auth::VisibleApps;
use oubli_app::{Call, apps};
use oubli_domain::AppId;

use super::open;
use super::users::told;
use crate::cli::AppCommand;

const PAGE: u32 = 1_000;

/// Makes and lists apps.
pub(super) async fn run(command: AppCommand, root_key: Option<String>) -> anyhow::Result<ExitCode> {
    match command {
        AppCommand::Create { config, app, title } => {
            let id = AppId::new(&*app)?;
            let oubli = open(config, root_key).await?;
            let title = title.unwrap_or(app);
            let created = told(apps::create(&oubli, &Call::system(id), &title).await)?;
            println!("{}", created.app);
            oubli.close().await;
        }
        AppCommand::List { config } => {
            let oubli = open(config, root_key).await?;
            let mut after: Option<AppId> = None;
            loop {
                let page = apps::list(&oubli, &VisibleApps::All, after.as_ref(), PAGE).await?;
                for app in &page {
                    println!("{}\t{}\t{}", app.app, app.title, state(app));
                }
                match page.last() {
                    Some(last) if page.len() == PAGE as usize => after = Some(last.app.clone()),
                    _ => break,
                }
            }
            oubli.close().await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn state(app: &apps::App) -> &'static str {
    if app.deletion_proposed { "deletion proposed" } else { app.state.as_str() }
}
