//! Recordings as they come: whole, strange, broken and endless.

use std::collections::HashMap;
use std::io::{Cursor, repeat};

use super::*;

fn roster() -> Roster {
    let seat = |place, name: &str, units| Seat {
        place,
        check: CheckId::new(name),
        units,
    };
    const DAYS: &[(&str, Unit, &str)] = &[("cert_days", Unit::Days, "days left")];
    Roster {
        seats: HashMap::from([
            ("web".into(), Some(seat(0, "web", DAYS))),
            ("api".into(), Some(seat(1, "api", &[]))),
            ("other".into(), None),
        ]),
        late_at_most: Duration::from_secs(15),
        is_of_another_time: false,
    }
}

fn read(bytes: &[u8]) -> Result<Vec<Sample>, String> {
    let roster = roster();
    let mut recording = Recording::new("r.ndjson", bytes, &roster);
    let mut samples = Vec::new();
    while let Some((_, sample)) = recording.next_sample().map_err(|error| error.to_string())? {
        samples.push(sample.clone());
    }
    Ok(samples)
}

fn one(line: &str) -> Result<Sample, String> {
    read(line.as_bytes()).map(|mut samples| samples.remove(0))
}

const GOOD: &str = r#"{"t":12.5,"check":"web","ok":true,"latency_ms":31.2}"#;

#[test]
fn the_line_of_the_contract_is_a_sample() {
    let sample = one(GOOD).unwrap();
    assert_eq!(sample.check.as_str(), "web");
    assert_eq!(sample.started, Moment::at(Duration::from_millis(12_500)));
    assert_eq!(sample.latency, Duration::from_micros(31_200));
    assert_eq!((sample.outcome, &sample.fault), (Outcome::Pass, &None));
    assert!(!sample.closer_look);
}

#[test]
fn who_is_to_blame_is_told_by_the_fields_together() {
    use Outcome::{Error, Fail, Unknown};
    let cases = [
        (
            "",
            Fail,
            Reason::Expectation,
            NO_REASON,
            "it failed, nobody says why",
        ),
        (
            r#","reason":"timeout""#,
            Error,
            Reason::Timeout,
            "",
            "our own code",
        ),
        (
            r#","reason":"status","detail":"got 500""#,
            Fail,
            Reason::Status,
            "got 500",
            "in words",
        ),
        (
            r#","reason":"throttled""#,
            Unknown,
            Reason::Throttled,
            "",
            "never the target's fault",
        ),
        (
            r#","unknown":true"#,
            Unknown,
            Reason::Abandoned,
            NO_REASON,
            "nothing was learnt",
        ),
        (
            r#","unknown":true,"reason":"timeout""#,
            Unknown,
            Reason::Timeout,
            "",
            "the word of the recorder",
        ),
        (
            r#","reason":"http_503""#,
            Fail,
            Reason::Expectation,
            "http_503",
            "words of another recorder",
        ),
        (
            r#","reason":"E17","detail":"boom""#,
            Fail,
            Reason::Expectation,
            "E17: boom",
            "are kept",
        ),
        (
            r#","reason":"E17","unknown":true"#,
            Unknown,
            Reason::Abandoned,
            "E17",
            "and do not condemn",
        ),
        (
            r#","reason":null,"unknown":null"#,
            Fail,
            Reason::Expectation,
            NO_REASON,
            "null is absent",
        ),
    ];
    for (fields, outcome, reason, detail, why) in cases {
        let sample = one(&format!(
            "{{\"t\":1,\"check\":\"web\",\"ok\":false{fields}}}"
        ))
        .unwrap();
        let fault = sample.fault.unwrap();
        assert_eq!(
            (sample.outcome, fault.reason, &*fault.detail),
            (outcome, reason, detail),
            "{why}"
        );
        assert_eq!(sample.latency, Duration::ZERO, "{why}");
    }
    let unknown = one(r#"{"t":1,"check":"web","ok":true,"unknown":true,"latency_ms":5}"#).unwrap();
    assert_eq!(
        unknown.outcome, Unknown,
        "whoever could not look saw no success either"
    );
}

#[test]
fn what_an_open_loop_wrote_is_read_back() {
    let line = r#"{"t":1,"check":"web","ok":true,"latency_ms":20,"waited_ms":7.5,"unsent":40,"in_flight":3}"#;
    let expected = Sending {
        waited: Duration::from_micros(7_500),
        unsent: 40,
        in_flight: 3,
    };
    assert_eq!(one(line).unwrap().sending, Some(expected));
    assert_eq!(one(GOOD).unwrap().sending, None);
}

#[test]
fn additions_are_read_with_the_units_of_the_kind() {
    let line = r#"{"t":1,"check":"web","ok":true,"latency_ms":1,"closer_look":true,"retries":3,
        "readings":{"cert_days":12.5,"rows":2},"phases_ms":{"dns":0.25,"of_a_newer_version":9}}"#;
    let sample = one(&line.replace('\n', " ")).unwrap();
    assert!(sample.closer_look);
    assert_eq!(sample.retries, 3);
    let expected = [
        Reading::new("cert_days", 12.5, Unit::Days),
        Reading::new("rows", 2.0, Unit::Number),
    ];
    assert_eq!(sample.readings, expected);
    assert_eq!(
        sample.phases.get(Phase::Dns),
        Some(Duration::from_micros(250))
    );
    assert_eq!(sample.phases.total(), Duration::from_micros(250));
}

