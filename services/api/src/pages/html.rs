//! The frame of a page.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY};

use super::{CACHED, STYLE_PATH};

/// A page may load its stylesheet and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// A whole page. `title` is text; `body` is HTML, in which all text is [`escaped`].
pub(super) fn page(title: &str, body: &str) -> HttpResponse {
    let title = escaped(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"stylesheet\" href=\"{STYLE_PATH}\">\n</head>\n<body>\n\
         <header><nav aria-label=\"Pages\"><a href=\"/\">Oubli</a><a href=\"/docs/\">API \
         reference</a><a href=\"/problems\">Problems</a></nav></header>\n\
         <main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n",
    );
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CACHE_CONTROL, CACHED))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((VARY, "Accept"))
        .body(html)
}

/// Text within HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            _ => html.push(character),
        }
    }
    html
}

/// Text in which `backticks` mark code.
pub(super) fn prose(text: &str) -> String {
    let mut html = String::new();
    for (n, part) in text.split('`').enumerate() {
        // Every second part stands between backticks.
        let (open, close) = if n % 2 == 1 { ("<code>", "</code>") } else { ("", "") };
        let _ = write!(html, "{open}{}{close}", escaped(part));
    }
    html
}

#[cfg(test)]
mod tests {
    use super::prose;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            prose("a < `b & \"c\"` > d"),
            "a &lt; <code>b &amp; &quot;c&quot;</code> &gt; d"
        );
    }
}
