//! How a sentinel sees a primary that it watches: INFO's line of it, and whether the sentinels could
//! agree on a failover (SENTINEL CKQUORUM).

use schemars::JsonSchema;
use serde::Deserialize;

use super::info::Info;
use crate::expect::{Inquiry, Matcher, Undated};
use crate::probe::Misfit;

/// How the sentinel must see a primary. That it calls it `ok` and that the sentinels have the quorum
/// for a failover is always expected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SentinelExpectation {
    /// The name under which the sentinel knows the primary, as `mymaster`.
    pub master: String,
    /// How many replicas it knows.
    #[serde(default)]
    pub replicas: Option<Undated>,
    /// How many sentinels watch it, this one included.
    #[serde(default)]
    pub sentinels: Option<Undated>,
}

impl SentinelExpectation {
    /// Why it cannot work.
    pub fn misfit(&self) -> Option<Misfit> {
        let named = !self.master.is_empty() && !self.master.contains(char::is_whitespace);
        let misfit = Misfit::at(
            &["expect", "sentinel", "master"],
            "this is no name of a primary",
        );
        (!named).then(|| misfit.hint("write the name after `sentinel monitor`, as `mymaster`"))
    }

    /// The field of INFO that tells of the primary: `master0`.
    pub fn field(&self, info: &Info) -> Option<String> {
        let mut fields = (0..MOST_WATCHED).map(|at| format!("master{at}"));
        fields.find(|field| info.get(&format!("{field}.name")) == Some(&self.master))
    }

    /// Asks whether the sentinel sees the primary as expected.
    pub fn ask(&self, info: &Info, quorum: Option<&Result<(), String>>, inquiry: &mut Inquiry) {
        let master = &self.master;
        if info.get("sentinel_masters").is_none() {
            return inquiry.ask(|| Some("sentinel: the server is no sentinel".to_owned()));
        }
        let Some(field) = self.field(info) else {
            let stranger = || format!("sentinel: it watches no primary called {master}");
            return inquiry.ask(|| Some(stranger()));
        };
        let whose = format!("sentinel, {master}: ");
        let ok = Matcher::equal("ok");
        let expected = [
            ("status", Some(&ok)),
            ("slaves", self.replicas.as_deref()),
            ("sentinels", self.sentinels.as_deref()),
        ];
        for (part, matcher) in expected {
            if let Some(matcher) = matcher {
                info.ask(&whose, &format!("{field}.{part}"), matcher, inquiry);
            }
        }
        if let Some(Err(said)) = quorum {
            inquiry.ask(|| Some(format!("{whose}no failover is possible: {said}")));
        }
    }
}

/// More primaries than anybody lets one sentinel watch.
const MOST_WATCHED: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(written: Value, info: &Info, quorum: Option<Result<(), String>>) -> String {
        let expected: SentinelExpectation = serde_json::from_value(written).unwrap();
        let mut inquiry = Inquiry::default();
        expected.ask(info, quorum.as_ref(), &mut inquiry);
        let unmet = inquiry.unmet();
        unmet.map(|unmet| unmet.told()).unwrap_or_default()
    }

    #[test]
    fn a_primary_is_found_by_its_name_and_held_against_what_is_expected() {
        let info = Info::parse(
            "sentinel_masters:2\r\nmaster0:name=a,status=ok,address=x:1,slaves=1,sentinels=3\r\n\
             master1:name=b,status=odown,address=x:2,slaves=0,sentinels=1\r\n",
        );
        let wrong = |written, quorum: Option<Result<(), String>>| told(written, &info, quorum);
        assert_eq!(
            wrong(json!({"master": "a", "replicas": {"ge": 1}}), Some(Ok(()))),
            ""
        );
        assert_eq!(
            wrong(
                json!({"master": "b", "sentinels": {"ge": 3}}),
                Some(Err("NOQUORUM".to_owned()))
            ),
            "sentinel, b: master1.status: expected \"ok\", got \"odown\" (2 more not evaluated)"
        );
        assert_eq!(
            wrong(json!({"master": "c"}), None),
            "sentinel: it watches no primary called c"
        );
    }

    #[test]
    fn a_server_that_watches_nobody_is_no_sentinel() {
        let expected: SentinelExpectation = serde_json::from_value(json!({"master": "a"})).unwrap();
        assert!(expected.misfit().is_none());
        let wrong = told(
            json!({"master": "a"}),
            &Info::parse("role:master\r\n"),
            None,
        );
        assert_eq!(wrong, "sentinel: the server is no sentinel");
    }
}
