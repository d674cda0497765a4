//! Lists, page by page: each answer says where the next one is, in its body and as a link (RFC 8288).

use axum::http::header::LINK;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::masked;
use crate::secret::Mask;
use crate::server::problem::Problem;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed<T> {
    /// The items.
    items: Vec<T>,
    /// The path of the next part; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Answers with a part of a list. `next` is the parameter of the next part with its value; the others
/// stay as they were asked.
///
/// # Errors
/// When it cannot be written, which is a bug of ours.
pub fn listed<T: Serialize>(
    items: Vec<T>,
    asked: &Uri,
    next: Option<(&str, &str)>,
    mask: &Mask,
) -> Result<Response, Problem> {
    let next = next.map(|(name, value)| following(asked, name, value));
    let link = next.as_ref().map(|next| format!("<{next}>; rel=\"next\""));
    let mut response = masked(&Listed { items, next }, mask)?;
    let link = link.and_then(|link| HeaderValue::from_str(&link).ok());
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// The same question with one parameter replaced.
fn following(asked: &Uri, name: &str, value: &str) -> String {
    let query = asked.query().unwrap_or_default();
    let mut following = url::form_urlencoded::Serializer::new(String::new());
    for (key, kept) in url::form_urlencoded::parse(query.as_bytes()) {
        if key != name {
            following.append_pair(&key, &kept);
        }
    }
    following.append_pair(name, value);
    format!("{}?{}", asked.path(), following.finish())
}

/// A part of what is declared, from behind the item of a name on, and the name of its last item where
/// more follow.
///
/// # Errors
/// When there is no such item.
pub fn part<'i, T>(
    items: impl Iterator<Item = &'i T>,
    name: impl Fn(&'i T) -> &'i str,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<&'i T>, Option<&'i str>), Problem> {
    let mut items = items;
    if let Some(after) = after
        && !items.any(|item| name(item) == after)
    {
        let detail = format!("`after` names nothing of this list: `{after}`");
        return Err(Problem::new(StatusCode::NOT_FOUND, "unknown", detail));
    }
    let mut items = items.peekable();
    let mut part = Vec::new();
    while part.len() < limit {
        let Some(item) = items.next() else { break };
        part.push(item);
    }
    let last = part.last().filter(|_| items.peek().is_some());
    let next = last.map(|last| name(last));
    Ok((part, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_part_is_asked_for_as_the_first_was() {
        let asked = Uri::from_static("/api/v1/windows?service=a%20b&before=OLD&limit=2");
        assert_eq!(
            following(&asked, "before", "NEW"),
            "/api/v1/windows?service=a+b&limit=2&before=NEW"
        );
    }

    #[test]
    fn parts_make_the_whole() {
        let all = ["a", "b", "c", "d", "e"].map(str::to_owned);
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let found = part(all.iter(), |name| name, after, 2).unwrap();
            seen.extend(found.0);
            after = found.1;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, all.iter().collect::<Vec<_>>());
        assert!(part(all.iter(), |name| name, Some("x"), 2).is_err());
        assert!(
            part(all.iter(), |name| name, Some("e"), 2)
                .unwrap()
                .0
                .is_empty()
        );
    }
}
