//! What the user writes below `dns.expect`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::expect::{Matcher, Mismatch, Undated, Unordered};

/// What is expected of an answer. Where neither `records` nor `answers` stands, at least one record
/// of the asked type, unless another code than NOERROR came and was expected.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The code of the answer: `NOERROR` where this is absent, `NXDOMAIN`, `SERVFAIL`, `REFUSED` …,
    /// or a matcher as `{ in: [NOERROR, NXDOMAIN] }`.
    #[serde(default)]
    pub rcode: Option<Undated>,
    /// The records of the asked type: a list in any order, the only one, or a matcher of the list,
    /// as `{ contains: 10 mail.example.com }`. Names in lower case and without the dot at their end.
    #[serde(default)]
    pub records: Option<Unordered>,
    /// Their number: `{ ge: 2 }`.
    #[serde(default)]
    pub answers: Option<Undated>,
    /// For how many seconds they may be kept, the shortest time of all: `{ le: 300 }`.
    #[serde(default)]
    pub ttl: Option<Undated>,
    /// Whether the server calls the answer authenticated (AD): it has validated the signatures, or
    /// says so.
    #[serde(default)]
    pub authenticated: Option<bool>,
    /// Whether the server is an authority for the name (AA), and did not look it up elsewhere.
    #[serde(default)]
    pub authoritative: Option<bool>,
}

impl Expectation {
    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is wrong with the code of an answer, where something is.
    pub fn code_mismatch(&self, code: &str) -> Option<Mismatch> {
        match &self.rcode {
            Some(matcher) => matcher.judge_text(code).mismatch(),
            None => Matcher::equal("NOERROR").judge_text(code).mismatch(),
        }
    }

    /// Whether an answer without any record is wrong.
    pub const fn wants_a_record(&self) -> bool {
        self.records.is_none() && self.answers.is_none()
    }
}
