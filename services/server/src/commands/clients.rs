//! `oubli client`.

use std::process::ExitCode;

use oubli_app::clients::{self, NewClient, WithSecret};
use oubli_app::{Call, Caller, Oubli};
use oubli_domain::scope::Scopes;
use oubli_domain::{AppId, ClientId};

use super::open;
use super::users::told;
use crate::cli::Client;

const PAGE: u32 = 1_000;

/// Makes, changes and lists clients.
pub(super) async fn run(command: Client, root_key: Option<String>) -> anyhow::Result<ExitCode> {
    match command {
        Client::Create { config, app, title, scopes } => {
            let call = Call::system(AppId::new(app)?);
            let scopes = match scopes {
                Some(text) => Scopes::parse(&text)?,
                None => Scopes::of_clients(),
            };
            let oubli = open(config, root_key).await?;
            show(&told(clients::create(&oubli, &call, NewClient { title, scopes }).await)?);
            oubli.close().await;
        }
        Client::Rotate { config, client, keep_previous } => {
            let client = ClientId::new(client)?;
            let oubli = open(config, root_key).await?;
            let call = Call::system(client.app());
            show(&told(clients::rotate_secret(&oubli, &call, &client, keep_previous).await)?);
            oubli.close().await;
        }
        Client::Revoke { config, client } => {
            let client = ClientId::new(client)?;
            let oubli = open(config, root_key).await?;
            told(clients::revoke(&oubli, &Call::system(client.app()), &client).await)?;
            println!("{client} is revoked.");
            oubli.close().await;
        }
        Client::List { config, app } => {
            let oubli = open(config, root_key).await?;
            list(&oubli, &Call::system(AppId::new(app)?).caller).await?;
            oubli.close().await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(made: &WithSecret) {
    println!("client_id:     {}", made.client);
    println!("client_secret: {}", made.secret.expose());
    println!("The secret is shown this once; the service keeps no copy.");
}

async fn list(oubli: &Oubli, caller: &Caller) -> anyhow::Result<()> {
    let mut after: Option<ClientId> = None;
    loop {
        let page = clients::list(oubli, caller, after.as_ref(), PAGE).await?;
        for client in &page {
            let state = if client.revoked_at.is_some() { "revoked" } else { "active" };
            println!("{}\t{}\t{state}\t{}", client.client, client.title, client.scopes);
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.client.clone()),
            _ => return Ok(()),
        }
    }
}
