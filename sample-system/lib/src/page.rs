//! Lists and how long they are: those that operators and the auditor read page by page, as
//! docs/design/shop.md says under "What the auditor reads", and the `limit` of every other.

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::database::DatabaseError;
use crate::problem::Problem;

/// Items that one page has, where the caller does not say.
const USUAL: u32 = 100;

/// Items that one page may have.
const LARGEST: u32 = 1000;

/// Which page of a list is asked for: an argument of a handler, taken from the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The `sequence` of the last item that was seen.
    #[serde(default)]
    pub after: i64,
    /// Items at most, 1 to 1000.
    #[serde(default = "usual")]
    pub limit: u32,
}

fn usual() -> u32 {
    USUAL
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Ok(Query(page)) = Query::<Self>::try_from_uri(&parts.uri) else {
            return Err(Problem::bad_request("give after and limit as numbers"));
        };
        if page.after < 0 {
            return Err(Problem::bad_request("after: give 0 or more"));
        }
        limit(page.limit, LARGEST)?;
        Ok(page)
    }
}

/// The `limit` that was given for a list of `most` items at most.
///
/// # Errors
/// 400 where it is 0 or more than that: who asks for a million and gets fifty would take them for
/// all there are.
pub fn limit(given: u32, most: u32) -> Result<u32, Problem> {
    if (1..=most).contains(&given) {
        Ok(given)
    } else {
        Err(Problem::bad_request(format!("limit: give 1 to {most}")))
    }
}

/// The answer with the items of a page.
///
/// # Errors
/// When they could not be read.
pub fn items(items: Result<Vec<impl Serialize>, DatabaseError>) -> Result<Json<Value>, Problem> {
    let items = items.map_err(|error| Problem::internal(&error))?;
    Ok(Json(json!({ "items": items })))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(query: &str) -> Option<(i64, u32)> {
        let request = http::Request::get(format!("/audit/things{query}"));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let page = Page::from_request_parts(&mut parts, &()).await.ok()?;
        Some((page.after, page.limit))
    }

    #[tokio::test]
    async fn a_page_has_a_beginning_and_a_size_within_bounds() {
        assert_eq!(asked("").await, Some((0, 100)));
        assert_eq!(asked("?after=7&limit=20").await, Some((7, 20)));
        assert_eq!(asked("?limit=1").await, Some((0, 1)));
        assert_eq!(asked("?limit=1000").await, Some((0, 1000)));
        for bad in [
            "?after=x",
            "?after=-1",
            "?limit=-1",
            "?limit=0",
            "?limit=1001",
            "?page=2",
        ] {
            assert_eq!(asked(bad).await, None, "{bad}");
        }
    }
}
