//! How a page is sent: with the policy that lets nothing run but our own script, and a mark by which a
//! browser that asks again is told that nothing has changed.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::Markup;

/// Everything comes from here, nothing is inline, no other page may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same for a file that is saved: its style is inside it.
const FILE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// A page, or the word that it is as it was.
#[must_use]
pub fn page(status: StatusCode, markup: Markup, asked: &HeaderMap) -> Response {
    let text = markup.into_string();
    let mark = mark(&text);
    let is_same = asked
        .get(IF_NONE_MATCH)
        .and_then(|marks| marks.to_str().ok())
        .is_some_and(|marks| marks.split(',').any(|one| one.trim() == mark));
    let mut response = if status == StatusCode::OK && is_same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, text).into_response()
    };
    dress(&mut response, POLICY);
    if let Ok(mark) = HeaderValue::from_str(&mark) {
        response.headers_mut().insert(ETAG, mark);
    }
    response
}

/// A page that is saved as a file.
#[must_use]
pub fn file(text: String) -> Response {
    let mut response = text.into_response();
    dress(&mut response, FILE_POLICY);
    response
}

fn dress(response: &mut Response, policy: &'static str) {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        // Kept by the browser alone, and asked for anew each time.
        (CACHE_CONTROL, "private, no-cache"),
        (VARY, "cookie, accept"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// What changes when the page does: weak, since it may be sent packed.
fn mark(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use maud::html;

    #[test]
    fn a_page_that_has_not_changed_is_not_sent_again() {
        let first = page(StatusCode::OK, html! { p { "a" } }, &HeaderMap::new());
        let mut asked = HeaderMap::new();
        asked.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
        let again = page(StatusCode::OK, html! { p { "a" } }, &asked);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = page(StatusCode::OK, html! { p { "b" } }, &asked);
        assert_eq!(other.status(), StatusCode::OK);
        let problem = page(StatusCode::NOT_FOUND, html! { p { "a" } }, &asked);
        assert_eq!(
            problem.status(),
            StatusCode::NOT_FOUND,
            "an error is never as it was"
        );
    }

    #[test]
    fn nothing_runs_but_our_own() {
        let page = page(StatusCode::OK, html! {}, &HeaderMap::new());
        let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("script-src 'self'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
}
