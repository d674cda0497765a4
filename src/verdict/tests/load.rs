//! What could not be sent: never a failure of the target, never a pass, and no veil over a failure.

use super::*;
use crate::sample::Sending;

/// The samples of a line, each of which was preceded by so many sends that were given up.
fn loaded(line: &str, unsent: u64) -> Vec<Sample> {
    let sending = Sending {
        unsent,
        in_flight: 10,
        ..Sending::default()
    };
    let sent = |sample| Sample {
        sending: Some(sending),
        ..sample
    };
    samples(line).into_iter().map(sent).collect()
}

fn judged(samples: &[Sample], closing: Closing) -> Finding {
    let rules = rules(vec![above(Subject::ErrorRate, 0.01, 0.05)], 10);
    let end = samples
        .last()
        .map_or(Moment::at(START), |last| last.started);
    judge(&rules, &window(samples), end, closing)
}

#[test]
fn a_load_of_which_too_much_was_not_sent_tells_nothing_good() {
    let well = ".".repeat(40);
    for (unsent, verdict) in [
        (0, Verdict::Pass),
        (1, Verdict::Inconclusive),
        (90, Verdict::Inconclusive),
    ] {
        for closing in [Closing::Running, Closing::Final] {
            let found = judged(&loaded(&well, unsent), closing);
            assert_eq!(found.verdict, verdict, "{unsent}: {:?}", found.reasons);
        }
    }
    let found = judged(&loaded(&well, 9), Closing::Final);
    assert_eq!(
        found.reasons[0].text,
        "360 of 400 requests were not sent, with 10 in flight at once: the target is slower, or \
         max_in_flight smaller, than this rate allows"
    );
    assert_eq!(found.reasons.len(), 1, "{:?}", found.reasons);
}

#[test]
fn a_few_that_were_not_sent_are_counted_and_hinder_nothing() {
    let mut samples = loaded(&".".repeat(40), 0);
    samples[7].sending = Some(Sending {
        unsent: 2,
        ..Sending::default()
    });
    let found = judged(&samples, Closing::Final);
    assert_eq!(found.verdict, Verdict::Pass);
    assert_eq!(found.summary.sent.map(|sent| sent.unsent), Some(2));
}

#[test]
fn what_was_sent_proves_a_failure_however_much_was_not() {
    for closing in [Closing::Running, Closing::Final] {
        let found = judged(&loaded(&"E".repeat(20), 490), closing);
        assert_eq!(found.verdict, Verdict::Fail, "{:?}", found.reasons);
        assert_eq!(found.summary.samples, 20);
        let codes: Vec<&str> = found.reasons.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes, ["error_rate", "unsent"]);
    }
}

#[test]
fn what_an_open_loop_sent_does_not_depend_on_the_order_of_arrival() {
    let all = loaded(&".".repeat(40), 3);
    let (head, tail) = all.split_at(15);
    let mut reversed = all.clone();
    reversed.reverse();
    let merged = window(tail).merge(window(head));
    assert_eq!(window(&all).sent(), window(&reversed).sent());
    assert_eq!(window(&all).sent(), merged.sent());
    let sent = merged.sent().unwrap();
    assert_eq!((sent.due(), sent.in_flight), (160, 10));
    // One every five seconds.
    assert_eq!(sent.per_second(), Some(0.2));
}
