//! What went wrong with a call, told apart by who is to blame; and in words for a person.

use std::error::Error;
use std::fmt;

use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;

use crate::deployment::Answer;
use crate::sample::{Fault, Reason};

/// A call that did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallFault {
    /// The operation, as in IAM: `UpdateService`; of another service than ECS with its prefix:
    /// `codedeploy:StopDeployment`.
    pub(crate) operation: &'static str,
    pub(crate) blame: Blame,
    /// ECS's error code, where it answered with one.
    pub(crate) code: Option<String>,
    /// ECS's number of the request, where it answered.
    pub(crate) request: Option<String>,
    /// ECS's error code, or what happened instead of an answer.
    detail: String,
}

/// Who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Too many requests; nothing was done.
    Throttled,
    /// ECS failed inside; whether something was done is not known.
    Server,
    /// Something that is not ECS failed on the way; whether something was done is not known.
    Garbled,
    /// No answer came, or half of one; whether something was done is not known.
    Silence,
    /// Nothing was sent.
    NotSent,
    /// The server does not know the operation, or not for this service.
    Absent,
    /// We may not.
    Denied,
    /// Our credentials are not accepted.
    Credentials,
    /// Our credentials were accepted for a while, and are not any more.
    Expired,
    /// The cluster does not exist.
    NoCluster,
    /// The service does not exist, or is not active.
    NoService,
    /// The state does not allow it any more.
    Conflict,
    /// ECS does not accept what was asked.
    Refused,
}

impl CallFault {
    /// Reads the SDK's error.
    pub(crate) fn of<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        let (blame, detail) = match error {
            SdkError::ConstructionFailure(_) => (Blame::NotSent, innermost(error)),
            SdkError::TimeoutError(_) => (Blame::Silence, "no answer in time".to_owned()),
            SdkError::DispatchFailure(_) => (Blame::Silence, innermost(error)),
            SdkError::ServiceError(_) => of_code(operation, error.code(), status, error.message()),
            _ => of_code(operation, None, status, None),
        };
        Self {
            operation,
            blame,
            code: error.code().map(str::to_owned),
            request: error.request_id().map(str::to_owned),
            detail,
        }
    }

    /// What happened, without the operation.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// How it is written down.
    pub(crate) fn answer(&self) -> Answer {
        if self.is_unclear() {
            let why = self.detail.clone();
            return Answer::Unclear { why };
        }
        Answer::Refused {
            request: self.request.clone(),
            code: self.code.clone().unwrap_or_else(|| self.detail.clone()),
        }
    }

    /// Whether the call may have been carried out all the same.
    pub(crate) const fn is_unclear(&self) -> bool {
        matches!(self.blame, Blame::Server | Blame::Garbled | Blame::Silence)
    }

    /// Whether the server does not offer the operation at all. An answer that is not ECS's counts
    /// as that only where nothing else has shown that the operation exists.
    pub(crate) fn means_absent(&self, is_known_to_exist: bool) -> bool {
        match self.blame {
            Blame::Absent => true,
            Blame::Garbled => !is_known_to_exist,
            _ => false,
        }
    }

    /// What it means to a check that asks AWS about its target: whatever went wrong between AWS and
    /// ourselves teaches nothing about that.
    pub(crate) fn of_a_check(&self) -> Fault {
        let (api, action, detail) = (self.api(), self.action(), &self.detail);
        let (reason, told) = match self.blame {
            Blame::Throttled => (
                Reason::Throttled,
                format!("AWS throttles {action}: {detail}; ask less often"),
            ),
            Blame::Server | Blame::Garbled => (
                Reason::SourceDown,
                format!("no usable answer to {action}: {detail}"),
            ),
            Blame::Silence => (
                Reason::SourceDown,
                format!("no answer to {action}: {detail}"),
            ),
            Blame::NotSent => (
                Reason::SourceDown,
                format!(
                    "{action} could not be sent: {detail}; check region, endpoint and credentials"
                ),
            ),
            Blame::Absent => (
                Reason::SourceDown,
                format!("the endpoint does not offer {action}: {detail}"),
            ),
            Blame::Denied => (
                Reason::SourceDenied,
                format!("AWS denies {action}: allow it to the role of this check"),
            ),
            Blame::Credentials | Blame::Expired => (
                Reason::SourceDenied,
                format!("AWS does not accept the credentials for {action}: {detail}; renew them"),
            ),
            // What the check names is not there: its configuration's fault, or a name that has changed.
            Blame::NoCluster | Blame::NoService | Blame::Conflict | Blame::Refused => {
                (Reason::NoData, format!("{api} refuses {action}: {detail}"))
            }
        };
        Fault::new(reason, told)
    }

    /// The operation with its prefix, as in a policy.
    pub(crate) fn action(&self) -> String {
        match self.operation.split_once(':') {
            Some(_) => self.operation.to_owned(),
            None => format!("ecs:{}", self.operation),
        }
    }

    /// Who was asked, as people call it.
    pub(crate) fn api(&self) -> &'static str {
        api(self.operation)
    }
}

