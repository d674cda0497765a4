//! What an examination of a platform found, one thing a value: what was looked at, how that went,
//! and which permission it takes. Made by the adapters, shown by `report`.

/// What an examination is about besides what every service needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purpose {
    /// Whether a rollback may ever be carried out, so that permissions to change something matter.
    pub acts: bool,
    /// Whether a revision with pinned images may be registered for it.
    pub pins: bool,
    /// The parameter of the platform's own store that is read before a rollback, by its name.
    pub parameter: Option<String>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// What: `identity`, or the permission by its name.
    pub name: String,
    /// How it went.
    pub state: State,
    /// What was seen, in one line; empty when there is nothing to add.
    pub detail: String,
    /// The permission that it takes, where it takes one.
    pub permission: Option<Permission>,
    /// What is lost without it; absent where a watch cannot do without.
    pub lost: Option<String>,
}

impl Examined {
    /// A thing that needs no permission of its own.
    #[must_use]
    pub fn of(name: &str, state: State, detail: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            state,
            detail: detail.into(),
            permission: None,
            lost: None,
        }
    }

    /// Whether somebody has to mend it before a watch can be relied on.
    #[must_use]
    pub const fn is_problem(&self) -> bool {
        matches!(self.state, State::Denied | State::Failed) && self.lost.is_none()
    }
}

/// How looking at something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It is as it should be.
    Ok,
    /// We may not.
    Denied,
    /// It is broken, or could not be reached.
    Failed,
    /// It cannot be told, and need not be: nothing is there to ask about, or asking would change it.
    Unknown,
}

impl State {
    /// The name, as in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A permission as the platform's administrators grant it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// What it is on; `*` for everything.
    pub resources: Vec<String>,
    /// Under which condition, where one is needed to narrow it: the key, and the value that it must
    /// equal.
    pub condition: Option<(String, String)>,
    /// What it lets do: `ecs:DescribeServices`.
    pub action: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_watch_cannot_do_without_is_a_problem() {
        let cases = [
            (State::Ok, false, false, "as it should be"),
            (State::Denied, false, true, "we may not"),
            (State::Failed, false, true, "it is broken"),
            (State::Unknown, false, false, "nothing to ask about"),
            (State::Denied, true, false, "the rest works without it"),
            (State::Failed, true, false, "the rest works without it"),
        ];
        for (state, is_optional, expected, why) in cases {
            let lost = is_optional.then(|| "a line of the report".to_owned());
            let examined = Examined {
                lost,
                ..Examined::of("x", state, "")
            };
            assert_eq!(examined.is_problem(), expected, "{why}");
        }
    }
}
