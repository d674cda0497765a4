//! The style, the script and the icon: part of the program, under names that change with what is in
//! them, so that browsers keep them for good.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::report::html::STYLE as SHARED_STYLE;
use crate::server::problem::Problem;

/// A file of the program.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    name: &'static str,
    kind: &'static str,
    parts: &'static [&'static str],
}

/// The style of the pages: that of all pages, and that of the daemon's.
pub const STYLE: Asset = Asset {
    name: "style.css",
    kind: "text/css; charset=utf-8",
    parts: &[SHARED_STYLE, include_str!("assets/page.css")],
};

/// The script: what is live, and nothing that a page needs to be read.
pub const SCRIPT: Asset = Asset {
    name: "page.js",
    kind: "text/javascript; charset=utf-8",
    parts: &[include_str!("assets/page.js")],
};

/// The icon of the pages.
pub const ICON: Asset = Asset {
    name: "icon.svg",
    kind: "image/svg+xml",
    parts: &[include_str!("assets/icon.svg")],
};

const ALL: [Asset; 3] = [STYLE, SCRIPT, ICON];

/// A year: the longest that caches honour.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// The path under which a file is served.
#[must_use]
pub fn path(asset: Asset) -> String {
    format!("/assets/{}/{}", mark(asset), asset.name)
}

/// What changes when the file does. No secret and no promise: a name for caches.
fn mark(asset: Asset) -> String {
    let mut hasher = DefaultHasher::new();
    asset.parts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Serves a file of the program; one of another version does not exist.
///
/// # Errors
/// When there is none of this name.
pub async fn serve(Path((asked, name)): Path<(String, String)>) -> Result<Response, Problem> {
    let found = ALL.into_iter().find(|asset| asset.name == name);
    let asset = found
        .filter(|asset| mark(*asset) == asked)
        .ok_or_else(|| Problem::unknown("file", &name))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (CACHE_CONTROL, HeaderValue::from_static(FOR_GOOD)),
    ];
    Ok((StatusCode::OK, headers, asset.parts.concat()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_a_name_of_its_own() {
        let mut paths: Vec<String> = ALL.into_iter().map(path).collect();
        assert!(paths.iter().all(|path| path.starts_with("/assets/")));
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), ALL.len());
    }

    #[test]
    fn everything_together_is_small() {
        let size = |asset: Asset| asset.parts.iter().map(|part| part.len()).sum::<usize>();
        let whole: usize = ALL.into_iter().map(size).sum();
        assert!(whole < 40_000, "{whole} bytes before compression");
    }
}