/// Whose operation it is, as people call them.
fn api(operation: &str) -> &'static str {
    match operation.split_once(':') {
        Some(("codedeploy", _)) => "CodeDeploy",
        Some(("cloudwatch", _)) => "CloudWatch",
        Some(("logs", _)) => "CloudWatch Logs",
        Some(("elasticloadbalancing", _)) => "Elastic Load Balancing",
        Some(_) => "AWS",
        None => "ECS",
    }
}

impl fmt::Display for CallFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.detail)
    }
}

/// By the error code; by the status where an answer has none.
fn of_code(
    operation: &str,
    code: Option<&str>,
    status: Option<u16>,
    message: Option<&str>,
) -> (Blame, String) {
    let Some(code) = code else {
        let api = api(operation);
        let detail = status.map_or_else(
            || format!("an answer that is not {api}'s"),
            |status| format!("HTTP {status} with an answer that is not {api}'s"),
        );
        // A proxy or an emulator wrote it; AWS itself always gives a code.
        return match status {
            Some(429) => (Blame::Throttled, detail),
            _ => (Blame::Garbled, detail),
        };
    };
    let blame = match code {
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown" => Blame::Throttled,
        "AccessDeniedException" | "AccessDenied" => Blame::Denied,
        "ExpiredTokenException" | "ExpiredToken" => Blame::Expired,
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "RequestTimeTooSkewed"
        | "InvalidClientTokenId"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature" => Blame::Credentials,
        "InvalidAction"
        | "UnknownOperationException"
        | "UnsupportedFeatureException"
        | "UnsupportedOperation"
        | "NotImplemented" => Blame::Absent,
        "ClusterNotFoundException" => Blame::NoCluster,
        "ServiceNotFoundException" | "ServiceNotActiveException" => Blame::NoService,
        // The two of CodeDeploy: it has ended already; another one of its group goes on.
        "ConflictException"
        | "DeploymentAlreadyCompletedException"
        | "DeploymentLimitExceededException" => Blame::Conflict,
        "ServerException"
        | "InternalFailure"
        | "InternalError"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "RequestTimeoutException" => Blame::Server,
        _ if status.is_some_and(|status| status >= 500) => Blame::Server,
        _ => Blame::Refused,
    };
    // Why ECS refuses only its text says; it is shown and never decided on.
    let told = match (blame, message) {
        (Blame::Refused | Blame::Conflict, Some(message)) => format!(": {}", one_line(message)),
        _ => String::new(),
    };
    (blame, format!("{code}{told}"))
}

/// The beginning of a text on one line.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = line.chars().filter(|letter| !letter.is_control());
    let mut beginning: String = shown.clone().take(LONGEST_MESSAGE).collect();
    if shown.count() > LONGEST_MESSAGE {
        beginning.push('…');
    }
    beginning
}

const LONGEST_MESSAGE: usize = 160;

/// The last cause in the chain: the one that says what really happened.
pub(crate) fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    // One line, whatever the cause wrote.
    cause
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_tell_who_is_to_blame() {
        let cases = [
            (Some("ThrottlingException"), Some(400), Blame::Throttled),
            (Some("ServerException"), Some(500), Blame::Server),
            (Some("SomethingNew"), Some(503), Blame::Server),
            (Some("SomethingNew"), Some(400), Blame::Refused),
            (Some("InvalidAction"), Some(400), Blame::Absent),
            (
                Some("UnsupportedFeatureException"),
                Some(400),
                Blame::Absent,
            ),
            (Some("ExpiredTokenException"), Some(400), Blame::Expired),
            (
                Some("InvalidSignatureException"),
                Some(400),
                Blame::Credentials,
            ),
            (None, Some(500), Blame::Garbled),
            (None, Some(429), Blame::Throttled),
            (None, Some(200), Blame::Garbled),
            (None, None, Blame::Garbled),
        ];
        for (code, status, blame) in cases {
            assert_eq!(
                of_code("ListTasks", code, status, None).0,
                blame,
                "{code:?} {status:?}"
            );
        }
    }
}
