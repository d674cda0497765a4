//! Readings with a limit: `for` and `consecutive` exactly as written, and care without them.

use std::time::Duration;

use super::super::reading::in_measure;
use super::super::threshold::{Comparison, Limit, Measure, Subject, Threshold};
use super::super::{Closing, Verdict};
use super::{above, judged, reasons};
use crate::sample::{Reading, Unit};
use Closing::{Final, Running};
use Verdict::{Fail, Inconclusive, Pass, Warn};

fn lag() -> Threshold {
    above(Subject::Reading("lag".into()), 75.0, 85.0)
}

#[test]
fn readings_are_judged_as_declared() {
    let plain = lag();
    let lasting = Threshold {
        lasting: Some(Duration::from_secs(30)),
        ..lag()
    };
    let in_a_row = Threshold {
        consecutive: Some(4),
        ..lag()
    };
    let rows: Vec<(&Threshold, &str, Closing, Verdict, &str, &str)> = vec![
        (&plain, "1111111111", Final, Pass, "", "under both limits"),
        (
            &plain,
            "1111111118",
            Running,
            Warn,
            "lag 80, limit 75",
            "over the lower one",
        ),
        (
            &plain,
            "1111111119",
            Final,
            Warn,
            "lag 90, limit 85, seen too few times to condemn",
            "one odd value rolls nothing back",
        ),
        (
            &plain,
            "1111111999",
            Running,
            Fail,
            "lag 90 in 3 samples in a row, limit 85",
            "three in a row are no odd value",
        ),
        (&plain, "9999999991", Running, Pass, "", "it has recovered"),
        (
            &plain,
            "11111119U9E9",
            Running,
            Fail,
            "lag 90 in 3 samples in a row, limit 85",
            "samples without the reading neither break the row nor lengthen it",
        ),
        (
            &plain,
            "1111111111TTTT",
            Final,
            Pass,
            "",
            "what an unknown sample read is not of the target",
        ),
        (
            &plain,
            "..........",
            Final,
            Inconclusive,
            "no sample gave lag",
            "what was never read cannot be within its limit",
        ),
        (
            &lasting,
            "1111999999",
            Running,
            Pass,
            "",
            "25 s are not 30 s",
        ),
        (
            &lasting,
            "1119999999",
            Running,
            Fail,
            "lag 90 for 30 s, limit 85",
            "30 s are",
        ),
        (
            &lasting,
            "1119991999",
            Running,
            Pass,
            "",
            "one value within the limit ends the breach",
        ),
        (
            &lasting,
            "99999",
            Final,
            Inconclusive,
            "only 5 of at least 10 samples | lag 90 for 20 s, limit 85, must last 30 s, watched for 25 s",
            "breached ever since, and not watched for long enough",
        ),
        (&in_a_row, "1111111999", Final, Pass, "", "three of four"),
        (
            &in_a_row,
            "1111119999",
            Running,
            Fail,
            "lag 90 in 4 samples in a row, limit 85",
            "four of four",
        ),
        (
            &in_a_row,
            "9999",
            Running,
            Inconclusive,
            "only 4 of at least 10 samples | lag 90 in 4 samples in a row, limit 85, not proven yet",
            "nothing is condemned before the least number of samples",
        ),
    ];
    for (threshold, line, closing, verdict, told, why) in rows {
        // Failures of the check itself are not the matter here.
        let lenient = above(Subject::ErrorRate, 0.9, 0.9);
        let finding = judged(&[lenient, threshold.clone()], line, closing);
        assert_eq!(reasons(&finding), told, "{line}: {why}");
        assert_eq!(finding.verdict, verdict, "{line}: {why}");
    }
}

#[test]
fn days_are_compared_with_durations_as_durations() {
    let cases = [
        (
            Measure::Seconds,
            Unit::Days,
            864_000.0,
            "ten days, limited by a duration",
        ),
        (
            Measure::Number,
            Unit::Days,
            10.0,
            "ten days, limited by a plain number",
        ),
        (Measure::Seconds, Unit::Seconds, 10.0, "ten seconds"),
    ];
    for (measure, unit, expected, why) in cases {
        let reading = Reading::new("cert_days", 10.0, unit);
        assert_eq!(in_measure(measure, &reading), expected, "{why}");
    }
}

#[test]
fn every_comparison_means_what_it_says() {
    use Comparison::{Above, AtLeast, AtMost, Below, Equal, Unequal};
    let cases = [
        (Above, [false, false, true]),
        (AtLeast, [false, true, true]),
        (Below, [true, false, false]),
        (AtMost, [true, true, false]),
        (Equal, [false, true, false]),
        (Unequal, [true, false, true]),
    ];
    for (comparison, expected) in cases {
        let limit = Limit {
            comparison,
            value: 5.0,
            measure: Measure::Number,
        };
        assert_eq!(
            [4.0, 5.0, 6.0].map(|value| limit.is_breached_by(value)),
            expected,
            "{comparison:?}"
        );
    }
}
