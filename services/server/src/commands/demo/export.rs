//! A copy of everything (Art. 15): asked for, waited for, downloaded once and checked.

use anyhow::Context;
use serde_json::json;

use super::bundle;
use super::curl::Call;
use super::shop::{HEROINE, Person};
use super::story::Story;

impl Story<'_> {
    pub(super) async fn export(&mut self) -> anyhow::Result<()> {
        self.checks.chapter("A copy of everything is exported");
        self.screen.say(
            "An access request (Art. 15) is a job: a worker decrypts what is there and seals it \
             into a bundle. The bundle is handed out once, to whoever holds the download token.",
        );
        let new = json!({ "right": "access", "subject": self.shell.value("MILA") });
        let made = self.must(&Call::post("$APP/requests").json(new), 202).await?;
        self.shell.export("ACCESS", &made.text("/request")?);
        self.wait_for("ACCESS").await?;
        let issued = self.must(&Call::post("$APP/requests/$ACCESS/download"), 200).await?;
        self.shell.export("EXPORT", &issued.text("/export")?);
        self.shell.export("DOWNLOAD", &issued.text("/token")?);
        let download =
            || Call::get("$APP/exports/$EXPORT").header("Oubli-Download-Token", "DOWNLOAD");
        let zip = self.must(&download().save("mila.zip"), 200).await?;
        self.check_bundle(&zip.bytes)?;
        let again = self.shell.run(&download()).await?;
        let expected = "404 /problems/download-not-found";
        self.checks.same("the token is used up", expected, &*again.gist());
        Ok(())
    }

    /// Checks the bundle against its manifest and looks for what must be in it.
    fn check_bundle(&mut self, zip: &[u8]) -> anyhow::Result<()> {
        let parts = bundle::check(zip).context("the bundle does not hold")?;
        self.screen.blank();
        self.screen.say("In the ZIP, beside its manifest:");
        for part in &parts {
            self.screen.lines([format!("{:>7} bytes  {}", part.bytes, part.name).as_str()]);
        }
        let what = "each part has the length and the SHA-256 that the manifest says";
        self.checks.holds(what, !parts.is_empty(), "no parts");
        let profile = parts.iter().find(|part| part.name == "records/profile.ndjson");
        let hers = profile.is_some_and(|part| part.text.contains(&Person::at(HEROINE).email()));
        self.checks.holds("her profile is in it, readable", hers, "no such profile");
        Ok(())
    }
}
