//! The question, and whether a message is an answer to it. Made once, at load; each run asks under
//! a number of its own.

use std::net::IpAddr;

use hickory_resolver::proto::op::{Edns, Message, MessageType, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};

use super::{Settings, record};
use crate::probe::Misfit;

/// What is asked.
pub struct Question {
    /// The name, whole.
    pub name: Name,
    /// The type of the records.
    pub kind: RecordType,
    recursion: bool,
    edns: bool,
    dnssec: bool,
}

/// A question under a number.
pub struct Numbered {
    /// The message.
    pub bytes: Vec<u8>,
    number: u16,
}

/// What a message from the server is.
#[derive(Debug)]
pub enum Heard {
    /// The answer.
    Answer(Box<Message>),
    /// Something under another number: an answer to somebody else's question, or somebody's guess.
    Foreign,
    /// No message, or none that can answer the question.
    Malformed(String),
}

impl Question {
    /// Reads the name and its type from the settings.
    ///
    /// # Errors
    /// A [`Misfit`] for a name that is none.
    pub fn read(settings: &Settings) -> Result<Self, Misfit> {
        let text = settings.name.trim();
        let kind = settings.sort.record_type();
        let address = text.parse::<IpAddr>().ok();
        let mut name = match address {
            Some(address) if kind == RecordType::PTR => Name::from(address),
            Some(_) => {
                let message = format!("`{text}` is an address, and not a name");
                return Err(Misfit::at(&["name"], message)
                    .hint("write `type: PTR` to ask for the name of an address"));
            }
            None if text.is_empty() => return Err(Misfit::at(&["name"], "the name is empty")),
            None => Name::from_utf8(text).map_err(|error| {
                Misfit::at(&["name"], format!("`{text}` is not a name: {error}"))
            })?,
        };
        name.set_fqdn(true);
        Ok(Self {
            name,
            kind,
            recursion: settings.recursion,
            edns: settings.edns,
            dnssec: settings.dnssec,
        })
    }

    /// The question under a new number that nobody can guess.
    ///
    /// # Errors
    /// Why it cannot be sent.
    pub fn numbered(&self) -> Result<Numbered, String> {
        let mut message = Message::query();
        message.metadata.recursion_desired = self.recursion;
        // Who sets it wants to be told whether the answer is authenticated (RFC 6840, section 5.7).
        message.metadata.authentic_data = true;
        message.add_query(Query::query(self.name.clone(), self.kind));
        if self.edns {
            let mut edns = Edns::new();
            edns.set_max_payload(DATAGRAM);
            edns.set_dnssec_ok(self.dnssec);
            message.set_edns(edns);
        }
        Ok(Numbered {
            number: message.metadata.id,
            bytes: message.to_vec().map_err(|error| error.to_string())?,
        })
    }

    /// Reads what came under the number of the question.
    pub fn heard(&self, asked: &Numbered, bytes: &[u8]) -> Heard {
        if bytes.get(..2) != Some(&asked.number.to_be_bytes()) {
            return Heard::Foreign;
        }
        let message = match Message::from_vec(bytes) {
            Ok(message) => message,
            Err(error) => return Heard::Malformed(error.to_string()),
        };
        if message.metadata.message_type != MessageType::Response {
            return Heard::Malformed("it is a question itself".to_owned());
        }
        // A server that could not read the question need not repeat it.
        let repeats = match message.queries.as_slice() {
            [] => message.metadata.response_code != ResponseCode::NoError,
            [one] => one.query_type() == self.kind && one.name().eq_ignore_root(&self.name),
            _ => false,
        };
        if repeats {
            Heard::Answer(Box::new(message))
        } else {
            Heard::Malformed("it answers another question".to_owned())
        }
    }

    /// The question in a few words: `A records of api.test`.
    pub fn in_words(&self) -> String {
        format!("{} records of {}", self.kind, record::plain(&self.name))
    }
}

