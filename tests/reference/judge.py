"""A second judge, slow and plain, to hold the product's against.

It follows the method step by step and saves no work: every way of forgiving a burst is carried
along as a row of its own and none is ever dropped, every sum is written out. It judges one policy:
error rate 1 % / 5 %, p95 1 s / 2 s, the defaults for everything else, no baseline, checks of one
interval. Times are whole milliseconds, so that the ends of blocks are compared exactly.

    judge.py FOLDER --checks a,b --every 5 --bake 600

prints for each FOLDER/*.ndjson, in name order, {"stream": NAME, "verdict": VERDICT, "t": SECONDS}.
"""

import argparse
import json
import math
import pathlib
from dataclasses import dataclass

import numpy as np
from scipy import stats

BUDGET = 0.01  # false rollbacks a window; again as much at the end of the bake
LONGEST_BLOCK = 5_000  # milliseconds
LEAST_BLOCKS = 60  # in a window; blocks of short windows are shorter
FORGIVEN = 30_000  # milliseconds, once
WARM_UP = 60_000  # milliseconds, for latency
ALTERNATIVES = 5
LARGEST_ALTERNATIVE = 0.98
AT_ONCE = 0.5  # the share of the capital that does not wait
GATE = math.log(5.0)
WARNING_TAIL = 0.05  # for what is pooled, and as much again for all checks together
MIN_SAMPLES = 10
COVERAGE = 0.7  # of the samples that the schedule promised
PLAY = 0.93  # what chance may take from that in a whole window
DEVIATIONS = 3.3  # and in a single check
INDEPENDENT_PART = 0.5  # of the samples that a block promises, unless they are as many as
DENSE = 50
ERROR_WARNING, ERROR_CRITICAL = 0.01, 0.05
SLOW_WARNING, SLOW_CRITICAL = 1000.0, 2000.0  # milliseconds
MAY_BE_SLOW = 0.05  # a limit on p95


@dataclass
class Layout:
    checks: list
    every: float
    bake: float

    @property
    def block(self):
        """The length of a block, in milliseconds."""
        return min(LONGEST_BLOCK, 1000 * self.bake / LEAST_BLOCKS)


@dataclass
class Stream:
    """The checks that are pooled in it, its part of the budget, of the closing warnings' tail, and
    how many independent samples a block of it stands for at the end."""

    checks: list
    budget: float
    warning_tail: float
    a_block: int


@dataclass
class Blocks:
    """Closed blocks: start, time of the sample that closed it, first bad sample (inf), share."""

    start: np.ndarray
    closed: np.ndarray
    first_bad: np.ndarray
    bad: np.ndarray


def blocks(times, is_bad, length):
    """A block opens with a sample and is closed by the first one so much later or more; the block
    that is still open at the end does not count."""
    rows = []
    opened = None
    for time, bad in zip(times, is_bad):
        if opened is not None and time >= opened + length:
            rows.append((opened, time, first_bad, bad_count / count))
            opened = None
        if opened is None:
            opened, first_bad, bad_count, count = time, math.inf, 0, 0
        count += 1
        if bad:
            bad_count += 1
            first_bad = min(first_bad, time)
    return Blocks(*np.array(rows, dtype=float).reshape(-1, 4).T)


def forgiveness(blocks, null):
    """Which blocks are ignored (columns) in each way of forgiving (rows): none, or all that start
    within 30 s of the first bad sample of some block that is worse than the null rate."""
    ways = [np.zeros(len(blocks.start), dtype=bool)]
    for b in np.flatnonzero(blocks.bad > null):
        since = np.arange(len(blocks.start)) >= b
        ways.append(since & (blocks.start < blocks.first_bad[b] + FORGIVEN))
    return np.array(ways)


def factors(blocks, null, lowest):
    """1 + λ_j (x_b − p0), blocks by alternatives."""
    lowest = min(0.9, max(lowest, 1.3 * null))
    steps = np.arange(ALTERNATIVES) / (ALTERNATIVES - 1)
    rates = np.minimum(lowest ** (1 - steps), LARGEST_ALTERNATIVE)
    stakes = (rates - null) / (null * (1 - null))
    return 1 + np.outer(blocks.bad - null, stakes)


