//! What of an answer belongs to the question: the records of the name and of those for which it
//! stands, how long they may be kept, and what the server says of itself.

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record};
use serde_json::Value;

use super::expectation::Expectation;
use super::question::Question;
use super::record;
use crate::expect::Inquiry;
use crate::probe::Attempt;
use crate::sample::{Fault, Reason, Unit};

/// What an answer says.
pub struct Found {
    asked: String,
    server: String,
    code: ResponseCode,
    records: Vec<String>,
    ttl: Option<u32>,
    serial: Option<u32>,
    authenticated: bool,
    authoritative: bool,
}

impl Found {
    /// Takes from an answer what was asked for.
    pub fn read(question: &Question, message: &Message, server: &str) -> Self {
        let names = names_of(&question.name, &message.answers);
        let of_ours = |record: &&Record| names.iter().any(|name| name.eq_ignore_root(&record.name));
        let ours = message.answers.iter().filter(of_ours);
        let mut found = Self {
            asked: question.in_words(),
            server: server.to_owned(),
            code: message.metadata.response_code,
            records: Vec::new(),
            ttl: None,
            serial: None,
            authenticated: message.metadata.authentic_data,
            authoritative: message.metadata.authoritative,
        };
        for one in ours {
            let asked_for = one.record_type() == question.kind;
            if asked_for || matches!(one.data, RData::CNAME(_)) {
                found.ttl = Some(found.ttl.map_or(one.ttl, |ttl| ttl.min(one.ttl)));
            }
            if asked_for {
                found.records.push(record::text(&one.data));
                if let RData::SOA(head) = &one.data {
                    found.serial = Some(head.serial);
                }
            }
        }
        found
    }

    /// Reports what can be read off the answer.
    pub fn report(&self, attempt: &mut Attempt) {
        let count = u32::try_from(self.records.len()).map_or(f64::INFINITY, f64::from);
        attempt.reading("answers", count, Unit::Number);
        if let Some(ttl) = self.ttl {
            attempt.reading("ttl", f64::from(ttl), Unit::Seconds);
        }
        let authenticated = if self.authenticated { 1.0 } else { 0.0 };
        attempt.reading("authenticated", authenticated, Unit::Number);
        if let Some(serial) = self.serial {
            attempt.reading("serial", f64::from(serial), Unit::Number);
        }
    }

    /// The code and the records, in an order of their own: servers turn theirs round.
    pub fn in_words(&self) -> String {
        let mut records = self.records.clone();
        records.sort_unstable();
        format!("{}: {}", code(self.code), records.join("; "))
    }

    /// Compares with what is expected.
    ///
    /// # Errors
    /// [`Reason::Status`] for another code, [`Reason::ServerFault`] where the server says that it
    /// failed, [`Reason::Expectation`] for the first other wish that does not hold.
    pub fn judge(&self, expected: &Expectation) -> Result<(), Fault> {
        let code = code(self.code);
        if let Some(mismatch) = expected.code_mismatch(&code) {
            let (server, asked) = (&self.server, &self.asked);
            let detail = format!("{server} answers {code} for {asked}: {mismatch}");
            return Err(match self.code {
                ResponseCode::ServFail => Fault::new(Reason::ServerFault, detail).transient(),
                _ => Fault::new(Reason::Status, detail),
            });
        }
        let mut inquiry = Inquiry::default();
        self.ask(expected, &mut inquiry);
        inquiry.end().map_err(|fault| {
            let (server, asked) = (&self.server, &self.asked);
            let detail = format!("{asked} at {server}: {}", fault.detail);
            Fault { detail, ..fault }
        })
    }

    fn ask(&self, expected: &Expectation, inquiry: &mut Inquiry) {
        if let Some(matcher) = &expected.records {
            inquiry.ask(|| {
                let mismatch = matcher.judge(&self.records).mismatch()?;
                Some(format!("records: {mismatch}"))
            });
        }
        if let Some(matcher) = &expected.answers {
            let number = Value::from(self.records.len());
            inquiry.ask_of("answers", matcher, |matcher, _| matcher.judge(&number));
        }
        if let Some(matcher) = &expected.ttl {
            inquiry.ask_of("ttl", matcher, |matcher, _| match self.ttl {
                Some(ttl) => matcher.judge(&Value::from(ttl)),
                None => matcher.judge_absent(),
            });
        }
        let flags = [
            ("authenticated", expected.authenticated, self.authenticated),
            ("authoritative", expected.authoritative, self.authoritative),
        ];
        for (what, expected, is) in flags {
            if let Some(expected) = expected {
                let differs = || format!("{what}: expected {expected}, got {is}");
                inquiry.ask(|| (expected != is).then(differs));
            }
        }
        if expected.wants_a_record() && self.code == ResponseCode::NoError {
            let none = || "there is no such record".to_owned();
            inquiry.ask(|| self.records.is_empty().then(none));
        }
    }
}

