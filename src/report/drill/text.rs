//! A drill for a person, at 80 columns and without colour: what was simulated, what good releases
//! suffer, which faults are caught and how fast, how that compares, and what to change.

use super::words::{
    advice, budget, deed, interval, maybe_seconds, percent, seconds, simulated, smallest_seen,
};
use crate::rehearsal::drill::summary::summaries;
use crate::rehearsal::drill::{Drill, Row};
use crate::report::text::push_wrapped;

/// Renders the drills of all services.
#[must_use]
pub fn render(drills: &[Drill]) -> String {
    let mut text = String::new();
    for drill in drills {
        push_drill(&mut text, drill);
    }
    if drills.len() > 1 {
        heading(&mut text, "All services together");
        push_summaries(&mut text, drills);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Renders the bench: one line a rule over all services, and the worst that happened to each.
#[must_use]
pub fn render_bench(drills: &[Drill]) -> String {
    let mut text = String::new();
    for drill in drills {
        let words = simulated(drill);
        let lead = format!("{}: ", drill.trial.service);
        push_wrapped(&mut text, &lead, &words.join(" "));
    }
    text.push('\n');
    push_summaries(&mut text, drills);
    text
}

fn push_drill(text: &mut String, drill: &Drill) {
    push_wrapped(text, "", &format!("Drill of {}", drill.trial.service));
    text.push('\n');
    heading(text, "What was simulated");
    for sentence in simulated(drill) {
        push_wrapped(text, "  ", &sentence);
    }
    text.push('\n');
    push_healthy(text, drill);
    push_bad(text, drill);
    heading(
        text,
        "What this policy sees in at least nine of ten windows",
    );
    for curve in &drill.curves {
        push_wrapped(text, "  ", &smallest_seen(drill, curve));
    }
    text.push('\n');
    if drill.contestants.len() > 1 {
        heading(
            text,
            "Beside the rules of other tools: same windows, same limits",
        );
        push_summaries(text, std::slice::from_ref(drill));
        push_matrix(text, drill);
    }
    if !drill.alternatives.is_empty() {
        heading(text, "What a change would give");
        for alternative in &drill.alternatives {
            push_wrapped(text, "  ", &advice(alternative, &drill.trial));
        }
        text.push('\n');
    }
}

fn heading(text: &mut String, words: &str) {
    text.push_str(words);
    text.push('\n');
}

fn push_healthy(text: &mut String, drill: &Drill) {
    heading(
        text,
        &format!(
            "Healthy releases, and how often each would be {}",
            deed(&drill.trial)
        ),
    );
    line(
        text,
        &format!(
            "  {:<34} {:>11}   {:<18}",
            "release",
            deed(&drill.trial),
            "95 % interval"
        ),
    );
    for row in &drill.healthy {
        let share = row.tallies[0].any_share();
        let title = &row.variant.title;
        let (seen, interval) = (percent(share.seen), interval(&share));
        line(text, &format!("  {title:<34} {seen:>11}   {interval:<18}"));
    }
    push_wrapped(text, "  ", &budget(drill));
    text.push('\n');
}

fn push_bad(text: &mut String, drill: &Drill) {
    heading(
        text,
        "Faults, how often each is caught, and how long after it began",
    );
    let (caught, interval_head) = ("caught", "95 % interval");
    line(
        text,
        &format!(
            "  {:<34} {caught:>8}   {interval_head:<15}{:>7}{:>9}",
            "fault", "half by", "95 % by"
        ),
    );
    for row in &drill.bad {
        let tally = &row.tallies[0];
        let share = tally.share();
        let (half, most) = (maybe_seconds(tally.median), maybe_seconds(tally.most));
        let (seen, interval) = (percent(share.seen), interval(&share));
        let title = &row.variant.title;
        line(
            text,
            &format!("  {title:<34} {seen:>8}   {interval:<15}{half:>7}{most:>9}"),
        );
    }
    text.push('\n');
}

/// One line a rule.
fn push_summaries(text: &mut String, drills: &[Drill]) {
    let summaries = summaries(drills);
    let several = drills.len() > 1;
    line(
        text,
        &format!(
            "  {:<16} {:>30} {:>8} {:>8} {:>12}",
            "rule", "worst healthy release", "mean", "caught", "bad service"
        ),
    );
    for summary in &summaries {
        let worst = summary.worst.as_ref().map(|(service, variant, share)| {
            // Which service matters where the line is about several.
            let worst = match share.seen {
                seen if seen <= 0.0 => "none".to_owned(),
                _ if several => format!("{variant}, {service:.10}"),
                _ => variant.clone(),
            };
            format!("{worst} {:>7}", percent(share.seen))
        });
        line(
            text,
            &format!(
                "  {:<16} {:>30} {:>8} {:>8} {:>12}",
                summary.contestant,
                worst.unwrap_or_default(),
                format!("{:.2} %", summary.healthy * 100.0),
                percent(summary.caught),
                seconds(summary.exposure),
            ),
        );
    }
    if let Some(first) = summaries.first() {
        let (healthy, bad) = first.variants;
        push_wrapped(
            text,
            "  ",
            &format!(
                "Means over {healthy} healthy and {bad} bad variants; bad service is the time from \
                 the fault to the verdict, the rest of the window where there is none."
            ),
        );
    }
    text.push('\n');
}

/// For each variant what each rule did, the rules by number.
fn push_matrix(text: &mut String, drill: &Drill) {
    let named = drill.contestants.iter().zip(1..);
    let names: Vec<String> = named
        .map(|(one, number)| format!("{number} {one}"))
        .collect();
    push_wrapped(text, "  ", &format!("By rule: {}", names.join(", ")));
    let numbers: String = (1..=names.len())
        .map(|number| format!("{number:>6}"))
        .collect();
    for (heading, rows) in [("% rolled back", &drill.healthy), ("% caught", &drill.bad)] {
        line(text, &format!("  {heading:<16}{numbers}"));
        for row in rows {
            line(text, &matrix_line(row));
        }
    }
    text.push('\n');
}

fn matrix_line(row: &Row) -> String {
    let cells: String = row
        .tallies
        .iter()
        .map(|tally| {
            let share = if row.variant.is_healthy() {
                tally.any_share()
            } else {
                tally.share()
            };
            format!("{:>6.1}", share.seen * 100.0)
        })
        .collect();
    format!("  {:<16}{cells}", row.variant.name)
}

fn line(text: &mut String, words: &str) {
    text.push_str(words.trim_end());
    text.push('\n');
}
