//! What the HTTP status of a chain node's answer says, before anybody reads the body.
//!
//! The status is asked first: a gateway that limits our rate answers with HTML, and that is no
//! malformed answer of the node. Pure; called by the chain kinds.

use crate::sample::{Fault, Reason};

/// The fault of a status that decides by itself, whatever the body says.
#[must_use]
pub fn refusal(status: u16) -> Option<Fault> {
    let fault = match status {
        429 => Fault::new(
            Reason::Throttled,
            "the endpoint limits our rate of requests (HTTP status 429)",
        ),
        402 => Fault::new(
            Reason::Throttled,
            "the endpoint's quota is used up or not paid for (HTTP status 402)",
        ),
        401 | 403 => Fault::new(
            Reason::Unauthorized,
            format!("the endpoint refused our credentials (HTTP status {status})"),
        ),
        _ => return None,
    };
    Some(fault)
}

/// The fault of a status other than 200 whose body explained nothing.
#[must_use]
pub fn unexpected(status: u16) -> Fault {
    let fault = Fault::new(
        Reason::Status,
        format!("the endpoint answered with HTTP status {status}"),
    );
    if matches!(status, 502..=504) {
        fault.transient()
    } else {
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_whose_fault_it_is() {
        let refused = |status| refusal(status).map(|fault| fault.reason);
        let cases = [
            (429, Some(Reason::Throttled)),
            (402, Some(Reason::Throttled)),
            (401, Some(Reason::Unauthorized)),
            (403, Some(Reason::Unauthorized)),
            (200, None),
            (404, None),
            (500, None),
            (503, None),
        ];
        for (status, reason) in cases {
            assert_eq!(refused(status), reason, "{status}");
        }
        assert!(unexpected(503).transient);
        assert!(!unexpected(500).transient);
    }
}
