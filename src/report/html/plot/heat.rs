//! A heat map of latencies: how the runs of each span of time are spread over the latencies, the more
//! of them the stronger the colour. Latencies stand on a logarithmic scale, so that two humps of one distribution
//! (a cache that hits and misses) are told apart.

use maud::{Markup, html};

use super::sweep;
use super::{WIDTH, short, ticks};
use crate::report::html::course::Course;
use crate::report::text::{counted, millis};
use crate::store::history::Slice;

const TOP: f64 = 4.0;
const BOTTOM: f64 = 160.0;
const TIMES: f64 = 178.0;
const HEIGHT: f64 = 184.0;
/// How many rows the latencies are put into.
const ROWS: usize = 24;
/// How many depths of colour there are: more, nobody tells apart.
const DEPTHS: usize = 5;

/// Draws it; nothing where no run passed.
#[must_use]
pub fn draw(course: &Course, name: &str) -> Markup {
    let Some(rows) = Rows::of(course) else {
        return html! { p class="soft" { "No run passed in this time." } };
    };
    let whole = course.whole();
    let quantile = |q: f64| whole.latency.quantile(q).map(millis).unwrap_or_default();
    let height = short(BOTTOM);
    html! {
        svg class="plot" width="100%" height=(HEIGHT) role="img"
            aria-labelledby={ (name) "-t" } aria-describedby={ (name) "-d" } {
            title id={ (name) "-t" } { "Distribution of the latency over time" }
            desc id={ (name) "-d" } {
                (counted(whole.latency.count(), "run", "runs")) ": half within " (quantile(0.5))
                ", 95 % within " (quantile(0.95)) ", 99 % within " (quantile(0.99))
            }
            (sweep::unseen(course, TOP, BOTTOM))
            svg x="0" y="0" width="100%" height=(height) viewBox=(format!("0 0 {WIDTH} {height}"))
                preserveAspectRatio="none" {
                @for (depth, cells) in cells(course, &rows).iter().enumerate() {
                    @if !cells.is_empty() { path class={ "heat h" (depth + 1) } d=(cells) {} }
                }
            }
            @for (y, label) in rows.marks() {
                line class="grid" x1="0" x2="100%" y1=(short(y)) y2=(short(y)) {}
                text class="tick" x="2" y=(short(y + 11.0)) { (label) }
            }
            (sweep::time_axis(&course.across(), BOTTOM, TIMES))
            (sweep::told(course, BOTTOM))
        }
    }
}

/// The rows: equal steps of the logarithm from the shortest to the longest latency.
struct Rows {
    low: f64,
    high: f64,
}

impl Rows {
    fn of(course: &Course) -> Option<Self> {
        let whole = course.whole();
        let mut steps = whole.latency.steps();
        let first = steps.next()?;
        let last = steps.last().unwrap_or(first);
        let log = |span: std::time::Duration| span.as_secs_f64().max(SHORTEST).log10();
        let (low, high) = (log(first.lowest), log(last.highest));
        // At least a doubling, so that a steady check is not one row as high as the plot.
        let middle = f64::midpoint(low, high);
        let half = ((high - low) / 2.0).max(LEAST_HALF);
        Some(Self {
            low: middle - half,
            high: middle + half,
        })
    }

    fn row(&self, seconds: f64) -> usize {
        let share = (seconds.max(SHORTEST).log10() - self.low) / (self.high - self.low);
        ((share * ROWS as f64).max(0.0) as usize).min(ROWS - 1)
    }

    fn y(&self, seconds: f64) -> f64 {
        let share = (seconds.max(SHORTEST).log10() - self.low) / (self.high - self.low);
        BOTTOM - (BOTTOM - TOP) * share.clamp(0.0, 1.0)
    }

    /// Marks at round values: as few digits of each power of ten as give enough of them.
    fn marks(&self) -> Vec<(f64, String)> {
        let mut marks = Vec::new();
        for digits in DIGITS {
            let powers = (self.low.floor() as i32)..=(self.high.ceil() as i32);
            let values =
                powers.flat_map(|power| digits.iter().map(move |it| it * 10_f64.powi(power)));
            let inside = values.filter(|value| (self.low..=self.high).contains(&value.log10()));
            marks = inside
                .map(|value| (self.y(value), ticks::seconds(value)))
                .collect();
            if marks.len() >= ENOUGH {
                break;
            }
        }
        marks
    }
}

/// The digits that are marked, the fewest first.
const DIGITS: [&[f64]; 4] = [
    &[1.0],
    &[1.0, 2.0, 5.0],
    &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
    &[
        1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0,
    ],
];
/// So many marks can be read between.
const ENOUGH: usize = 3;

/// Nothing is measured below: a tenth of a microsecond.
const SHORTEST: f64 = 1e-7;
/// Half of a doubling, in powers of ten.
const LEAST_HALF: f64 = 0.15;
/// The cells of each depth as one path: there are thousands.
fn cells(course: &Course, rows: &Rows) -> [String; DEPTHS] {
    let mut paths: [String; DEPTHS] = Default::default();
    let height = (BOTTOM - TOP) / ROWS as f64;
    for slice in &course.slices {
        let (from, width) = sweep::extent(course, slice.at);
        let counts = spread(slice, rows);
        let most = counts.iter().copied().max().unwrap_or(0);
        for (row, count) in counts
            .into_iter()
            .enumerate()
            .filter(|(_, count)| *count > 0)
        {
            let depth = ((count * DEPTHS as u64).div_ceil(most.max(1)) as usize).clamp(1, DEPTHS);
            let y = BOTTOM - height * (row + 1) as f64;
            paths[depth - 1].push_str(&format!(
                "M{:.0} {}h{:.0}v{}H{:.0}z",
                from * WIDTH,
                short(y),
                (width * WIDTH).max(1.0),
                short(height),
                from * WIDTH
            ));
        }
    }
    paths
}

fn spread(slice: &Slice, rows: &Rows) -> [u64; ROWS] {
    let mut counts = [0; ROWS];
    for step in slice.latency.steps() {
        counts[rows.row(step.middle.as_secs_f64())] += u64::from(step.count);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::course::tests::course;

    #[test]
    fn each_run_is_in_one_cell_and_the_most_frequent_is_strongest() {
        let course = course();
        let rows = Rows::of(&course).unwrap();
        for slice in &course.slices {
            let counts = spread(slice, &rows);
            assert_eq!(counts.iter().sum::<u64>(), slice.latency.count());
        }
        let cells = cells(&course, &rows);
        assert!(!cells[DEPTHS - 1].is_empty());
        let text = draw(&course, "h1").into_string();
        assert!(text.contains("half within"), "{text}");
        assert!(!text.contains("NaN"), "{text}");
    }

    #[test]
    fn a_steady_check_has_more_than_one_row() {
        let rows = Rows {
            low: -2.0,
            high: -1.7,
        };
        assert_eq!(rows.row(0.01), 0);
        assert_eq!(rows.row(0.019_9), ROWS - 1);
        assert!(rows.marks().len() >= ENOUGH, "{:?}", rows.marks());
    }
}
