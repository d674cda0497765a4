//! What holds of paces: known values, and laws over many.

use std::time::Duration;

use proptest::prelude::*;

use super::{Load, Pace, Ramp, Rate};

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

fn ramp(from: &str, to: &str, over: u64) -> Pace {
    Pace::Ramp(Ramp {
        from: rate(from),
        to: rate(to),
        over: Duration::from_secs(over),
    })
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_ramp_has_sent_what_its_area_says() {
    // (10 + 200) / 2 in the middle, for 300 seconds: 31,500; and 200 a second after it.
    let pace = ramp("10/s", "200/s", 300);
    assert_eq!(pace.due(0), Duration::ZERO);
    assert_eq!(pace.sends_by(seconds(300)), 31_501);
    assert_eq!(pace.sends_by(seconds(310)), 33_501);
    assert_eq!(pace.due(31_500 + 200), seconds(301));
    assert_eq!(pace.per_second_at(seconds(150)), 105.0);
    assert_eq!(pace.per_second_at(seconds(900)), 200.0);
    assert_eq!(pace.peak(), rate("200/s"));
    let mean = pace.interval(seconds(900)).as_secs_f64();
    assert!((1.0 / mean - (31_500.0 + 120_000.0) / 900.0).abs() < 1e-3);
}

#[test]
fn a_ramp_from_nothing_and_one_to_less_are_ramps() {
    let up = ramp("0/s", "20/s", 10);
    assert_eq!(up.due(0), Duration::ZERO);
    // 20 t² / 2·10 = 1 after one second.
    assert_eq!(up.due(1), seconds(1));
    assert_eq!(up.due(100), seconds(10));
    let down = ramp("20/s", "2/s", 10);
    assert_eq!(down.peak(), rate("20/s"));
    assert_eq!(down.sends_by(seconds(10)), 111);
    assert_eq!(down.due(112), seconds(11));
}

#[test]
fn a_flat_ramp_is_a_constant_rate() {
    let (flat, constant) = (ramp("50/s", "50/s", 60), Pace::Constant(rate("50/s")));
    for number in [0, 1, 49, 2_999, 3_000, 3_001, 1_000_000] {
        assert_eq!(flat.due(number), constant.due(number), "{number}");
    }
}

#[test]
fn without_a_word_no_send_waits_for_a_place_and_descriptors_suffice() {
    let usual = |text, timeout| Load::usual_in_flight(Pace::Constant(rate(text)), timeout);
    assert_eq!(usual("20/s", seconds(5)), 100);
    assert_eq!(usual("1/min", seconds(5)), 1);
    assert_eq!(usual("10000/s", seconds(5)), 500);
}

#[test]
fn paces_are_told_as_they_are_written() {
    assert_eq!(Pace::Constant(rate("30/min")).to_string(), "30/min");
    let text = ramp("10/s", "200/s", 300).to_string();
    assert_eq!(text, "10/s to 200/s over 5m");
}

prop_compose! {
    fn any_rate()(hundredths in 1_u32..1_000_000, unit in 0_usize..3) -> Rate {
        let unit = ["s", "min", "h"][unit];
        rate(&format!("{}.{:02}/{unit}", hundredths / 100, hundredths % 100))
    }
}

fn any_pace() -> impl Strategy<Value = Pace> {
    prop_oneof![
        any_rate().prop_map(Pace::Constant),
        (any_rate(), any_rate(), 1_u64..7_200).prop_map(|(from, to, over)| {
            let over = Duration::from_secs(over);
            Pace::Ramp(Ramp { from, to, over })
        }),
    ]
}

/// The integral of a pace, by a rule that knows nothing of its formula.
fn area(pace: &Pace, span: f64) -> f64 {
    const SLICES: u32 = 20_000;
    let width = span / f64::from(SLICES);
    let middle = |slice: u32| Duration::from_secs_f64((f64::from(slice) + 0.5) * width);
    (0..SLICES)
        .map(|slice| pace.per_second_at(middle(slice)) * width)
        .sum()
}

proptest! {
    #[test]
    fn no_send_is_due_before_the_one_before_it(pace in any_pace(), number in 0_u64..50_000_000) {
        prop_assert_eq!(pace.due(0), Duration::ZERO);
        prop_assert!(pace.due(number) <= pace.due(number + 1));
        prop_assert!(pace.due(number) < pace.due(number + 1_000_000));
    }

    #[test]
    fn what_is_due_is_within_one_of_the_integral(pace in any_pace(), span in 0.001_f64..10_000.0) {
        let sent = pace.sends_by(Duration::from_secs_f64(span)) as f64 - 1.0;
        let expected = area(&pace, span);
        let slack = 1.0 + expected * 1e-6;
        prop_assert!((sent - expected).abs() <= slack, "{sent} for {expected}");
    }

    #[test]
    fn counting_and_timing_agree(pace in any_pace(), number in 0_u64..5_000_000) {
        let due = pace.due(number);
        prop_assert!(pace.sends_by(due) > number);
        if let Some(before) = due.checked_sub(Duration::from_micros(1)) {
            prop_assert!(pace.sends_by(before) <= pace.sends_by(due));
        }
    }
}
