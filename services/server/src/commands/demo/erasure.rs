//! The erasure (Art. 17), with the raw files searched before and after it, and its certificate.

use anyhow::Context;
use oubli_app::certificate::verify_certificate;
use oubli_app::inspect::{self, Trace};
use oubli_domain::{AppId, SubjectId};
use serde_json::json;

use super::curl::Call;
use super::files::{Files, Place};
use super::shop::{HEROINE, Person};
use super::story::Story;

/// How many traces of one kind are shown.
const SHOWN: usize = 9;

impl Story<'_> {
    /// Finds what points to her in the files, and gives it for the search after the erasure.
    pub(super) async fn search_before(&mut self) -> anyhow::Result<Vec<Trace>> {
        self.checks.chapter("What a thief of the disk would find");
        self.screen.say(
            "The files of both databases are searched byte by byte, write-ahead logs included. \
             What is stored of her is there: random ids, keyed hashes, wrapped keys, ciphertext. \
             What she is called is not.",
        );
        let subject: SubjectId = self.shell.value("MILA").parse()?;
        let traces = inspect::traces(self.service.oubli(), &AppId::new("shop")?, subject).await?;
        let files = self.files()?;
        let found = files.begins(&traces);
        self.screen.blank();
        for (trace, place) in traces.iter().zip(&found).take(SHOWN) {
            let place = place.as_ref().map_or_else(|| "nowhere".to_owned(), Place::to_string);
            self.screen.lines([format!("{:37} {place}", trace.what).as_str()]);
        }
        if let Some(more) = traces.len().checked_sub(SHOWN + 1) {
            self.screen.lines([format!("and {} more", more + 1).as_str()]);
        }
        let present = found.iter().flatten().count();
        self.checks.same(
            &format!("all {} things that are stored of her are found", traces.len()),
            &traces.len(),
            &present,
        );
        self.nothing_in_clear(&files);
        Ok(traces)
    }

    fn files(&self) -> anyhow::Result<Files> {
        let files = Files::read(&self.folder.databases())?;
        self.screen.blank();
        for line in files.list() {
            self.screen.lines([line.as_str()]);
        }
        Ok(files)
    }

    fn nothing_in_clear(&mut self, files: &Files) {
        let mila = Person::at(HEROINE);
        let clear = [mila.name(), mila.email()]
            .map(|text| Trace { what: text.clone(), bytes: text.into_bytes() });
        let found: Vec<_> = files.begins(&clear).into_iter().flatten().collect();
        let place = found.first().map_or_else(String::new, Place::to_string);
        self.checks.holds(
            "her name and e-mail address stand nowhere in clear",
            found.is_empty(),
            place,
        );
    }

    /// Asks for the erasure and waits for it. Gives the request's id.
    pub(super) async fn erase(&mut self) -> anyhow::Result<String> {
        self.checks.chapter("She asks to be forgotten");
        self.screen.say(
            "The preview says what an erasure (Art. 17) would do. The answer to the request \
             itself is the acknowledgement: from then on nobody can find her. A worker then \
             deletes her rows and keys, counts what is left and cleans the files.",
        );
        let who = json!({ "subject": self.shell.value("MILA") });
        let plan = self.must(&Call::post("$APP/requests:preview").json(who), 200).await?;
        self.checks.same("nothing must be kept", &json!([]), &plan.body["kept"]);
        let new = json!({ "right": "erasure", "subject": self.shell.value("MILA") });
        let made = self.must(&Call::post("$APP/requests").json(new), 202).await?;
        let request = made.text("/request")?;
        self.shell.export("ERASURE", &request);
        let done = self.wait_for("ERASURE").await?;
        let subject = done.body.get("subject");
        self.checks.holds("the request no longer says whose it was", subject.is_none(), &done.body);
        let email = Person::at(HEROINE).email();
        let who = json!({ "identifier": { "type": "email", "value": email } });
        let lookup = self.shell.run(&Call::post("$APP/subjects:lookup").json(who)).await?;
        let expected = "404 /problems/subject-not-found";
        self.checks.same("her e-mail address finds nobody", expected, &*lookup.gist());
        Ok(request)
    }

    /// Fetches the certificate and checks it with the published keys alone.
    pub(super) async fn certificate(&mut self, request: &str) -> anyhow::Result<()> {
        self.checks.chapter("A certificate that anyone can check");
        self.screen.say(
            "The certificate is signed with the app's key and names the request, never the \
             person. Whoever has kept the published keys checks it offline.",
        );
        let call = Call::get("$APP/requests/$ERASURE/certificate").save("\"$DIR/certificate.jws\"");
        let jws = String::from_utf8(self.must(&call, 200).await?.bytes)?;
        let call = Call::get("$OUBLI/.well-known/oubli-keys").anyone();
        let keys = self.must(&call.save("\"$DIR/oubli-keys.json\""), 200).await?.bytes;
        self.folder.keep("certificate.jws", jws.as_bytes())?;
        self.folder.keep("oubli-keys.json", &keys)?;
        let keys = String::from_utf8(keys)?;
        let claims = verify_certificate(&jws, &keys).context("the certificate does not hold")?;
        self.screen.command(&[
            "oubli verify certificate \"$DIR/certificate.jws\" \\".to_owned(),
            "  --keys \"$DIR/oubli-keys.json\"".to_owned(),
        ]);
        self.screen.json(&serde_json::to_value(&claims)?);
        self.checks.same(
            "the signature holds, for this request",
            request,
            &*claims.request.to_string(),
        );
        let left: u64 = claims.left.values().sum();
        self.checks.same("it counts no row left in any table", &0, &left);
        let forged = verify_certificate(&changed(&jws), &keys);
        self.checks.holds("a changed certificate does not hold", forged.is_err(), "that it holds");
        Ok(())
    }

    /// Searches the files for what was there before.
    pub(super) fn search_after(&mut self, traces: &[Trace]) -> anyhow::Result<()> {
        self.checks.chapter("The same files, searched again");
        self.screen.say(
            "Whatever was found before is looked for again, and her id as text too. A piece of 16 \
             bytes would count as found.",
        );
        let files = self.files()?;
        let mut wanted = traces.to_vec();
        let id = self.shell.value("MILA").trim_start_matches("sub_").to_owned();
        wanted.push(Trace { what: "the person's id as text".to_owned(), bytes: id.into_bytes() });
        let found = files.pieces(&wanted);
        for (trace, place) in wanted.iter().zip(&found) {
            if let Some(place) = place {
                self.screen.lines([format!("{:37} {place}", trace.what).as_str()]);
            }
        }
        let left = found.iter().flatten().count();
        let what = format!("of these {} things none is found in any file", wanted.len());
        self.checks.same(&what, &0, &left);
        self.nothing_in_clear(&files);
        self.screen.blank();
        self.screen.say(
            "What stays is the certificate, the request without a name, log entries that point to \
             nobody, and a line of random ids in the journal outside the databases, from which an \
             erasure can be repeated should an old backup be restored.",
        );
        Ok(())
    }
}

/// A certificate with one character of its content changed.
fn changed(jws: &str) -> String {
    let middle = jws.len() / 2;
    let other = if jws.as_bytes().get(middle) == Some(&b'A') { "B" } else { "A" };
    let mut changed = jws.to_owned();
    changed.replace_range(middle..=middle, other);
    changed
}