/// How large a datagram may be so that no network cuts it up (DNS Flag Day 2020).
const DATAGRAM: u16 = 1_232;

#[cfg(test)]
mod tests {
    use super::*;

    fn question(settings: &str) -> Result<Question, Misfit> {
        Question::read(&serde_json::from_str(settings).unwrap())
    }

    #[test]
    fn a_question_says_what_is_declared() {
        let question =
            question(r#"{"name": "api.test", "type": "AAAA", "recursion": false, "dnssec": true}"#)
                .unwrap();
        let asked = question.numbered().unwrap();
        let message = Message::from_vec(&asked.bytes).unwrap();
        assert!(!message.metadata.recursion_desired && message.metadata.authentic_data);
        assert_eq!(message.queries[0].query_type(), RecordType::AAAA);
        let edns = message.edns.unwrap();
        assert!(edns.flags().dnssec_ok);
        assert_eq!(edns.max_payload(), 1_232);
        assert_ne!(question.numbered().unwrap().bytes[..2], asked.bytes[..2]);
        assert_eq!(question.in_words(), "AAAA records of api.test");
    }

    #[test]
    fn an_address_has_a_name_of_its_own() {
        let asked = |name: &str, sort: &str| {
            let settings = format!(r#"{{"name": "{name}", "type": "{sort}"}}"#);
            question(&settings).map(|it| record::plain(&it.name))
        };
        assert_eq!(asked("192.0.2.1", "PTR").unwrap(), "1.2.0.192.in-addr.arpa");
        assert!(asked("::1", "PTR").unwrap().ends_with(".ip6.arpa"));
        assert_eq!(asked("Bücher.test.", "A").unwrap(), "xn--bcher-kva.test");
        assert_eq!(
            asked("_sip._tcp.a.test", "SRV").unwrap(),
            "_sip._tcp.a.test"
        );
        for wrong in ["192.0.2.1", "", "a..test", &"a".repeat(64)] {
            assert!(asked(wrong, "A").is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_an_answer_to_this_question_is_one() {
        let question = question(r#"{"name": "api.test"}"#).unwrap();
        let asked = question.numbered().unwrap();
        assert!(matches!(question.heard(&asked, &[]), Heard::Foreign));
        assert!(matches!(question.heard(&asked, &[0xff; 1]), Heard::Foreign));
        let heard = |change: &dyn Fn(&mut Message)| {
            let mut message = Message::from_vec(&asked.bytes).unwrap().into_response();
            message.metadata.message_type = MessageType::Response;
            change(&mut message);
            question.heard(&asked, &message.to_vec().unwrap())
        };
        assert!(matches!(heard(&|_| ()), Heard::Answer(_)));
        let foreign = heard(&|message| message.metadata.id ^= 1);
        assert!(matches!(foreign, Heard::Foreign));
        let other = Query::query(Name::from_utf8("other.test.").unwrap(), RecordType::A);
        let another = heard(&|message| message.queries = vec![other.clone()]);
        assert!(matches!(another, Heard::Malformed(_)));
        let echo = heard(&|message| message.metadata.message_type = MessageType::Query);
        assert!(matches!(echo, Heard::Malformed(_)));
        let unread = heard(&|message| {
            message.queries.clear();
            message.metadata.response_code = ResponseCode::FormErr;
        });
        assert!(matches!(unread, Heard::Answer(_)));
    }

    #[test]
    fn no_garbage_makes_the_reading_fail() {
        let question = question(r#"{"name": "api.test"}"#).unwrap();
        let asked = question.numbered().unwrap();
        for filling in [0, 0x0c, 0x41, 0xc0, 0xff] {
            for length in 0..300 {
                let mut bytes = asked.bytes[..2].to_vec();
                bytes.resize(2 + length, filling);
                assert!(!matches!(question.heard(&asked, &bytes), Heard::Foreign));
            }
        }
    }
}
