//! The reasons of faults are read by programs: their names and what they stand for do not change.

use smokejumper::sample::{Outcome, Reason};

/// Every reason as it stands in reports, metrics and recorded samples, and whose fault it is.
const REASONS: &[(Reason, &str, Outcome)] = &[
    (Reason::Status, "status", Outcome::Fail),
    (Reason::Expectation, "expectation", Outcome::Fail),
    (Reason::Redirect, "redirect", Outcome::Fail),
    (Reason::TooLarge, "too_large", Outcome::Fail),
    (Reason::Malformed, "malformed", Outcome::Fail),
    (Reason::Unauthorized, "unauthorized", Outcome::Fail),
    (Reason::ServerFault, "server_fault", Outcome::Fail),
    (Reason::Syncing, "syncing", Outcome::Fail),
    (Reason::Stale, "stale", Outcome::Fail),
    (
        Reason::UnsupportedMethod,
        "unsupported_method",
        Outcome::Fail,
    ),
    (Reason::Behind, "behind", Outcome::Fail),
    (Reason::Forked, "forked", Outcome::Fail),
    (Reason::FinalityStalled, "finality_stalled", Outcome::Fail),
    (Reason::FewPeers, "few_peers", Outcome::Fail),
    (Reason::MissingData, "missing_data", Outcome::Fail),
    (Reason::Dns, "dns", Outcome::Error),
    (Reason::Refused, "refused", Outcome::Error),
    (Reason::Reset, "reset", Outcome::Error),
    (Reason::Closed, "closed", Outcome::Error),
    (Reason::Timeout, "timeout", Outcome::Error),
    (Reason::Tls, "tls", Outcome::Error),
    (Reason::Certificate, "certificate", Outcome::Error),
    (Reason::Unreachable, "unreachable", Outcome::Error),
    (Reason::NotReady, "not_ready", Outcome::Error),
    (Reason::Throttled, "throttled", Outcome::Unknown),
    (Reason::WrongChain, "wrong_chain", Outcome::Unknown),
    (Reason::ChainHalted, "chain_halted", Outcome::Unknown),
    (Reason::NoReference, "no_reference", Outcome::Unknown),
    (Reason::OtherVersion, "other_version", Outcome::Unknown),
    (Reason::NoTask, "no_task", Outcome::Unknown),
    (Reason::SourceDown, "source_down", Outcome::Unknown),
    (Reason::SourceDenied, "source_denied", Outcome::Unknown),
    (Reason::NoData, "no_data", Outcome::Unknown),
    (Reason::Undecided, "undecided", Outcome::Unknown),
    (Reason::NotStarted, "not_started", Outcome::Unknown),
    (Reason::NotPermitted, "not_permitted", Outcome::Unknown),
    (Reason::Resolver, "resolver", Outcome::Unknown),
    (Reason::Exhausted, "exhausted", Outcome::Unknown),
    (Reason::NoRoute, "no_route", Outcome::Unknown),
    (Reason::Panic, "panic", Outcome::Unknown),
    (Reason::Abandoned, "abandoned", Outcome::Unknown),
];

#[test]
fn a_reason_has_one_name_everywhere_and_one_who_is_to_blame() {
    for (reason, code, outcome) in REASONS {
        assert_eq!(reason.code(), *code);
        assert_eq!(reason.outcome(), *outcome, "{code}");
        let written = serde_json::to_value(reason).expect("a reason is JSON");
        assert_eq!(written, *code, "as a record writes it");
        let read: Reason = serde_json::from_value(written).expect("a record is read again");
        assert_eq!(read, *reason);
    }
}

#[test]
fn of_somebody_who_was_only_asked_about_the_target_no_trouble_condemns_it() {
    let judged = [
        Reason::Status,
        Reason::Expectation,
        Reason::Syncing,
        Reason::Stale,
        Reason::Behind,
        Reason::Forked,
        Reason::FinalityStalled,
        Reason::FewPeers,
        Reason::MissingData,
    ];
    for reason in Reason::ALL {
        let meant = reason.secondhand();
        match judged.contains(&reason) {
            true => assert_eq!(meant, reason),
            false => assert_eq!(meant.outcome(), Outcome::Unknown, "{}", reason.code()),
        }
    }
}
