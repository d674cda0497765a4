//! What Slack answers, by who can mend it. The names are those of its documentation: "Sending messages
//! using incoming webhooks" and the errors of `chat.postMessage`.

use serde::Deserialize;

use crate::notify::Unsent;
use crate::notify::exchange::Answer;
use crate::notify::notice::cut;

/// What became of a bot's message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Posted {
    /// It is there, under this name.
    As(String),
    /// The thread that it was to stand in is not there any more.
    ThreadLost,
}

/// What is wrong on their side and may pass.
const PASSING: [&str; 7] = [
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "rollup_error",
    "team_added_to_org",
    "org_login_required",
];
/// Too much was sent.
const THROTTLED: [&str; 4] = [
    "ratelimited",
    "rate_limited",
    "message_limit_exceeded",
    "accesslimited",
];
/// The message that was to be answered was deleted, or never was in this channel.
const THREAD_LOST: [&str; 4] = [
    "thread_not_found",
    "invalid_thread_ts",
    "cannot_reply_to_message",
    "message_not_found",
];

/// What a person has to do about those that are met most.
const MENDED: [(&str, &str); 14] = [
    (
        "channel_not_found",
        "write the channel's identifier; to a private one the bot has to be invited",
    ),
    (
        "not_in_channel",
        "invite the bot to the channel, or give it the scope chat:write.public",
    ),
    ("is_archived", "choose a channel that is not archived"),
    (
        "channel_is_archived",
        "choose a channel that is not archived",
    ),
    ("invalid_auth", "the token is wrong"),
    ("not_authed", "the token is empty"),
    (
        "account_inactive",
        "the bot was removed; install the app again",
    ),
    (
        "token_revoked",
        "the token was revoked; install the app again",
    ),
    (
        "token_expired",
        "the token has expired; use one that does not",
    ),
    (
        "missing_scope",
        "give the app the scope chat:write and install it again",
    ),
    (
        "no_service",
        "the webhook was removed or is switched off; make a new one",
    ),
    ("no_service_id", "the address of the webhook is not whole"),
    ("invalid_token", "the address of the webhook is wrong"),
    ("action_prohibited", "an administrator forbids posting here"),
];

/// A webhook answers `ok`, or a word and a status that says who is to blame.
pub(super) fn of_webhook(answer: &Answer) -> Result<(), Unsent> {
    let text = String::from_utf8_lossy(&answer.body);
    let text = text.trim();
    if answer.status.as_u16() == 200 {
        return match text {
            "ok" => Ok(()),
            // Some gateways answer as the API does.
            _ => of_bot(answer).map(|_| ()),
        };
    }
    match answer.judged() {
        Err(Unsent::Refused(_)) => Err(failed(text, answer)),
        judged => judged,
    }
}

#[derive(Deserialize)]
struct Said {
    ok: bool,
    ts: Option<String>,
    error: Option<String>,
    #[serde(default)]
    needed: Option<String>,
}

/// The API answers 200 to nearly everything, and says in `ok` whether it was done.
pub(super) fn of_bot(answer: &Answer) -> Result<Posted, Unsent> {
    answer.judged()?;
    let Ok(said) = serde_json::from_slice::<Said>(&answer.body) else {
        // A page of some proxy: nothing says that it was posted.
        return Err(Unsent::Passing(format!(
            "{} (that is no answer of Slack)",
            answer.said()
        )));
    };
    match (said.ok, said.error) {
        (true, _) => Ok(Posted::As(said.ts.unwrap_or_default())),
        (false, Some(error)) if THREAD_LOST.contains(&error.as_str()) => Ok(Posted::ThreadLost),
        (false, error) => {
            let error = error.unwrap_or_else(|| "no reason given".to_owned());
            let needed = said
                .needed
                .map(|scope| format!(" (needed: {})", cut(&scope, LONGEST_WORD)));
            Err(match failed(&error, answer) {
                Unsent::Refused(why) => Unsent::Refused(why + &needed.unwrap_or_default()),
                other => other,
            })
        }
    }
}

/// More of a word of theirs is not told.
const LONGEST_WORD: usize = 100;

fn failed(error: &str, answer: &Answer) -> Unsent {
    let word = error.split_whitespace().next().unwrap_or_default();
    let shown = cut(error, LONGEST_WORD);
    let why = match MENDED.iter().find(|(known, _)| *known == word) {
        Some((_, mend)) => format!("Slack says {shown}: {mend}"),
        None if shown.is_empty() => answer.said(),
        None => format!("Slack says {shown}"),
    };
    if PASSING.contains(&word) {
        Unsent::Passing(why)
    } else if THROTTLED.contains(&word) {
        let after = answer.retry_after;
        Unsent::Throttled { why, after }
    } else {
        Unsent::Refused(why)
    }
}
