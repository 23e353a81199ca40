//! Which form of an answer is asked for.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

/// Whether the `Accept` headers name a media type outright and do not refuse it (`q=0`). Where an
/// answer has two forms, JSON is the one for all who do not name the other (RFC 9110, section 12.5.1).
pub(crate) fn names(request: &HttpRequest, media: &str) -> bool {
    let headers = request.headers().get_all(ACCEPT).filter_map(|header| header.to_str().ok());
    headers.flat_map(|header| header.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media));
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        named && weight.is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::names;

    #[test]
    fn a_media_type_must_be_named_and_not_refused() {
        for (accept, named) in [
            ("text/csv", true),
            ("application/json, text/CSV;q=0.5", true),
            ("text/csv; q=0", false),
            ("text/csv; q=x", false),
            ("*/*", false),
            ("text/*", false),
            ("", false),
        ] {
            let request =
                TestRequest::default().insert_header(("accept", accept)).to_http_request();
            assert_eq!(names(&request, "text/csv"), named, "{accept}");
        }
    }
}