#[test]
fn what_is_only_form_is_passed_over() {
    let text = format!("\u{feff}{GOOD}\r\n\r\n   \n{GOOD}\n{GOOD}");
    assert_eq!(
        read(text.as_bytes()).unwrap().len(),
        3,
        "no line end at the end"
    );
    assert_eq!(read(b"").unwrap(), []);
    assert_eq!(read(b"\n\r\n").unwrap(), []);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_line() {
    let replaced = |from: &str, to: &str| GOOD.replace(from, to);
    let cases = [
        (
            "not json".to_owned(),
            "r.ndjson:2: not a sample: expected ident (column 2)",
        ),
        (
            "[1]".to_owned(),
            "invalid type: sequence, expected a sample",
        ),
        ("{}".to_owned(), "r.ndjson:2: `t` is missing"),
        (replaced(r#""check":"web","#, ""), "`check` is missing"),
        (replaced(r#""ok":true,"#, ""), "`ok` is missing"),
        (
            replaced(r#","latency_ms":31.2"#, ""),
            "`latency_ms` is missing",
        ),
        (
            replaced("12.5", "-1"),
            "`t` is -1, and must be the seconds since the start of the window",
        ),
        (replaced("12.5", "1e999"), "number out of range"),
        (replaced("12.5", "1e300"), "`t` is 1"),
        (replaced("12.5", "NaN"), "expected value"),
        (replaced("12.5", "\"12.5\""), "invalid type: string"),
        (
            replaced("31.2", "-0.1"),
            "`latency_ms` is -0.1, and must be milliseconds",
        ),
        (
            replaced("31.2", "1e12"),
            "`latency_ms` is 1000000000000, and must be milliseconds",
        ),
        (
            replaced("\"web\"", "\"wep\""),
            "the configuration declares no check `wep`; did you mean `web`?",
        ),
        (replaced("true", "true,\"ok\":false"), "`ok` is given twice"),
        (
            replaced("true", "true,\"reason\":\"timeout\""),
            "`ok` is true, and there is a `reason`",
        ),
        (
            replaced("true", "true,\"phases_ms\":{\"dns\":-1}"),
            "`phases_ms` is -1",
        ),
        (
            replaced("true", "true,\"window_start\":\"noon\""),
            "`window_start` is no time",
        ),
        (format!("{GOOD} {GOOD}"), "trailing characters"),
    ];
    for (line, expected) in cases {
        let error = read(format!("{GOOD}\n{line}\n{GOOD}\n").as_bytes()).unwrap_err();
        assert!(error.starts_with("r.ndjson:2: "), "{line}: {error}");
        assert!(error.contains(expected), "{line}: {error}");
        assert!(
            !error.contains("line 1 column"),
            "serde's place is within the line: {error}"
        );
    }
}

#[test]
fn broken_bytes_and_broken_ends_are_told_apart() {
    let mut bytes = format!("{GOOD}\n").into_bytes();
    bytes.extend(b"{\"t\":1,\"check\":\"w\xffb\",\"ok\":true,\"latency_ms\":1}\n");
    assert_eq!(
        read(&bytes).unwrap_err(),
        "r.ndjson:2: the line is not UTF-8"
    );
    let whole = format!("{GOOD}\n{GOOD}");
    for end in GOOD.len() + 2..whole.len() {
        let error = read(&whole.as_bytes()[..end]).unwrap_err();
        assert!(
            error.starts_with("r.ndjson:2: the file ends in the middle"),
            "{end}: {error}"
        );
    }
    let error = read(format!("{GOOD}\n{{\"t\":1,\n").as_bytes()).unwrap_err();
    assert!(error.starts_with("r.ndjson:2: not a sample"), "{error}");
}

#[test]
fn a_line_without_an_end_is_refused_before_it_fills_the_memory() {
    let roster = roster();
    let endless = Cursor::new(format!("{GOOD}\n")).chain(repeat(b'x'));
    let mut recording = Recording::new("r.ndjson", endless, &roster);
    assert!(recording.next_sample().unwrap().is_some());
    let error = recording.next_sample().unwrap_err().to_string();
    assert_eq!(
        error,
        "r.ndjson:2: the line is longer than 1 MiB, and a sample is not"
    );
    assert!(recording.buffer.capacity() <= 4 * LONGEST_LINE);
}

#[test]
fn samples_may_arrive_late_and_not_in_another_order() {
    let at = |t: f64| GOOD.replace("12.5", &t.to_string());
    let late = [at(20.0), at(6.0), at(20.5), at(21.0)].join("\n");
    assert_eq!(read(late.as_bytes()).unwrap().len(), 4);
    let unsorted = [at(20.0), at(19.0), at(4.0)].join("\n");
    let error = read(unsorted.as_bytes()).unwrap_err();
    assert!(
        error.starts_with("r.ndjson:3: this sample is 16.0 s older than the one of line 1"),
        "{error}"
    );
    assert!(error.ends_with("sort the file by `t`"), "{error}");
}

#[test]
fn what_is_not_judged_may_come_as_late_as_it_likes() {
    let at = |check: &str, t: f64| GOOD.replace("web", check).replace("12.5", &t.to_string());
    let lines = [
        at("web", 1.0),
        at("other", 90.0),
        at("web", 2.0),
        at("other", 3.0),
    ];
    assert_eq!(read(lines.join("\n").as_bytes()).unwrap().len(), 2);
}

#[test]
fn a_check_that_is_gone_is_passed_over_in_recordings_of_another_time() {
    let text = GOOD.replace("web", "gone") + "\n" + GOOD;
    assert!(
        read(text.as_bytes())
            .unwrap_err()
            .contains("declares no check `gone`")
    );
    let roster = roster().of_another_time();
    let mut recording = Recording::new("r.ndjson", text.as_bytes(), &roster);
    assert!(recording.next_sample().unwrap().is_some());
    assert!(recording.next_sample().unwrap().is_none());
}

#[test]
fn what_was_passed_over_is_told() {
    let roster = roster();
    let text = GOOD.replace("web", "other") + "\n" + &GOOD.replace("{", "{\"unkown\":true,");
    let mut recording = Recording::new("r.ndjson", text.as_bytes(), &roster);
    assert!(recording.next_sample().unwrap().is_some());
    assert!(recording.next_sample().unwrap().is_none());
    let expected = [
        "line 2: the key `unkown` is not known here and was passed over; did you mean `unknown`?",
        "samples of checks that are not selected were left out: 1",
    ];
    assert_eq!(recording.notes(), expected);
}

#[test]
fn every_reason_is_known_by_its_code() {
    for reason in Reason::ALL {
        assert_eq!(Reason::of_code(reason.code()), Some(reason));
    }
    assert_eq!(Reason::of_code("other"), None);
}
