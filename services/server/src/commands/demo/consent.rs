//! Consent decides who may read: given, it permits; withdrawn, it does not.

use serde_json::json;

use super::curl::Call;
use super::shop::{HEROINE, Person};
use super::story::Story;

const READ: &str = "$APP/subjects/$MILA/records/profile/main?purpose=newsletter";

impl Story<'_> {
    pub(super) async fn consent(&mut self) -> anyhow::Result<()> {
        self.checks.chapter("Consent is given, and the newsletter may read");
        let mila = Person::at(HEROINE);
        self.screen.say(&format!(
            "{} ticks the box under version 1 of the notice. From now on a read that names the \
             purpose `newsletter` is answered, with the fields of that purpose alone. Each read \
             is logged before it is answered.",
            mila.first_name()
        ));
        let granted = json!({
            "purpose": "newsletter", "action": "granted", "notice_version": 1, "language": "en",
        });
        self.must(&Call::post("$APP/subjects/$MILA/consents").json(granted), 201).await?;
        let question = json!({
            "identifier": { "type": "email", "value": mila.email() }, "purpose": "newsletter",
        });
        let check = self.must(&Call::post("$APP/consents:check").json(question), 200).await?;
        self.checks.same("the purpose holds", &json!(true), &check.body["permitted"]);
        let read = self.must(&Call::get(READ), 200).await?;
        let expected = json!({ "name": mila.name(), "email": mila.email() });
        self.checks.same(
            "name and e-mail address are read, no more",
            &expected,
            &read.body["body"],
        );
        Ok(())
    }

    pub(super) async fn withdraw(&mut self) -> anyhow::Result<()> {
        self.checks.chapter("Consent is withdrawn, and the read is refused");
        self.screen.say(
            "Withdrawing takes no more than giving did (Art. 7(3)). Once it is answered, no read \
             for the newsletter is permitted any more; what rests on the contract still is.",
        );
        let withdrawn = json!({ "purpose": "newsletter", "action": "withdrawn" });
        self.must(&Call::post("$APP/subjects/$MILA/consents").json(withdrawn), 201).await?;
        let read = self.shell.run(&Call::get(READ)).await?;
        let expected = "403 /problems/purpose-not-permitted";
        self.checks.same("the read is refused", expected, &*read.gist());
        let path = "$APP/subjects/$MILA/records/profile/main?purpose=order_fulfilment";
        let read = self.must(&Call::get(path), 200).await?;
        let email = read.body["body"].get("email");
        self.checks.holds(
            "packing her order still reads her address, not her e-mail address",
            read.body["body"]["address"].is_object() && email.is_none(),
            &read.body["body"],
        );
        Ok(())
    }
}
