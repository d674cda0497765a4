//! A notice as Slack shows it: a line that says it all, what there is besides, and a button. Within the
//! limits of Slack's blocks, with its three signs escaped.

use serde_json::{Value, json};

use crate::notify::notice::{Effect, Notice, Severity, cut};

/// A section's text ("Block Kit: section", 3,000 characters).
const SECTION: usize = 3_000;
/// The text that phones and old clients show (4,000 are advised at most).
const FALLBACK: usize = 3_000;
/// A button's address ("Block Kit: button", 3,000 characters).
const ADDRESS: usize = 3_000;

/// The message, without channel and thread.
pub(super) fn message(notice: &Notice) -> Value {
    let mut blocks = vec![section(&format!(
        "{} *{}*",
        sign(notice),
        escaped(&notice.title())
    ))];
    let details: Vec<String> = notice
        .details
        .iter()
        .map(|line| format!("• {}", escaped(line)))
        .collect();
    if !details.is_empty() {
        blocks.push(section(&details.join("\n")));
    }
    let said = [("Done", &notice.done), ("Next", &notice.next)];
    let said = said.iter().filter(|(_, text)| !text.is_empty());
    let said: Vec<String> = said
        .map(|(label, text)| format!("*{label}:* {}", escaped(text)))
        .collect();
    if !said.is_empty() {
        blocks.push(section(&said.join("\n")));
    }
    if let Some(link) = notice
        .link
        .as_ref()
        .filter(|link| link.chars().count() <= ADDRESS)
    {
        blocks.push(json!({
            "type": "actions",
            "elements": [{
                "type": "button",
                "text": { "type": "plain_text", "text": "Open in Smokejumper" },
                "url": link
            }]
        }));
    }
    json!({
        "text": cut_markup(&format!("{} {}", sign(notice), escaped(&notice.title())), FALLBACK),
        "blocks": blocks
    })
}

/// Whether those are to see it who do not follow the thread.
pub(super) fn is_for_all(notice: &Notice) -> bool {
    notice.effect == Effect::Resolves || notice.severity >= Severity::Warning
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut_markup(text, SECTION) } })
}

/// A sign and a word, so that nobody has to tell colours apart.
fn sign(notice: &Notice) -> String {
    let sign = match (notice.effect, notice.severity) {
        (Effect::Resolves, _) => ":white_check_mark:",
        (_, Severity::Critical) => ":rotating_light:",
        (_, Severity::Warning) => ":warning:",
        (_, Severity::Info) => ":information_source:",
    };
    format!("{sign} {}", notice.call())
}

/// The three signs that have a meaning ("Formatting text for app surfaces").
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        // A line is bold from star to star: one within would end it.
        .replace('*', "\u{2217}")
}

/// A text of at most so many characters, never cut within an escaped sign.
fn cut_markup(text: &str, most: usize) -> String {
    let short = cut(text, most);
    if short.len() == text.len() {
        return short;
    }
    /// `&amp;`, the longest of them, without its last sign.
    const LONGEST_SIGN: usize = 4;
    let tail = short.rfind('&').filter(|at| !short[*at..].contains(';'));
    match tail.filter(|at| short[*at..].chars().count() <= LONGEST_SIGN + 1) {
        Some(at) => format!("{}…", &short[..at]),
        None => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::Kind;

    #[test]
    fn what_has_a_meaning_is_escaped_and_no_limit_is_passed() {
        let mut notice = Notice::new(
            Kind::Held,
            Severity::Critical,
            "s",
            &"<!channel> & ".repeat(999),
        );
        notice.details = vec!["<@U1>*x*".to_owned(); 10];
        notice.link = Some(format!("https://host/{}", "x".repeat(4_000)));
        let message = message(&notice);
        let text = message.to_string();
        assert!(
            !text.contains("<!channel>") && !text.contains("<@"),
            "{text}"
        );
        for block in message["blocks"].as_array().expect("blocks") {
            assert_eq!(
                block["type"], "section",
                "the address is too long for a button"
            );
            let shown = block["text"]["text"].as_str().expect("text");
            assert!(shown.chars().count() <= SECTION);
        }
        let fallback = message["text"].as_str().expect("text");
        assert!(fallback.chars().count() <= FALLBACK);
    }

    #[test]
    fn a_cut_does_not_halve_an_escaped_sign() {
        for most in 1..=12 {
            let cut = cut_markup("ab&amp;cd&lt;ef", most);
            let rest = cut.replace("&amp;", "").replace("&lt;", "");
            assert!(!rest.contains('&'), "{most}: {cut}");
            assert!(cut.chars().count() <= most, "{most}: {cut}");
        }
    }
}
