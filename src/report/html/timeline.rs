//! The course of a window: what it was doing when, how the verdicts moved, and the list of what
//! happened, which is the drawing's text.

use maud::{Markup, html};

use super::plot::scale::Across;
use super::plot::timeline::{Lane, Part, Timeline};
use super::story::{Moment, Story};
use super::words::{time, verdict_class, verdict_words};
use crate::clock::WallTime;
use crate::event::Verdict;

/// So many checks have a lane of their own; the others have a pass throughout, or are in the list.
const LANES: usize = 10;
/// So many moments are listed; numbered ones always are.
const LISTED: usize = 200;

/// Draws it.
pub(super) fn draw(story: &Story) -> Markup {
    let listed = listed(&story.moments);
    let marks = listed.iter().enumerate().filter(|(_, it)| is_turn(it));
    let timeline = Timeline {
        across: across(story),
        lanes: lanes(story),
        marks: marks.map(|(place, it)| (place + 1, it.at)).collect(),
    };
    html! {
        section aria-labelledby="timeline" id="timeline-section" data-live {
            h2 id="timeline" { "Timeline" }
            @if !timeline.lanes.is_empty() {
                (super::plot::timeline::draw(&timeline))
                (legend(&timeline))
            }
            @if listed.is_empty() {
                p class="soft" { "Nothing was written down of how it went." }
            } @else {
                ol class="moments" {
                    @for moment in &listed {
                        li class=[is_turn(moment).then_some("turn")] {
                            (time(moment.at)) " " (moment.text)
                        }
                    }
                }
            }
            @if listed.len() < story.moments.len() {
                p class="soft" { (story.moments.len() - listed.len()) " further changes of checks are left out." }
            }
        }
    }
}

/// What the colours mean, of those that are there, in the order in which they come.
fn legend(timeline: &Timeline<'_>) -> Markup {
    let parts = timeline.lanes.iter().flat_map(|lane| &lane.parts);
    let mut named: Vec<(&str, &str)> = Vec::new();
    for part in parts {
        if !named.contains(&(part.class, part.words)) {
            named.push((part.class, part.words));
        }
    }
    html! {
        ul class="legend" {
            @for (class, words) in named {
                li {
                    svg class="swatch" width="14" height="12" aria-hidden="true" {
                        @let sunk = super::plot::timeline::sunk(class);
                        rect class="lane-back" width="14" height="12" {}
                        rect class={ "part " (class) } width="14" y=(sunk) height=(12.0 - sunk) {}
                    }
                    (words)
                }
            }
        }
    }
}

/// The moments that a plot of latency shows as well.
pub(super) fn turns(story: &Story) -> Vec<(WallTime, &'static str)> {
    let word = |moment: &Moment| {
        Some(match moment.kind.as_str() {
            "decided" => "decided",
            "rollback_started" => "rollback",
            "verification_started" => "verify",
            _ => return None,
        })
    };
    let turns = story.moments.iter();
    turns
        .filter_map(|moment| word(moment).map(|word| (moment.at, word)))
        .collect()
}

/// The whole span: to the end of the bake where that is still to come, so that one sees what is left.
fn across(story: &Story) -> Across {
    let ends = story.open.as_ref().and_then(|open| open.ends);
    Across {
        from: story.opened,
        to: ends.unwrap_or(story.until).max(story.until),
    }
}

/// Whether a moment is a turn of the window rather than news of one check.
fn is_turn(moment: &Moment) -> bool {
    !matches!(
        moment.kind.as_str(),
        "check_judged" | "warned" | "not_ready" | "rollback_progress" | "standing_changed"
    )
}

fn listed(moments: &[Moment]) -> Vec<&Moment> {
    let mut left = LISTED;
    let mut listed = Vec::new();
    for moment in moments {
        let fits = left > 0 || is_turn(moment);
        if fits {
            left = left.saturating_sub(1);
            listed.push(moment);
        }
    }
    listed
}

