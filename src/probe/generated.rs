//! Values that are made for a run: `{{ uuid }}`, `{{ now }}`, `{{ random.email }}`. The same wherever
//! they stand in one run, others in the next. They make what a run creates unique and findable; they
//! are no cryptography.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use serde_json::Value;

use crate::clock::WallTime;

/// The generated names; a label may follow the random ones: `{{ random.email.buyer }}`.
const NAMES: &[&str] = &[
    "uuid",
    "now",
    "now.unix",
    "now.unix_ms",
    "today",
    "random.email",
    "random.name",
    "random.number",
    "random.hex",
    "random.password",
    "run.id",
    "run.tag",
];

/// The generated name without its label.
fn base(name: &str) -> Option<&'static str> {
    let known = NAMES.iter().find(|known| **known == name);
    let labelled = || {
        LABELLED.iter().find(|known| {
            let label = name
                .strip_prefix(**known)
                .and_then(|rest| rest.strip_prefix('.'));
            label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
        })
    };
    known.or_else(labelled).copied()
}

/// Those that a label makes another of.
const LABELLED: &[&str] = &[
    "uuid",
    "random.email",
    "random.name",
    "random.number",
    "random.hex",
    "random.password",
];

/// What one run generates.
#[derive(Debug)]
pub struct Generated {
    /// The keys of this run, from the operating system: what is hashed with them nobody can foresee.
    keys: RandomState,
    now: Duration,
    id: String,
}

impl Generated {
    /// The names, without labels.
    pub const NAMES: &'static [&'static str] = NAMES;
    /// The first words of the names, which no capture may have.
    pub const WORDS: &'static [&'static str] = &["uuid", "now", "today", "random", "run"];

    /// Whether a name is a generated one, its label included.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        base(name).is_some()
    }

    /// Whether the value of a name is a secret.
    #[must_use]
    pub fn is_secret(name: &str) -> bool {
        base(name) == Some("random.password")
    }

    /// For a run that begins now.
    #[must_use]
    pub fn at(now: WallTime) -> Self {
        let keys = RandomState::new();
        let millis = u64::try_from(now.unix().as_millis()).unwrap_or(u64::MAX);
        let random = wide(&keys, "run.id");
        let id = ulid::Ulid::from_parts(millis, random).to_string();
        Self {
            keys,
            now: now.unix(),
            id: id.to_ascii_lowercase(),
        }
    }

    /// The value of a generated name; absent for any other.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Value> {
        let short = || format!("{:08x}", self.number(name) & 0xffff_ffff);
        let text = match base(name)? {
            "uuid" => uuid(wide(&self.keys, name)),
            "now" => time(self.now, "%Y-%m-%dT%H:%M:%SZ"),
            "now.unix" => return Some(Value::from(self.now.as_secs())),
            "now.unix_ms" => {
                let millis = u64::try_from(self.now.as_millis()).unwrap_or(u64::MAX);
                return Some(Value::from(millis));
            }
            "today" => time(self.now, "%Y-%m-%d"),
            // A domain of which no mail can come (RFC 2606, section 3).
            "random.email" => format!("{}-{}@example.com", self.tag(), short()),
            "random.name" => format!("smoke-{}", short()),
            "random.number" => return Some(Value::from(1 + self.number(name) % LARGEST_NUMBER)),
            "random.hex" => format!("{:032x}", wide(&self.keys, name)),
            // Of each sort of characters that rules for passwords ask for.
            "random.password" => format!("Aa1!{:032x}", wide(&self.keys, name)),
            "run.id" => self.id.clone(),
            "run.tag" => self.tag(),
            _ => return None,
        };
        Some(Value::String(text))
    }

    /// What marks all that this run creates.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("smokejumper-{}", self.id)
    }

    fn number(&self, name: &str) -> u64 {
        self.keys.hash_one(name)
    }
}

/// Random numbers have at most nine digits, which every 32-bit integer holds.
const LARGEST_NUMBER: u64 = 999_999_999;

fn wide(keys: &RandomState, name: &str) -> u128 {
    let (high, low) = (keys.hash_one((name, 0_u8)), keys.hash_one((name, 1_u8)));
    (u128::from(high) << 64) | u128::from(low)
}

/// A random UUID: version 4 in its place, the variant in its (RFC 9562, section 5.4).
fn uuid(random: u128) -> String {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0b11 << 62;
    let bits = (random & !VERSION & !VARIANT) | (4 << 76) | (0b10 << 62);
    let digits = format!("{bits:032x}");
    let part = |from: usize, to: usize| &digits[from..to];
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

fn time(since: Duration, format: &str) -> String {
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    time.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Generated {
        let now = Duration::from_millis(1_793_000_000_123);
        Generated::at(WallTime::since_unix_epoch(now))
    }

    #[test]
    fn a_value_is_the_same_within_a_run_and_another_in_the_next() {
        let (one, two) = (run(), run());
        for name in NAMES {
            assert_eq!(one.value(name), one.value(name), "{name}");
            assert!(Generated::is_name(name));
            let is_time = name.starts_with("now") || *name == "today";
            assert_eq!(one.value(name) == two.value(name), is_time, "{name}");
        }
        for name in LABELLED {
            let labelled = format!("{name}.buyer");
            assert!(one.value(&labelled).is_some(), "{labelled}");
            assert_ne!(one.value(&labelled), one.value(name));
        }
    }

    #[test]
    fn values_have_the_forms_that_their_names_promise() {
        let run = run();
        let text = |name: &str| run.value(name).unwrap().as_str().unwrap().to_owned();
        assert_eq!(text("now"), "2026-10-26T07:33:20Z");
        assert_eq!(text("today"), "2026-10-26");
        assert_eq!(run.value("now.unix").unwrap(), 1_793_000_000_u64);
        assert_eq!(run.value("now.unix_ms").unwrap(), 1_793_000_000_123_u64);
        let uuid = text("uuid");
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"), "{uuid}");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
        let email = text("random.email");
        assert!(email.starts_with(&text("run.tag")), "{email}");
        assert!(
            email.ends_with("@example.com") && email.len() < 64,
            "{email}"
        );
        assert!(text("run.tag").ends_with(&text("run.id")));
        assert!(
            (1..=LARGEST_NUMBER).contains(&run.value("random.number").unwrap().as_u64().unwrap())
        );
    }

    #[test]
    fn other_names_are_not_generated() {
        for name in [
            "token",
            "random",
            "run",
            "uuid.",
            "uuid.a.b",
            "now.buyer",
            "random.emial",
            "Uuid",
        ] {
            assert!(!Generated::is_name(name), "{name}");
            assert_eq!(run().value(name), None);
        }
        assert!(Generated::is_secret("random.password.new"));
        assert!(!Generated::is_secret("random.hex"));
    }
}
