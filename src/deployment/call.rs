//! A call that changes something on a platform, as it is written down before it is sent and after
//! it was answered.

use serde::{Deserialize, Serialize};

/// A call about to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The platform's name of it: `UpdateService`.
    pub operation: String,
    /// What it changes: the identifier of the deployment or of the service.
    pub subject: String,
    /// What it asks for besides: the revision's full identifier, the hook.
    pub argument: Option<String>,
}

impl Call {
    /// Whether it only writes down what a later call deploys: by itself it changes nothing that
    /// runs, so it is no rollback yet.
    #[must_use]
    pub fn only_prepares(&self) -> bool {
        const PREPARING: [&str; 2] = ["RegisterTaskDefinition", "RegisterApplicationRevision"];
        PREPARING.contains(&self.operation.as_str())
    }

    /// Whether it names the very deployment that it ends, so that it can hit no other, whoever else
    /// acts at the same moment. A call that is not known here is taken for one that can.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        const KEYED: [&str; 3] = [
            "ContinueServiceDeployment",
            "StopServiceDeployment",
            "codedeploy:StopDeployment",
        ];
        KEYED.contains(&self.operation.as_str())
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The platform accepted it.
    Accepted {
        /// The platform's number of the request.
        request: Option<String>,
    },
    /// The platform refused it: nothing was changed.
    Refused {
        /// The platform's number of the request.
        request: Option<String>,
        /// The code of the refusal: `ConflictException`.
        code: String,
    },
    /// There was no clear answer: it may have been done.
    Unclear {
        /// What was seen instead, in one line.
        why: String,
    },
}