fn lanes(story: &Story) -> Vec<Lane<'_>> {
    let mut lanes = Vec::new();
    let states = states(story);
    if !states.is_empty() {
        lanes.push(Lane {
            label: "window",
            parts: states,
        });
    }
    let unsteady = super::checks::worst_first(story);
    let with_news = unsteady.filter_map(|check| {
        let parts = verdicts(story, &check.id);
        let is_news = parts.iter().any(|part| part.class != "is-pass");
        is_news.then_some(Lane {
            label: check.id.as_str(),
            parts,
        })
    });
    lanes.extend(with_news.take(LANES));
    lanes
}

/// What the window was doing when, as far as its moments tell.
fn states(story: &Story) -> Vec<Part<'_>> {
    let turn = |moment: &Moment| match moment.kind.as_str() {
        "window_opened" | "started" | "deployment_pinned" => Some(("baking", "baking")),
        "rollback_intended" | "rollback_started" => Some(("rolling", "rolling back")),
        "verification_started" => Some(("verifying", "verifying")),
        "rollback_ended" | "window_closed" | "window_left" => Some(("over", "over")),
        _ => None,
    };
    let turns = story.moments.iter();
    let turns = turns.filter_map(|moment| turn(moment).map(|state| (moment.at, state)));
    let mut turns: Vec<_> = turns.collect();
    turns.dedup_by_key(|(_, state)| *state);
    parts(&turns, story)
}

/// How the verdict on a check moved.
fn verdicts<'a>(story: &'a Story, check: &str) -> Vec<Part<'a>> {
    let about = story.moments.iter().filter(|moment| {
        let check_of = moment.check.as_ref();
        check_of.is_some_and(|id| id.as_str() == check)
    });
    let turns = about.filter_map(|moment| {
        let verdict: Verdict = moment.verdict?;
        let state = (verdict_class(verdict), verdict_words(verdict));
        Some((moment.at, state))
    });
    parts(&turns.collect::<Vec<_>>(), story)
}

fn parts<'a>(turns: &[(WallTime, (&'a str, &'a str))], story: &Story) -> Vec<Part<'a>> {
    let ends = turns.iter().skip(1).map(|(at, _)| *at);
    let ends = ends.chain([story.until]);
    let parts = turns.iter().zip(ends);
    parts
        .filter(|((_, (class, _)), _)| *class != "over")
        .map(|((from, (class, words)), to)| Part {
            from: *from,
            to: to.max(*from),
            class,
            words,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::course::tests::at;
    use crate::report::html::story::tests::report;
    use crate::sample::CheckId;

    fn moment(second: u64, kind: &str, verdict: Option<Verdict>) -> Moment {
        Moment {
            at: at(second),
            kind: kind.to_owned(),
            check: verdict.map(|_| CheckId::new("api-health")),
            verdict,
            text: format!("{kind} happened"),
        }
    }

    fn story() -> Story {
        let mut story = Story::of_report(&report()).unwrap();
        story.moments = vec![
            moment(0, "deployment_pinned", None),
            moment(20, "check_judged", Some(Verdict::Pass)),
            moment(130, "check_judged", Some(Verdict::Fail)),
            moment(131, "decided", None),
            moment(132, "rollback_intended", None),
            moment(133, "rollback_started", None),
            moment(300, "verification_started", None),
            moment(372, "rollback_ended", None),
        ];
        story
    }

    #[test]
    fn lanes_follow_the_moments() {
        let story = story();
        let lanes = lanes(&story);
        assert_eq!(lanes.len(), 2, "the check that passed throughout has none");
        let words: Vec<&str> = lanes[0].parts.iter().map(|part| part.words).collect();
        assert_eq!(words, ["baking", "rolling back", "verifying"]);
        assert_eq!(lanes[1].parts[1].class, "is-fail");
        assert_eq!(lanes[1].parts[1].to, story.until);
        assert_eq!(turns(&story).len(), 3);
    }

    #[test]
    fn a_noisy_window_is_cut_and_its_turns_are_not() {
        let mut moments: Vec<Moment> = (0..500)
            .map(|second| moment(second, "check_judged", Some(Verdict::Warn)))
            .collect();
        moments.push(moment(501, "decided", None));
        let listed = listed(&moments);
        assert_eq!(listed.len(), LISTED + 1);
        assert_eq!(listed[LISTED].kind, "decided");
    }
}
