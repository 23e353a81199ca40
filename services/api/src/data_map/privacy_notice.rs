//! `GET /v1/apps/{app}/privacy-notice`

use actix_web::http::header::VARY;
use actix_web::{HttpRequest, HttpResponse, get, web};
use oubli_app::data_map;
use oubli_domain::data_map::notice::{self, NoticeLanguage, Section, privacy_notice};
use oubli_domain::{Code, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Granted, accepts, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// The other form of the answer (RFC 7763).
const MARKDOWN: &str = "text/markdown";

/// In which language.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LanguageQuery {
    /// `de`, `en` or `fr`.
    #[param(example = "en")]
    language: String,
}

/// A privacy notice. What the app wrote, such as titles, stands in it as the data map has it.
#[derive(Serialize, ToSchema)]
struct PrivacyNotice {
    /// The version of the data map that it is made from.
    #[schema(minimum = 1, example = 4)]
    data_map_version: i64,
    /// The language of its messages.
    #[schema(example = "en")]
    language: &'static str,
    /// Its heading.
    #[schema(example = "How we process your personal data")]
    title: String,
    /// Its sections.
    sections: Vec<NoticeSection>,
}

/// A section of a privacy notice.
#[derive(Serialize, ToSchema)]
struct NoticeSection {
    /// Its heading.
    #[schema(example = "Withdrawing consent")]
    heading: String,
    /// Where the GDPR asks for it.
    #[schema(example = "7(3), 13(2)(c), 14(2)(d)")]
    article: &'static str,
    /// Its paragraphs, in plain text.
    #[schema(example = json!(["You may withdraw your consent at any time."]))]
    paragraphs: Vec<String>,
    /// The items of its list, in plain text.
    #[schema(example = json!([]))]
    items: Vec<String>,
}

impl From<Section> for NoticeSection {
    fn from(section: Section) -> Self {
        let Section { heading, article, paragraphs, items } = section;
        Self { heading, article, paragraphs, items }
    }
}

/// Write the privacy notice
///
/// What people must be told (Art. 13 and 14), from the data map in force, as JSON, or as Markdown
/// when `Accept` names `text/markdown`. Problems: `data-map-not-found` before the first one was put,
/// `language-not-found` with the languages that there are.
#[utoipa::path(
    tag = "Data map",
    params(("app" = String, Path, description = "The app"), LanguageQuery),
    responses((status = 200, description = "The notice", content(
        (PrivacyNotice = "application/json"),
        (String = "text/markdown", example = "# How we process your personal data\n\n…"),
    ))),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/privacy-notice")]
pub(crate) async fn get_privacy_notice(
    api: web::Data<Api>,
    request: HttpRequest,
    granted: Granted<scopes::DataMapRead>,
    query: web::Query<LanguageQuery>,
) -> Answer {
    let language: NoticeLanguage = query.language.parse().map_err(|_| no_such_language())?;
    let (version, map) = data_map::in_force(&api.oubli, &granted.caller).await?;
    let written = privacy_notice(&map, language);
    let mut answer = HttpResponse::Ok();
    answer.insert_header((VARY, "accept"));
    if accepts(&request, MARKDOWN) {
        let text = notice::markdown(&written);
        return Ok(answer.content_type("text/markdown; charset=utf-8").body(text));
    }
    Ok(answer.json(PrivacyNotice {
        data_map_version: version,
        language: language.as_str(),
        title: written.title,
        sections: written.sections.into_iter().map(NoticeSection::from).collect(),
    }))
}

fn no_such_language() -> Refusal {
    let known: Vec<&str> = NoticeLanguage::ALL.iter().map(|language| language.as_str()).collect();
    let detail = format!("The languages are {}.", known.join(", "));
    Refusal::new(Code::LanguageNotFound).detail(detail)
}
