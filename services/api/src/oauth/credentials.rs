//! What a token request says: its form parameters and who it claims to come from.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Query;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oubli_app::auth::token::{TokenRefusal, TokenRequest};
use utoipa::ToSchema;

/// The parameters of a token request. A client proves itself with HTTP Basic or with `client_id`
/// and `client_secret` here, never with both.
#[derive(Default, ToSchema)]
pub(crate) struct TokenForm {
    /// `client_credentials`.
    #[schema(value_type = String, example = "client_credentials")]
    grant_type: Option<String>,
    /// The client's id.
    #[schema(example = "shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    client_id: Option<String>,
    /// The client's secret.
    #[schema(format = Password)]
    client_secret: Option<String>,
    /// Fewer scopes than the client has, with spaces between; all of them when left out.
    #[schema(example = "records:read consents:read")]
    scope: Option<String>,
}

impl TokenForm {
    /// The parameters that are ours; others are ignored (RFC 6749, section 3.2).
    ///
    /// # Errors
    /// `invalid_request` when one of ours stands twice.
    pub(crate) fn read(pairs: Vec<(String, String)>) -> Result<Self, TokenRefusal> {
        let mut form = Self::default();
        for (name, value) in pairs {
            let place = match name.as_str() {
                "grant_type" => &mut form.grant_type,
                "client_id" => &mut form.client_id,
                "client_secret" => &mut form.client_secret,
                "scope" => &mut form.scope,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(TokenRefusal::InvalidRequest("a parameter is given twice"));
            }
        }
        Ok(form)
    }

    /// The request, with the credentials of either place.
    ///
    /// # Errors
    /// `invalid_request` when they are in both places or halved; `invalid_client` when there are
    /// none, or the header is no readable Basic one.
    pub(crate) fn request<'a>(
        &'a self,
        basic: Option<&'a (String, String)>,
    ) -> Result<TokenRequest<'a>, TokenRefusal> {
        let form = self.client_id.as_ref().zip(self.client_secret.as_ref());
        let in_form = self.client_id.is_some() || self.client_secret.is_some();
        let (client_id, client_secret) = match (basic, form) {
            (Some(_), _) if in_form => {
                return Err(TokenRefusal::InvalidRequest("credentials are given in two places"));
            }
            (Some((id, secret)), _) => (id, secret),
            (None, Some(pair)) => pair,
            (None, None) if in_form => {
                return Err(TokenRefusal::InvalidRequest("client_id or client_secret is missing"));
            }
            (None, None) => return Err(TokenRefusal::InvalidClient),
        };
        Ok(TokenRequest {
            grant_type: self.grant_type.as_deref().unwrap_or_default(),
            client_id,
            client_secret,
            scope: self.scope.as_deref(),
        })
    }
}

/// Id and secret of a Basic header, when a header stands.
///
/// # Errors
/// `invalid_client` unless the one `Authorization` header is a readable Basic one.
pub(crate) fn basic(request: &HttpRequest) -> Result<Option<(String, String)>, TokenRefusal> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let Some(header) = headers.next() else { return Ok(None) };
    let header = header.to_str().ok().filter(|_| headers.next().is_none());
    header.and_then(read_basic).map(Some).ok_or(TokenRefusal::InvalidClient)
}

fn read_basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

/// Both halves are form-encoded before they are joined (RFC 6749, section 2.3.1).
fn form_decoded(text: &str) -> Option<String> {
    let pairs = Query::<Vec<(String, String)>>::from_query(&format!("v={text}")).ok()?.into_inner();
    match <[_; 1]>::try_from(pairs) {
        Ok([(_, value)]) => Some(value),
        Err(_) => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use actix_web::test::TestRequest;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{TokenForm, basic};

    fn form(pairs: &[(&str, &str)]) -> TokenForm {
        let pairs = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        TokenForm::read(pairs).unwrap()
    }

    fn with(header: &str) -> actix_web::HttpRequest {
        TestRequest::default().insert_header(("authorization", header)).to_http_request()
    }

    #[test]
    fn credentials_stand_in_one_place() {
        let pair = ("shop.1".to_owned(), "s".to_owned());
        let both = form(&[("client_id", "shop.1"), ("client_secret", "s"), ("other", "x")]);
        assert_eq!(both.request(None).unwrap().client_secret, "s");
        assert_eq!(form(&[]).request(Some(&pair)).unwrap().client_id, "shop.1");
        let code = |form: &TokenForm, basic| form.request(basic).err().unwrap().code();
        assert_eq!(code(&both, Some(&pair)), Some("invalid_request"));
        let half = form(&[("client_id", "shop.1")]);
        assert_eq!(code(&half, Some(&pair)), Some("invalid_request"));
        assert_eq!(code(&half, None), Some("invalid_request"));
        assert_eq!(code(&form(&[]), None), Some("invalid_client"));
    }

    #[test]
    fn a_parameter_stands_once() {
        let twice = ["a", "a"].map(|v| ("scope".to_owned(), v.to_owned()));
        let refusal = TokenForm::read(twice.to_vec()).err().unwrap();
        assert_eq!(refusal.code(), Some("invalid_request"));
    }

    #[test]
    fn basic_headers_are_form_decoded() {
        let header = |text: &str| format!("bAsIc {}", STANDARD.encode(text));
        let read = |text: &str| basic(&with(&header(text)));
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(read("shop.1:se-c_ret").unwrap(), pair("shop.1", "se-c_ret"));
        assert_eq!(read("shop%2E1:a%3Ab+c").unwrap(), pair("shop.1", "a:b c"));
        assert_eq!(read("shop.1:a:b").unwrap(), pair("shop.1", "a:b"));
        assert!(read("no colon").is_err());
        assert!(read("a:b&c=d").is_err());
        for bad in ["Bearer abc", "Basic", "Basic %%%"] {
            assert!(basic(&with(bad)).is_err(), "{bad}");
        }
        assert_eq!(basic(&TestRequest::default().to_http_request()).unwrap(), None);
        let two = TestRequest::default()
            .append_header(("authorization", header("a:b")))
            .append_header(("authorization", header("a:b")))
            .to_http_request();
        assert!(basic(&two).is_err());
    }
}
