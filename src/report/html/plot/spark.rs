//! A sparkline: the median and the 95 % quantile of the last minutes, as small as a word.

use std::time::Duration;

use maud::{Markup, html};

use super::scale::Scale;
use crate::report::text::millis;

/// Its height and width in its own units, whole ones: there are many on a page.
const HEIGHT: f64 = 24.0;
const WIDTH: f64 = 120.0;

/// Draws the last minutes, the oldest first: median and 95 % quantile; absent where none passed.
#[must_use]
pub fn draw(minutes: &[Option<(Duration, Duration)>]) -> Markup {
    let seen = minutes.iter().flatten();
    let Some(most) = seen.clone().map(|(_, p95)| *p95).max() else {
        return html! { span class="soft" { "no latency yet" } };
    };
    let scale = Scale::new((0.0, most.as_secs_f64()), (HEIGHT - 1.0, 1.0));
    let (area, line) = curves(minutes, &scale);
    let last = seen.last().map(|(p50, p95)| {
        format!(
            "last {} minutes: now p50 {}, p95 {}; highest p95 {}",
            minutes.len(),
            millis(*p50),
            millis(*p95),
            millis(most)
        )
    });
    html! {
        svg class="spark" viewBox="0 0 120 24" preserveAspectRatio="none" role="img"
            aria-label=(last.unwrap_or_default()) {
            path class="area" d=(area) {}
            path class="curve" d=(line) {}
        }
    }
}

/// The area from the median to the 95 % quantile, and the line of the median; a minute without any
/// leaves a hole.
fn curves(minutes: &[Option<(Duration, Duration)>], scale: &Scale) -> (String, String) {
    let step = WIDTH / minutes.len().max(1) as f64;
    let mut area = String::new();
    let mut line = String::new();
    let mut start = 0;
    for piece in minutes.split(Option::is_none) {
        let points = piece
            .iter()
            .flatten()
            .enumerate()
            .map(|(turn, (p50, p95))| {
                let x = (start + turn) as f64 * step;
                (x, scale.at(p50.as_secs_f64()), scale.at(p95.as_secs_f64()))
            });
        let mut points: Vec<(f64, f64, f64)> = points.collect();
        start += piece.len() + 1;
        // The last minute reaches to its end, so that a single one can be seen.
        if let Some((x, low, high)) = points.last().copied() {
            points.push((x + step, low, high));
            let corner = |x: f64, y: f64| format!("{x:.0} {y:.0}");
            let low: Vec<String> = points.iter().map(|it| corner(it.0, it.1)).collect();
            let high: Vec<String> = points.iter().rev().map(|it| corner(it.0, it.2)).collect();
            line.push_str(&format!("M{}", low.join("L")));
            area.push_str(&format!("M{}L{}z", low.join("L"), high.join("L")));
        }
    }
    (area, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(p50: u64, p95: u64) -> Option<(Duration, Duration)> {
        Some((Duration::from_millis(p50), Duration::from_millis(p95)))
    }

    #[test]
    fn minutes_without_any_leave_a_hole() {
        let scale = Scale::new((0.0, 0.04), (23.0, 1.0));
        let (area, line) = curves(&[ms(10, 20), ms(20, 40), None, ms(40, 40)], &scale);
        assert_eq!(line, "M0 18L30 12L60 12M90 1L120 1");
        assert_eq!(area.matches('M').count(), 2, "{area}");
    }

    #[test]
    fn it_says_what_it_shows() {
        let text = draw(&[ms(10, 20), ms(12, 30)]).into_string();
        assert!(
            text.contains("now p50 12 ms, p95 30 ms; highest p95 30 ms"),
            "{text}"
        );
        assert!(draw(&[None, None]).into_string().contains("no latency yet"));
    }
}
