//! `PUT /v1/apps/{app}/notices/{notice}`

use std::collections::BTreeMap;

use actix_web::{HttpResponse, put, web};
use oubli_app::notices::{self, MAX_LANGUAGES, MAX_TEXT, NewNotice};
use oubli_domain::consent::Language;
use oubli_domain::{Code, Name, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, Write, read_json, scopes};
use crate::problem::Answer;
use crate::state::{Api, Limit, Limits};

#[derive(Deserialize)]
struct NoticePath {
    notice: Name,
}

/// The content of a version of a notice.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoticeBody {
    /// The text in each language (BCP 47 tags), 1 to 30 of them, 64 KiB of UTF-8 each at most.
    #[schema(example = json!({"en": "We send you news once a month.", "de": "Wir schreiben monatlich."}))]
    texts: BTreeMap<String, String>,
    /// Whether consents under older versions are outdated by this one. False when absent.
    #[serde(default)]
    requires_renewal: bool,
}

impl Input for NoticeBody {
    /// Escapes may double a text.
    fn most_bytes(_: &Limits) -> Limit {
        Limit::fixed(2 * MAX_LANGUAGES * MAX_TEXT)
    }

    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

impl NoticeBody {
    fn content(self) -> Result<NewNotice, Refusal> {
        let texts = self.texts.into_iter().map(|(tag, text)| Ok((Language::new(tag)?, text)));
        let texts = texts.collect::<Result<_, Refusal>>().map_err(|_| {
            let rule = "its names must be language tags such as de-AT";
            Refusal::new(Code::InvalidBody).at("/texts", rule)
        })?;
        Ok(NewNotice { texts, requires_renewal: self.requires_renewal })
    }
}

/// The newest version.
#[derive(Serialize, ToSchema)]
struct PutNotice {
    /// Its number; a grant of consent names it.
    #[schema(minimum = 1, example = 1)]
    version: i64,
    /// SHA-256 of the canonical form (RFC 8785) of its texts, as hex digits.
    #[schema(example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    digest: String,
}

/// Put a version of a notice
///
/// Versions never change, since consents point to them. What the newest version says already makes
/// no new one. Problems: `invalid-body`.
#[utoipa::path(
    tag = "Notices",
    params(("app" = String, Path, description = "The app"),
        ("notice" = String, Path, description = "The notice's name, as purposes name it")),
    request_body = NoticeBody,
    responses(
        (status = 200, description = "The newest version says so already", body = PutNotice),
        (status = 201, description = "A new version", body = PutNotice),
    ),
    security(("oauth2" = ["data-map:write"]), ("staff" = [])),
)]
#[put("/v1/apps/{app}/notices/{notice}")]
pub(crate) async fn put_notice(
    api: web::Data<Api>,
    write: Write<scopes::DataMapWrite, NoticeBody>,
    path: web::Path<NoticePath>,
) -> Answer {
    let content = write.body.content()?;
    let put = notices::put(&api.oubli, &write.call, &path.notice, &content).await?;
    let mut answer = if put.changed { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.json(PutNotice { version: put.version, digest: put.digest }))
}
