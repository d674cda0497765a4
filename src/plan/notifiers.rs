//! `notifiers`: by which channels people can be told, and what each needs.

use std::sync::Arc;

use super::checks::kind::way;
use super::language::check_name;
use crate::config::problem::{Code, Problem};
use crate::config::{Document, Entry, Outcome, Value, read_with, suggestion};
use crate::notify::registry::{self, CHANNELS};
use crate::notify::{Declared, Misfit};

/// A notifier, as far as it could be read.
pub struct NotifierDraft<'a> {
    /// Where it is declared.
    pub entry: &'a Entry,
    /// What sends; absent where something about it is wrong, which was reported.
    pub declared: Option<Declared>,
}

/// Reads the section.
pub fn lower<'a>(document: &'a Document, problems: &mut Vec<Problem>) -> Vec<NotifierDraft<'a>> {
    let notifiers = document.notifiers.iter();
    let lowered = notifiers.map(|entry| {
        check_name(&entry.key, "notifier", problems);
        NotifierDraft {
            entry,
            declared: notifier(entry, problems),
        }
    });
    lowered.collect()
}

fn notifier(entry: &Entry, problems: &mut Vec<Problem>) -> Option<Declared> {
    let (channel, settings) = channel(entry, problems)?;
    let outcome = read_with(&settings.value, &settings.key.place, problems, |written| {
        registry::build(channel, written)
            .unwrap_or_else(|| Ok(Err(vec![Misfit::at(&[], "the channel is not there")])))
    });
    match outcome {
        Outcome::Whole(Ok(notifier)) => Some(Declared {
            name: Arc::from(entry.key.text.as_str()),
            channel,
            notifier,
        }),
        Outcome::Whole(Err(misfits)) => {
            let refused = misfits.iter().map(|misfit| refused(misfit, settings));
            problems.extend(refused);
            None
        }
        Outcome::Guessed(_) | Outcome::Nothing => None,
    }
}

/// Finds the one channel of a notifier.
fn channel<'e>(entry: &'e Entry, problems: &mut Vec<Problem>) -> Option<(&'static str, &'e Entry)> {
    let names = || CHANNELS.iter().map(|channel| channel.name);
    let name = &entry.key.text;
    let known = suggestion::one_of(names()).unwrap_or_default();
    let keys = match &entry.value.value {
        Value::Map(entries) => entries.as_slice(),
        Value::Hole => return None,
        _ => &[],
    };
    let mut found = None;
    for key in keys {
        let Some(channel) = names().find(|channel| *channel == key.key.text) else {
            let message = format!("there is no channel `{}`", key.key.text);
            let problem = Problem::error(Code::UnknownKind, message)
                .at(&key.key.place)
                .maybe_help(suggestion::did_you_mean(&key.key.text, names()));
            problems.push(problem);
            continue;
        };
        if let Some((first, place)) = found.map(|(first, one): (_, &Entry)| (first, &one.key.place))
        {
            let message =
                format!("the notifier `{name}` has two channels, `{first}` and `{channel}`");
            let problem = Problem::error(Code::KindCount, message)
                .at(&key.key.place)
                .other(place, "the first channel")
                .help("make two notifiers of them, and name both in a route");
            problems.push(problem);
            return None;
        }
        found = Some((channel, key));
    }
    if keys.is_empty() {
        let message = format!("the notifier `{name}` has no channel");
        let example = "add one, as `slack: { url: ${SLACK_WEBHOOK} }`";
        let problem = Problem::error(Code::KindCount, message)
            .at(&entry.key.place)
            .help(format!("{example}; {known}"));
        problems.push(problem);
    }
    found
}

/// The problem of a setting that cannot work.
fn refused(misfit: &Misfit, settings: &Entry) -> Problem {
    let way = way(&misfit.path, &settings.value);
    let place = settings.value.place_at(&way, &settings.key.place);
    let place = match &misfit.found {
        Some(found) => place.narrowed_to(found),
        None => place,
    };
    Problem::error(Code::BadValue, &misfit.message)
        .at(&place)
        .maybe_help(misfit.hint.clone())
}
