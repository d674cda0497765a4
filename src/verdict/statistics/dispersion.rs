//! How much more counts vary than independent samples would: the dispersion φ.
//!
//! Errors come in clusters, and slow requests keep each other company. φ is the variance of the
//! counts of neighbouring blocks over what the binomial distribution allows, and a baseline with φ
//! is worth 1/φ of its samples. It sees dependence inside a block only: noise with a longer memory
//! than the block is under-estimated. Called for baselines.

use super::is_share;

/// How many of a block's samples were bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockCount {
    /// The bad ones.
    pub bad: u64,
    /// All of them.
    pub of: u64,
}

/// The dispersion φ of block counts around a rate, never below 1.
///
/// Pearson's statistic over its degrees of freedom, Σ (x_b − n_b p)² / (n_b p (1 − p)) / (blocks − 1)
/// (Wedderburn, Quasi-likelihood Functions, Biometrika 61, 1974; McCullagh and Nelder, Generalized
/// Linear Models, 4.5). Blocks without samples do not count. With fewer than two blocks, and for a
/// rate of 0, of 1 or that is no share, there is nothing to compare: 1.
#[must_use]
pub fn dispersion(blocks: &[BlockCount], rate: f64) -> f64 {
    if !is_share(rate) {
        return NONE;
    }
    let (mut sum, mut counted) = (0.0, 0_u32);
    for block in blocks.iter().filter(|block| block.of > 0) {
        let of = block.of as f64;
        let off = block.bad as f64 - of * rate;
        sum += off * off / (of * rate * (1.0 - rate));
        counted += 1;
    }
    let ratio = sum / (f64::from(counted) - 1.0);
    if counted > 1 && ratio.is_finite() {
        ratio.max(NONE)
    } else {
        NONE
    }
}

/// The counts vary as those of independent samples do.
const NONE: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(counts: &[(u64, u64)]) -> Vec<BlockCount> {
        let block = |(bad, of): &(u64, u64)| BlockCount { bad: *bad, of: *of };
        counts.iter().map(block).collect()
    }

    #[test]
    fn it_is_the_ratio_of_the_variances() {
        let cases = [
            // (5 − 1)² + 4 (0 − 1)² = 20, over 10 · 0.1 · 0.9 = 0.9, over 4 degrees of freedom.
            (
                "one bad block of five",
                blocks(&[(5, 10), (0, 10), (0, 10), (0, 10), (0, 10)]),
                0.1,
                20.0 / 0.9 / 4.0,
            ),
            (
                "blocks of different sizes",
                blocks(&[(3, 4), (0, 6)]),
                0.3,
                1.8 * 1.8 / 0.84 + 1.8 * 1.8 / 1.26,
            ),
            ("steadier than chance", blocks(&[(1, 10); 5]), 0.1, 1.0),
            (
                "empty blocks do not count",
                blocks(&[(0, 0), (3, 4), (0, 0), (0, 6)]),
                0.3,
                1.8 * 1.8 / 0.84 + 1.8 * 1.8 / 1.26,
            ),
        ];
        for (what, blocks, rate, expected) in cases {
            let got = dispersion(&blocks, rate);
            assert!((got - expected).abs() < 1e-12, "{what}: {got}");
        }
    }

    #[test]
    fn nothing_to_compare_is_no_dispersion() {
        let some = blocks(&[(1, 4), (4, 4)]);
        assert_eq!(dispersion(&[], 0.1), 1.0);
        assert_eq!(dispersion(&some[..1], 0.1), 1.0);
        for rate in [0.0, 1.0, f64::NAN, -0.1, 1.1] {
            assert_eq!(dispersion(&some, rate), 1.0, "{rate}");
        }
        assert_eq!(dispersion(&blocks(&[(0, 4), (0, 4)]), 0.0), 1.0);
    }
}
