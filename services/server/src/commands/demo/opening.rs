//! The first chapters: an administrator, an app, a client with a token, and what the app declares.

use oubli_app::Actor;
use oubli_app::auth::VisibleApps;
use oubli_app::staff::{self, NewStaff};
use oubli_domain::Pii;
use oubli_domain::scope::Role;
use serde_json::{Value, json};

use super::curl::Call;
use super::shop;
use super::story::Story;

const ADMIN: &str = "demo-admin";
/// What the shop's program may do: no more than it needs.
const SCOPES: [&str; 8] = [
    "subjects:read",
    "subjects:write",
    "records:read",
    "records:write",
    "consents:read",
    "consents:write",
    "requests:read",
    "requests:write",
];

impl Story<'_> {
    /// What the administrator signs in with.
    pub(super) fn login(&self) -> Value {
        json!({ "name": ADMIN, "password": self.shell.value("PASSWORD") })
    }

    pub(super) async fn open_a_shop(&mut self) -> anyhow::Result<()> {
        self.checks.chapter("A shop opens");
        self.screen.say(
            "The first administrator is made on the service's machine, as `oubli user create` \
             does: there is no default password. The administrator signs in, makes an app (a \
             tenant with keys of its own), and a client of it: the shop's program.",
        );
        self.make_admin().await?;
        let login = Call::post("$OUBLI/v1/staff/login").anyone().json(self.login());
        let session = self.must(&login, 200).await?;
        self.shell.learn("ADMIN", session.text("/access_token")?, "the access_token above");
        let app = json!({ "app": "shop", "title": "The Paper Lantern" });
        self.must(&Call::post("$OUBLI/v1/apps").bearer("ADMIN").json(app), 201).await?;
        self.shell.export("APP", "$OUBLI/v1/apps/shop");
        self.sign_in().await
    }

    async fn make_admin(&mut self) -> anyhow::Result<()> {
        let random = u128::from_be_bytes(oubli_vault::random_bytes());
        let password = format!("{random:032x}");
        self.shell.set("PASSWORD", password.clone());
        let new = NewStaff {
            name: ADMIN.to_owned(),
            role: Role::Admin,
            apps: VisibleApps::All,
            password: Pii::new(password),
            must_change: false,
        };
        staff::create_user(self.service.oubli(), &Actor::System, new).await?;
        Ok(())
    }

    async fn sign_in(&mut self) -> anyhow::Result<()> {
        let client = json!({ "title": "Web shop", "scopes": SCOPES });
        let call = Call::post("$APP/clients").bearer("ADMIN").json(client);
        let client = self.must(&call, 201).await?;
        self.shell.export("CLIENT", &client.text("/client_id")?);
        self.shell.export("SECRET", &client.text("/client_secret")?);
        let token = Call::post("$OUBLI/oauth2/token")
            .client("CLIENT", "SECRET")
            .form("grant_type=client_credentials");
        let token = self.must(&token, 200).await?;
        self.shell.learn("TOKEN", token.text("/access_token")?, "the access_token above");
        let scopes = token.text("/scope")?;
        self.checks.same("the token may do what the client may", &SCOPES.join(" "), &scopes);
        Ok(())
    }

    pub(super) async fn declare(&mut self) -> anyhow::Result<()> {
        self.checks.chapter("The shop declares what it keeps, and why");
        self.screen.say(
            "A data map names categories of records, their fields, and the purposes that may read \
             them. Here the newsletter rests on consent, packing orders on the contract, keeping \
             books on the law. A notice is the text that people consent to.",
        );
        let map = shop::data_map();
        self.folder.keep_json("data-map.json", &map)?;
        let purpose = json!({ "newsletter": map["purposes"]["newsletter"] });
        self.screen.blank();
        self.screen.say("From data-map.json, under \"purposes\":");
        self.screen.json(&purpose);
        let call = Call::put("$APP/data-map").bearer("ADMIN").file("$DIR/data-map.json", map);
        let put = self.must(&call, 201).await?;
        self.checks.same("the data map has its first version", &json!(1), &put.body["version"]);
        let call = Call::put("$APP/notices/newsletter").bearer("ADMIN").json(shop::notice());
        let put = self.must(&call, 201).await?;
        self.checks.same("the notice has its first version", &json!(1), &put.body["version"]);
        Ok(())
    }
}