/// The name and those for which it stands, one after the other. The records of others were not
/// asked for.
fn names_of<'a>(name: &'a Name, records: &'a [Record]) -> Vec<&'a Name> {
    let mut names = vec![name];
    while names.len() <= LONGEST_CHAIN {
        let last = names[names.len() - 1];
        let alias = records.iter().find_map(|record| match &record.data {
            RData::CNAME(alias) if record.name.eq_ignore_root(last) => Some(&alias.0),
            _ => None,
        });
        match alias.filter(|alias| !names.contains(alias)) {
            Some(alias) => names.push(alias),
            None => break,
        }
    }
    names
}

/// The name of a code (RFC 6895, section 2.3).
fn code(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        ResponseCode::BADVERS => "BADVERS".to_owned(),
        other => format!("RCODE{}", u16::from(other)),
    }
}

/// No resolver follows more aliases than this.
const LONGEST_CHAIN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::op::OpCode;
    use hickory_resolver::proto::rr::rdata::CNAME;
    use std::net::Ipv4Addr;

    fn name(text: &str) -> Name {
        Name::from_utf8(text).unwrap()
    }

    fn found(records: Vec<Record>) -> Found {
        let question = serde_json::from_str(r#"{"name": "www.test"}"#).unwrap();
        let question = Question::read(&question).unwrap();
        let mut message = Message::response(7, OpCode::Query);
        message.answers = records;
        Found::read(&question, &message, "ns.test")
    }

    fn alias(from: &str, to: &str, ttl: u32) -> Record {
        Record::from_rdata(name(from), ttl, RData::CNAME(CNAME(name(to))))
    }

    fn address(of: &str, last: u8, ttl: u32) -> Record {
        let data = RData::A(Ipv4Addr::new(192, 0, 2, last).into());
        Record::from_rdata(name(of), ttl, data)
    }

    #[test]
    fn what_belongs_to_the_name_is_taken_and_nothing_else() {
        let found = found(vec![
            address("other.test.", 9, 1),
            address("edge.test.", 2, 60),
            alias("WWW.test.", "edge.test.", 30),
            address("edge.test.", 1, 60),
        ]);
        assert_eq!(found.records, ["192.0.2.2", "192.0.2.1"]);
        assert_eq!(found.ttl, Some(30));
        assert_eq!(found.in_words(), "NOERROR: 192.0.2.1; 192.0.2.2");
    }

    #[test]
    fn a_circle_of_aliases_ends() {
        let found = found(vec![
            alias("www.test.", "a.test.", 1),
            alias("a.test.", "www.test.", 1),
        ]);
        assert!(found.records.is_empty());
        let long =
            (0..10_000).map(|n| alias(&format!("n{n}.test."), &format!("n{}.test.", n + 1), 1));
        let long: Vec<Record> = [alias("www.test.", "n0.test.", 1)]
            .into_iter()
            .chain(long)
            .collect();
        assert_eq!(names_of(&name("www.test."), &long).len(), LONGEST_CHAIN + 1);
    }

    #[test]
    fn an_answer_without_a_record_is_no_pass_unless_that_is_expected() {
        let judged = |expected: &str, records: Vec<Record>| {
            let expected: Expectation = serde_json::from_str(expected).unwrap();
            found(records)
                .judge(&expected)
                .map_err(|fault| fault.detail)
        };
        let one = || vec![address("www.test.", 1, 60)];
        for (expected, records, detail) in [
            ("{}", one(), None),
            ("{}", vec![], Some("there is no such record")),
            (
                r#"{"ttl": {"ge": 0}}"#,
                vec![],
                Some("ttl: expected { ge: 0 }, got nothing"),
            ),
            (
                r#"{"rcode": "NOERROR"}"#,
                vec![],
                Some("there is no such record"),
            ),
            (r#"{"answers": 0}"#, vec![], None),
            (r#"{"records": []}"#, vec![], None),
            (r#"{"records": "192.0.2.1"}"#, one(), None),
            (
                r#"{"records": ["192.0.2.2"]}"#,
                one(),
                Some(r#"got ["192.0.2.1"]"#),
            ),
            (
                r#"{"ttl": {"lt": 60}}"#,
                one(),
                Some("ttl: expected { lt: 60 }, got 60"),
            ),
            (
                r#"{"authenticated": true}"#,
                one(),
                Some("authenticated: expected true, got false"),
            ),
            (r#"{"authoritative": false}"#, one(), None),
            (
                r#"{"rcode": "NXDOMAIN"}"#,
                one(),
                Some("answers NOERROR for A records of www.test"),
            ),
        ] {
            let judged = judged(expected, records);
            match (detail, &judged) {
                (None, Ok(())) => {}
                (Some(detail), Err(told)) => assert!(told.contains(detail), "{expected}: {told}"),
                _ => panic!("{expected}: {judged:?}"),
            }
        }
    }
}
