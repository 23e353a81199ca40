//! The story as a whole: its chapters in order, and what a person may do when it is over.

use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::json;

use super::checks::Checks;
use super::curl::{Call, Reply, Shell};
use super::folder::Folder;
use super::screen::Screen;
use super::shop::{NEIGHBOUR, Person};
use crate::boot::Service;

/// How long a request may take before the story gives up on it.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long it sleeps between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What every chapter works with.
#[derive(Debug)]
pub(super) struct Story<'a> {
    pub(super) service: &'a Service,
    pub(super) folder: &'a Folder,
    pub(super) screen: Screen,
    pub(super) shell: Shell,
    pub(super) checks: Checks,
}

impl<'a> Story<'a> {
    pub(super) fn new(service: &'a Service, folder: &'a Folder, screen: Screen) -> Self {
        let (shell, checks) = (Shell::new(screen), Checks::new(screen));
        Self { service, folder, screen, shell, checks }
    }

    /// Tells it from the beginning to the end and gives whether every check held.
    pub(super) async fn tell(&mut self) -> bool {
        self.introduce();
        if let Err(error) = self.chapters().await {
            self.checks.broke(&error);
        }
        self.checks.summary()
    }

    fn introduce(&mut self) {
        self.screen.heading("Oubli: a walk through the whole story");
        self.screen.say(
            "A service has just been started on an empty embedded store. All that follows goes \
             through its HTTP API, and each call is printed as the curl line that does the same \
             (curl 7.82 or newer). The people are invented; the store is in $DIR.",
        );
        let url = self.service.address.map_or_else(String::new, |at| format!("http://{at}"));
        self.shell.export("OUBLI", &url);
        self.shell.export("DIR", &self.folder.path().display().to_string());
    }

    async fn chapters(&mut self) -> anyhow::Result<()> {
        self.open_a_shop().await?;
        self.declare().await?;
        self.let_people_in().await?;
        self.consent().await?;
        self.withdraw().await?;
        self.export().await?;
        let traces = self.search_before().await?;
        let request = self.erase().await?;
        self.certificate(&request).await?;
        self.search_after(&traces)?;
        self.everybody_else().await
    }

    /// Runs a call whose answer must have this status for the story to go on.
    pub(super) async fn must(&mut self, call: &Call, status: u16) -> anyhow::Result<Reply> {
        let reply = self.shell.run(call).await?;
        if reply.status != status {
            bail!("expected the status {status}, found {}", reply.gist());
        }
        Ok(reply)
    }

    /// As [`Story::must`], without printing.
    pub(super) async fn must_quietly(&self, call: &Call, status: u16) -> anyhow::Result<Reply> {
        let reply = self.shell.quietly(call).await?;
        if reply.status != status {
            bail!("expected the status {status}, found {}: {}", reply.gist(), reply.body);
        }
        Ok(reply)
    }

    /// Looks at a request until it is completed.
    pub(super) async fn wait_for(&mut self, variable: &str) -> anyhow::Result<Reply> {
        let call = Call::get(format!("$APP/requests/${variable}"));
        let begun = Instant::now();
        loop {
            let reply = self.must_quietly(&call, 200).await?;
            let state = reply.text("/state")?;
            let waits = state == "received" || state == "running";
            if !waits || begun.elapsed() > PATIENCE {
                self.shell.told(&call, &reply);
                self.checks.same("the request is completed", "completed", &state);
                if state != "completed" {
                    bail!("the request ended as {state}");
                }
                return Ok(reply);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Says what a person may do with the service that stays up.
    pub(super) fn where_to_go_next(&self) {
        let (screen, value) = (self.screen, |name: &str| self.shell.value(name));
        screen.heading("Where to go next");
        screen.say("The service stays up until you press Ctrl-C. In another shell:");
        let token = "export TOKEN=$(curl -s \"$OUBLI/oauth2/token\" -u \"$CLIENT:$SECRET\" \\";
        screen.command(&[
            format!("export OUBLI={}", value("OUBLI")),
            "export APP=$OUBLI/v1/apps/shop".to_owned(),
            format!("export CLIENT={}", value("CLIENT")),
            format!("export SECRET={}", value("SECRET")),
            token.to_owned(),
            "  -d grant_type=client_credentials | cut -d '\"' -f 4)".to_owned(),
        ]);
        screen.blank();
        screen.say("A token is good for 15 minutes; the last command gets a new one. Then try:");
        screen.command(&Call::get("$APP/subjects?limit=3").lines());
        let who = json!({ "type": "email", "value": Person::at(NEIGHBOUR).email() });
        let lookup = Call::post("$APP/subjects:lookup").json(json!({ "identifier": who }));
        screen.command(&lookup.lines());
        self.sign_in_next();
        screen.blank();
        screen.say(&format!("Every endpoint (OpenAPI 3.1): {}/openapi.json", value("OUBLI")));
        screen.say(&format!("Store, root key and journal:  {}", value("DIR")));
        screen.say("The folder stays when the service ends; delete it when you are done.");
    }

    fn sign_in_next(&self) {
        self.screen.blank();
        self.screen.say("The administrator signs in by name and password:");
        self.screen.command(&[
            "export ADMIN=$(curl -s \"$OUBLI/v1/staff/login\" \\".to_owned(),
            format!("  --json '{}' \\", self.login()),
            "  | cut -d '\"' -f 4)".to_owned(),
        ]);
        self.screen.command(&Call::get("$APP/purposes").bearer("ADMIN").lines());
    }
}
