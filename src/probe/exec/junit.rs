//! The JUnit report of a suite of tests, as pytest, Jest, Go's and Java's tools write it: read in one
//! pass, without trusting its counts, and without expanding what a document type declares.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::program::Finished;
use super::suite::Suite;
use super::told::Told;
use crate::sample::{Fault, Reason};

/// Reads the report that was written into a file, where one is declared, or to the standard output.
pub(super) fn read(
    finished: &Finished,
    file: Option<Result<Option<Vec<u8>>, Fault>>,
    told: &mut Told,
) -> Result<(), Fault> {
    let written = match file {
        Some(file) => file?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        None => {
            finished.output.must_fit("standard output")?;
            from_xml(&finished.output.text())
        }
    };
    let Some(text) = written else {
        let status = finished.ended.status().unwrap_or_default();
        let detail = format!(
            "it ended with status {status} and wrote no report: nothing is known of its tests{}",
            finished.last_words()
        );
        return Err(Fault::new(Reason::NoData, detail));
    };
    let suite = parse(&text).map_err(|why| {
        Fault::new(
            Reason::Malformed,
            format!("its report is no JUnit report: {why}"),
        )
    })?;
    suite.tell(told);
    suite.judge(finished)
}

/// The report among whatever else is on the standard output: `make` repeats its commands there.
fn from_xml(text: &str) -> Option<String> {
    let begins = ["<?xml", "<testsuites", "<testsuite"];
    let start = begins.iter().filter_map(|begin| text.find(begin)).min()?;
    let rest = &text[start..];
    // What follows the end of the root is talk again.
    let ends = ["</testsuites>", "</testsuite>"];
    let end = ends
        .iter()
        .filter_map(|end| rest.rfind(end).map(|at| at + end.len()))
        .max();
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

/// Where the reader stands.
#[derive(Debug, Default)]
struct Course {
    suite: Suite,
    case: Option<Case>,
    /// Whether the text that comes belongs to a failure.
    in_failure: bool,
    depth: usize,
    is_junit: bool,
}

/// A test that is being read.
#[derive(Debug, Default)]
struct Case {
    name: String,
    ending: Ending,
    message: Option<String>,
    text: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ending {
    #[default]
    Passed,
    Skipped,
    Failed,
    BrokeOff,
}

fn parse(text: &str) -> Result<Suite, String> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut course = Course::default();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => course.open(&tag)?,
            Event::Empty(tag) => {
                course.open(&tag)?;
                course.close(tag.local_name().as_ref());
            }
            Event::End(tag) => course.close(tag.local_name().as_ref()),
            Event::Text(text) => course.add(&text.xml10_content()),
            Event::CData(text) => course.add(&text.xml10_content()),
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(character)) => course.add(character.encode_utf8(&mut [0; 4])),
                _ => course.add(resolve_predefined_entity(&name).unwrap_or("?")),
            },
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match (course.depth, course.is_junit) {
        (0, true) => Ok(course.suite),
        (0, false) => Err("it has no `testsuite`".to_owned()),
        (open, _) => Err(format!("it ends while {open} elements are open")),
    }
}

impl Course {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        let name = tag.local_name();
        if self.depth == 0 {
            self.is_junit = matches!(name.as_ref(), "testsuites" | "testsuite");
        }
        if !self.is_junit {
            return Err(format!("its root is `{}`", name.as_ref()));
        }
        self.depth += 1;
        if name.as_ref() == "testcase" {
            self.finish();
            self.case = Some(Case {
                name: name_of(tag),
                ..Case::default()
            });
        }
        let Some(case) = &mut self.case else {
            return Ok(());
        };
        let ending = match name.as_ref() {
            "failure" => Ending::Failed,
            "error" => Ending::BrokeOff,
            "skipped" => Ending::Skipped,
            _ => return Ok(()),
        };
        self.in_failure = matches!(ending, Ending::Failed | Ending::BrokeOff);
        // A failed test whose cleanup was skipped has failed.
        if case.ending == Ending::Passed || case.ending == Ending::Skipped {
            case.ending = ending;
            case.message = attribute(tag, "message").or_else(|| attribute(tag, "type"));
        }
        Ok(())
    }

    fn close(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        match name {
            "failure" | "error" => self.in_failure = false,
            "testcase" => self.finish(),
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        if let (true, Some(case)) = (self.in_failure, &mut self.case)
            && case.text.len() < LONGEST_TEXT
        {
            case.text.extend(text.chars().take(LONGEST_TEXT));
        }
    }

    fn finish(&mut self) {
        let Some(case) = self.case.take() else {
            return;
        };
        let message = case.message.filter(|message| !message.trim().is_empty());
        let message = message.unwrap_or(case.text);
        match case.ending {
            Ending::Passed => self.suite.passed(),
            Ending::Skipped => self.suite.skipped += 1,
            Ending::Failed => self.suite.failed(&case.name, &message, false),
            Ending::BrokeOff => self.suite.failed(&case.name, &message, true),
        }
    }
}

