"""Computes elsewhere what the product computes by itself, so that a test can compare the two.

Most values come from scipy; tails also from a plain sum of their terms with 30 digits, because
scipy's own last digits are off for millions of samples.

Reads a JSON list of cases, each a function's name with its arguments, from standard input, and
writes the list of values to standard output.
"""

import json
import sys

import mpmath
import numpy
from scipy import stats


def at_least(bad, of, rate):
    return stats.binom.sf(bad - 1, of, rate)


def at_most(bad, of, rate):
    return stats.binom.cdf(bad, of, rate)


def summed_at_least(bad, of, rate):
    return [summed(int(b), int(n), p, step=1) for b, n, p in zip(bad, of, rate)]


def summed_at_most(bad, of, rate):
    return [summed(int(b), int(n), p, step=-1) for b, n, p in zip(bad, of, rate)]


def summed(bad, of, rate, step):
    """The sum of the binomial terms from bad on, away from the mean, until they add no digit."""
    mpmath.mp.dps = 30
    rate = mpmath.mpf(rate)
    odds = rate / (1 - rate)
    good = of - bad
    choose = mpmath.loggamma(of + 1) - mpmath.loggamma(bad + 1) - mpmath.loggamma(good + 1)
    term = mpmath.exp(choose + bad * mpmath.log(rate) + good * mpmath.log1p(-rate))
    total = term
    while 0 <= bad + step <= of and term > total * mpmath.mpf(10) ** -25:
        term *= (of - bad) * odds / (bad + 1) if step > 0 else bad / ((of - bad + 1) * odds)
        bad += step
        total += term
    return float(total)


def lower_bound(bad, of, confidence):
    return stats.beta.ppf(1 - confidence, bad, of - bad + 1)


def upper_bound(bad, of, confidence):
    return stats.beta.isf(1 - confidence, bad + 1, of - bad)


def normal_quantile(probability):
    return stats.norm.ppf(probability)


def low_rank(count, q, confidence):
    """The largest rank, from 0, whose value is rarely above the quantile; -1 when none is."""
    rank = stats.binom.ppf((1 - confidence) / 2, count, q)
    return numpy.where(stats.binom.cdf(rank, count, q) <= (1 - confidence) / 2, rank, rank - 1)


def high_rank(count, q, confidence):
    """The smallest rank, from 0, whose value is below the quantile rarely enough, or count."""
    return stats.binom.isf((1 - confidence) / 2, count, q)


FUNCTIONS = [
    at_least,
    at_most,
    summed_at_least,
    summed_at_most,
    lower_bound,
    upper_bound,
    normal_quantile,
    low_rank,
    high_rank,
]


def main():
    cases = json.load(sys.stdin)
    values = [None] * len(cases)
    for function in FUNCTIONS:
        places = [i for i, case in enumerate(cases) if case[0] == function.__name__]
        if not places:
            continue
        arguments = numpy.array([cases[i][1:] for i in places], dtype=float)
        for place, value in zip(places, function(*arguments.T)):
            values[place] = float(value)
    json.dump(values, sys.stdout, allow_nan=False)


if __name__ == "__main__":
    main()
