//! The people of the shop: how they come in, and that those who did not ask to go are still there.

use std::collections::BTreeSet;

use anyhow::ensure;
use serde_json::{Value, json};

use super::curl::Call;
use super::shop::{self, HEROINE, NEIGHBOUR, PEOPLE, Person};
use super::story::Story;

impl Story<'_> {
    pub(super) async fn let_people_in(&mut self) -> anyhow::Result<()> {
        self.checks.chapter("200 people come in");
        let mila = Person::at(HEROINE);
        self.screen.say(&format!(
            "Each person is a subject with an id that says nothing. Their e-mail address finds \
             them through a keyed hash, and every field is encrypted under a key of their own. \
             This story is about {}.",
            mila.name()
        ));
        for person in shop::people().take(HEROINE) {
            self.let_in(person).await?;
        }
        let create = Call::post("$APP/subjects").json(mila.identifiers());
        let made = self.must(&create, 201).await?;
        self.shell.export("MILA", &made.text("/subject")?);
        let put = Call::put("$APP/subjects/$MILA/records/profile/main").json(mila.profile());
        self.must(&put, 201).await?;
        for person in shop::people().skip(HEROINE + 1) {
            self.let_in(person).await?;
        }
        self.bring_records().await?;
        self.bring_consents().await?;
        let people = self.subjects().await?.len();
        self.checks.same(&format!("{PEOPLE} people are there"), &PEOPLE, &people);
        Ok(())
    }

    async fn let_in(&self, person: Person) -> anyhow::Result<()> {
        let create = Call::post("$APP/subjects").json(person.identifiers());
        self.must_quietly(&create, 201).await?;
        Ok(())
    }

    /// Everybody's records in one batch; the heroine's profile is there already.
    async fn bring_records(&mut self) -> anyhow::Result<()> {
        self.screen.blank();
        self.screen.say(
            "The other 199 come in alike. Their profiles, and everybody's orders and invoices, \
             go in as one batch:",
        );
        let mila = Person::at(HEROINE).email();
        let profiles = shop::people().filter(|p| p.email() != mila).map(Person::profile_item);
        let others = shop::people().flat_map(Person::further_records);
        let items: Vec<Value> = profiles.chain(others).collect();
        self.batch("$APP/records:batch", "records.json", items).await
    }

    async fn bring_consents(&mut self) -> anyhow::Result<()> {
        let mila = Person::at(HEROINE).email();
        let others = shop::people().filter(|person| person.email() != mila);
        let items = others.map(Person::consent_item).collect();
        self.batch("$APP/consents:batch", "consents.json", items).await
    }

    async fn batch(&mut self, path: &str, file: &str, items: Vec<Value>) -> anyhow::Result<()> {
        let count = items.len();
        let body = json!({ "items": items });
        self.folder.keep_json(file, &body)?;
        let reply = self.must(&Call::post(path).file(format!("$DIR/{file}"), body), 200).await?;
        let results = reply.body["items"].as_array().map_or(&[][..], Vec::as_slice);
        let created = results.iter().filter(|item| item["status"] == 201).count();
        self.checks.same(&format!("all {count} items of the batch are in"), &count, &created);
        Ok(())
    }

    /// The ids of all subjects.
    async fn subjects(&self) -> anyhow::Result<BTreeSet<String>> {
        let page = self.must_quietly(&Call::get("$APP/subjects?limit=1000"), 200).await?;
        let items = page.body["items"].as_array().map_or(&[][..], Vec::as_slice);
        ensure!(page.body.get("next").is_none(), "the list goes on");
        Ok(items.iter().filter_map(|item| item["subject"].as_str()).map(str::to_owned).collect())
    }

    pub(super) async fn everybody_else(&mut self) -> anyhow::Result<()> {
        self.checks.chapter("Everybody else is still there");
        let other = Person::at(NEIGHBOUR);
        self.screen.say(&format!(
            "Nobody else lost anything: {}, for one, whose rows lay beside the ones that went.",
            other.name()
        ));
        let who = json!({ "identifier": { "type": "email", "value": other.email() } });
        let found = self.must(&Call::post("$APP/subjects:lookup").json(who), 200).await?;
        self.shell.export("OTHER", &found.text("/subject")?);
        let path = "$APP/subjects/$OTHER/records/profile/main?purpose=order_fulfilment";
        let read = self.must(&Call::get(path), 200).await?;
        self.checks.same("the record reads as it did", &other.name(), &read.text("/body/name")?);
        let subjects = self.subjects().await?;
        let (others, readable) = (PEOPLE - 1, self.readable(&subjects).await?);
        self.checks.same(&format!("{others} people are there"), &others, &subjects.len());
        self.checks.same(&format!("{others} profiles can be read"), &others, &readable);
        Ok(())
    }

    async fn readable(&self, subjects: &BTreeSet<String>) -> anyhow::Result<usize> {
        let mut readable = 0;
        for subject in subjects {
            let record = format!("$APP/subjects/{subject}/records/profile/main");
            let call = Call::get(format!("{record}?purpose=order_fulfilment"));
            let reply = self.shell.quietly(&call).await?;
            readable += usize::from(reply.status == 200 && reply.body["body"]["name"].is_string());
        }
        Ok(readable)
    }
}