def log_evidence(blocks, null, lowest, expected):
    """ln E_rob after each block: the capital of a bettor against "at most `null`", at its least
    over all ways of forgiving."""
    ignored = forgiveness(blocks, null)
    with np.errstate(divide="ignore"):
        log_factors = np.log(np.maximum(factors(blocks, null, lowest), 0))
    shares = math.ceil(max(expected, 1.0))
    a_share = (1 - AT_ONCE) / shares
    capital = np.full((len(ignored), ALTERNATIVES), math.log(AT_ONCE))
    paid, evidence = AT_ONCE, []
    for b in range(len(blocks.start)):
        if paid + a_share <= 1 + 1e-9:
            capital = np.logaddexp(capital, math.log(a_share))
            paid += a_share
        capital = np.where(ignored[:, b, None], capital, capital + log_factors[b])
        total = np.logaddexp.reduce(capital, axis=1) - math.log(ALTERNATIVES)
        if paid < 1:
            total = np.logaddexp(total, math.log(1 - paid))
        evidence.append(total.min())
    return np.array(evidence)


def log_gate(blocks, limit):
    """The CUSUM against the critical limit after each block, at its least over all ways of
    forgiving."""
    ignored = forgiveness(blocks, limit)
    log_factors = np.log(np.maximum(factors(blocks, limit, 1.5 * limit), 1e-12))
    sums = np.zeros((len(ignored), ALTERNATIVES))
    gate = []
    for b in range(len(blocks.start)):
        going = np.maximum(sums, 0) + log_factors[b]
        sums = np.where(ignored[:, b, None], sums, going)
        gate.append(np.maximum(sums, 0).max(axis=1).min())
    return np.array(gate)


def tail_after_forgiving(blocks, a_block, null):
    """P(as many bad samples or more) at the null rate once the worst span of 30 s is deleted, every
    block counted as `a_block` samples, and the counts divided by the dispersion of what is left."""
    worst, deleted = 0.0, np.zeros(len(blocks.start), dtype=bool)
    for b in np.flatnonzero(blocks.bad > 0):
        since = np.arange(len(blocks.start)) >= b
        inside = since & (blocks.start < blocks.first_bad[b] + FORGIVEN)
        # Sums of the same shares in another order may differ by a rounding; that is no worse span.
        if blocks.bad[inside].sum() > worst + 1e-12:
            worst, deleted = blocks.bad[inside].sum(), inside
    bad = round((blocks.bad.sum() - worst) * a_block)
    of = int(len(blocks.start) * a_block - round(worst * a_block))
    dispersion = how_much_they_vary(blocks.bad[~deleted], a_block)
    if dispersion > 1 + 1e-6:
        bad, of = int(bad / dispersion + 1e-9), math.ceil(of / dispersion - 1e-9)
    return stats.binom.sf(bad - 1, of, null)


def how_much_they_vary(shares, a_block):
    """The variance of the blocks' bad shares over that of `a_block` independent samples; blocks of
    which half is bad are an outage and no noise."""
    noise = shares[shares < 0.5]
    if len(noise) == 0 or not 0 < noise.mean() < 1:
        return 1.0
    return max(1.0, noise.var() * a_block / (noise.mean() * (1 - noise.mean())))


def condemned_at(stream, layout, warning, critical, null, limit, lowest):
    """When a stream is proven bad (inf: never), and whether its evidence ever reached its
    threshold; its blocks by both limits, the rate that is well, the one that is bad, and the least
    one to bet on."""
    if len(warning.start) == 0:
        return math.inf, False
    rate = len(stream.checks) / layout.every
    evidence = log_evidence(warning, null, lowest, layout.bake * rate / stream.a_block)
    proven = evidence >= -math.log(stream.budget)
    condemned = proven & (log_gate(critical, limit) >= GATE)
    if condemned.any():
        return warning.closed[condemned.argmax()] / 1000, True
    if critical.bad.mean() > limit:
        tail = tail_after_forgiving(warning, stream.a_block, null)
        if proven[-1] or tail <= stream.budget:
            return layout.bake, bool(proven.any())
    return math.inf, bool(proven.any())