/// The name of a test with its class, as pytest has it: `tests.smoke.test_login`.
fn name_of(tag: &BytesStart<'_>) -> String {
    let name = attribute(tag, "name").filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "a test without a name".to_owned());
    match attribute(tag, "classname").filter(|class| !class.is_empty()) {
        Some(class) => format!("{class}.{name}"),
        None => name,
    }
}

fn attribute(tag: &BytesStart<'_>, wanted: &str) -> Option<String> {
    let mut attributes = tag.html_attributes().flatten();
    let found = attributes.find(|attribute| attribute.key.local_name().as_ref() == wanted)?;
    let value = found.normalized_value(XmlVersion::Implicit1_0);
    Some(value.unwrap_or(Cow::Borrowed(&found.value)).into_owned())
}

/// More of a traceback than is ever shown.
const LONGEST_TEXT: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::exec::suite::Bad;

    const PYTEST: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.1">
  <testcase classname="tests.smoke.test_api" name="test_health" time="0.01" />
  <testcase classname="tests.smoke.test_api" name="test_login" time="0.02"><failure message="AssertionError: assert 502 == 200&#10;  &lt;Response [502]&gt;">def test_login(): ...</failure></testcase>
  <testcase classname="tests.smoke.test_api" name="test_pay"><skipped type="pytest.skip" message="no card">x</skipped></testcase>
  <testcase classname="tests.smoke.test_db" name="test_rows"><error message="failed on setup with &quot;OSError&quot;"><![CDATA[boom]]></error><system-out>talk</system-out></testcase>
</testsuite></testsuites>"#;

    fn bad(name: &str, message: &str) -> Bad {
        Bad {
            name: name.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn each_failed_test_is_told_by_name_with_its_message() {
        let suite = parse(PYTEST).unwrap();
        assert_eq!(
            suite,
            Suite {
                tests: 3,
                failures: 1,
                errors: 1,
                skipped: 1,
                bad: vec![
                    bad(
                        "tests.smoke.test_api.test_login",
                        "AssertionError: assert 502 == 200 <Response [502]>"
                    ),
                    bad(
                        "tests.smoke.test_db.test_rows",
                        "failed on setup with \"OSError\""
                    ),
                ],
            }
        );
    }

    #[test]
    fn other_tools_write_other_shapes() {
        let cases = [
            // One suite as the root, no class, the message as text with a reference in it.
            (
                r#"<testsuite><testcase name="a"><failure type="x"> 1 &lt; 2 &#33; &other;</failure></testcase></testsuite>"#,
                bad("a", "x"),
            ),
            (
                r"<testsuite><testcase name='a'><failure> 1 &lt; 2 &#33; &other;</failure></testcase></testsuite>",
                bad("a", "1 < 2 ! ?"),
            ),
            // Suites within suites, a name space, no name.
            (
                r#"<j:testsuites xmlns:j="x"><j:testsuite><j:testsuite><j:testcase><j:error/></j:testcase></j:testsuite></j:testsuite></j:testsuites>"#,
                bad("a test without a name", ""),
            ),
            // A retry that failed again, and a cleanup that was skipped, are one test.
            (
                r#"<testsuite><testcase name="a"><failure message="1"/><skipped/><error message="2"/></testcase></testsuite>"#,
                bad("a", "1"),
            ),
        ];
        for (text, expected) in cases {
            let suite = parse(text).unwrap();
            assert_eq!((suite.tests, suite.skipped), (1, 0), "{text}");
            assert_eq!(suite.bad, [expected], "{text}");
        }
    }

    #[test]
    fn what_is_no_report_is_told_from_an_empty_one() {
        for text in [
            "",
            "hello",
            "<html><body/></html>",
            "<testsuite><testcase name='a'>",
            "<testsuite></testcase>",
            "<testsuites/><",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["<testsuites/>", "<testsuite tests='12'></testsuite>"] {
            assert_eq!(parse(text).unwrap(), Suite::default(), "{text}");
        }
    }

    #[test]
    fn the_report_is_found_among_the_talk_of_the_standard_output() {
        let talk = "pytest -q\n<testsuite><testcase name='a'/></testsuite>\nmake: done\n";
        let found = from_xml(talk).unwrap();
        assert_eq!(parse(&found).unwrap().tests, 1);
        assert_eq!(from_xml("make: *** [smoke] Error 2"), None);
    }

    #[test]
    fn entities_that_the_report_declares_are_not_expanded() {
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>
<testsuite><testcase name="n"><failure>&b;&b;</failure></testcase></testsuite>"#;
        assert_eq!(parse(bomb).unwrap().bad, [bad("n", "??")]);
    }
}