def judge(samples, layout):
    times = np.array([round(1000 * sample["t"]) for sample in samples], dtype=int)
    checks = np.array([layout.checks.index(sample["check"]) for sample in samples], dtype=int)
    failed = np.array([not sample["ok"] for sample in samples], dtype=bool)
    latency = np.array([sample["latency_ms"] for sample in samples])
    timed = ~failed & (times >= WARM_UP)

    moments, warnings = [], []
    for stream in streams(layout):
        mine = np.isin(checks, stream.checks)
        errors = blocks(times[mine], failed[mine], layout.block)
        moment, proven = condemned_at(
            stream, layout, errors, errors, ERROR_WARNING, ERROR_CRITICAL, ERROR_CRITICAL
        )
        moments.append(moment)
        warnings.append(proven or is_over(failed[mine], ERROR_WARNING, stream.warning_tail))

        mine = mine & timed
        slow = blocks(times[mine], latency[mine] > SLOW_WARNING, layout.block)
        very_slow = blocks(times[mine], latency[mine] > SLOW_CRITICAL, layout.block)
        moment, proven = condemned_at(
            stream, layout, slow, very_slow, MAY_BE_SLOW, MAY_BE_SLOW, 2 * MAY_BE_SLOW
        )
        moments.append(moment)
        over = is_over(latency[mine] > SLOW_WARNING, MAY_BE_SLOW, stream.warning_tail)
        warnings.append(proven or over)

    if min(moments) < math.inf:
        return "fail", min(moments)
    if is_insufficient(times, checks, layout):
        return "inconclusive", layout.bake
    return ("warn" if any(warnings) else "pass"), layout.bake


def streams(layout):
    """All checks pooled, with half of the budget, and each alone with its part of the other half;
    errors and latency have half of everything each."""
    count = len(layout.checks)
    promised = layout.block / 1000 / layout.every  # samples of one check in a block
    part = 1.0 if count * promised >= DENSE else INDEPENDENT_PART
    independent = lambda checks: max(1, round(checks * promised * part))
    every_check = list(range(count))
    if count == 1:
        return [Stream(every_check, BUDGET / 2, WARNING_TAIL, independent(1))]
    alone = BUDGET / 4 / count, WARNING_TAIL / count, independent(1)
    return [
        Stream(every_check, BUDGET / 4, WARNING_TAIL, independent(count)),
        *(Stream([check], *alone) for check in every_check),
    ]


def is_insufficient(times, checks, layout):
    """Too few samples, too few of those promised, of all or of one check, or a silent check."""
    promised = layout.bake / layout.every  # of one check
    counts = np.array([(checks == check).sum() for check in range(len(layout.checks))])
    chance = DEVIATIONS * math.sqrt(promised * COVERAGE * (1 - COVERAGE))
    if counts.sum() < max(MIN_SAMPLES, PLAY * COVERAGE * promised * len(counts)):
        return True
    if counts.min() < COVERAGE * promised - chance:
        return True
    last = [times[checks == check].max(initial=0) / 1000 for check in range(len(counts))]
    return layout.bake - min(last) > max(3 * layout.every + 1, 30.0)


def is_over(bad, null, tail):
    """Whether so many bad samples, or more, would be as rare as this at the null rate."""
    if len(bad) == 0 or bad.sum() <= null * len(bad):
        return False
    return stats.binom.sf(bad.sum() - 1, len(bad), null) <= tail


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--checks", required=True, type=lambda names: names.split(","))
    parser.add_argument("--every", required=True, type=float)
    parser.add_argument("--bake", required=True, type=float)
    given = parser.parse_args()
    layout = Layout(given.checks, given.every, given.bake)
    for path in sorted(given.folder.glob("*.ndjson")):
        if path.name.endswith(".baseline.ndjson"):
            continue
        samples = [json.loads(line) for line in path.read_text().splitlines()]
        verdict, t = judge(samples, layout)
        print(json.dumps({"stream": path.stem, "verdict": verdict, "t": t}))


if __name__ == "__main__":
    main()
