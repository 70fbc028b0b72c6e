"""The 40-10-40 encoder: evaluation against another sum, recall against enumeration, the pull, annealing."""

import numpy as np
import pytest
from catalog import ROOT, load, records

enc = load(ROOT / "encoder-40-10-40")


def some_weights(seed=0, scale=4.0, S=1):
    A = np.random.default_rng(seed).normal(0, scale, (S, 81, 11))
    A[:, -1, -1] = 0
    return A


def by_hand(codes):
    """Parameters (1, 81, 11) of a machine in which pattern k has the hidden state codes[k]."""
    A = np.zeros((1, 81, 11))
    signs = 2 * enc.STATES[codes] - 1
    both = np.concatenate([signs, signs])
    A[0, :80, :10] = 80 * both
    A[0, :80, 10] = 40 - 80 * (both == 1).sum(axis=1)  # on at its own corner alone
    return A


# ---- data and evaluation -------------------------------------------------------------------------------------------


def test_patterns_are_one_hot_and_the_same_in_both_groups():
    assert (enc.PATTERNS.sum(axis=1) == 2).all()
    np.testing.assert_array_equal(enc.PATTERNS[:, :40], enc.PATTERNS[:, 40:])
    assert len(np.unique(enc.PATTERNS, axis=0)) == 40


def test_evaluate_against_a_slow_sum_for_some_patterns():
    A = some_weights()
    now = enc.evaluate(A)
    for k in (0, 17, 39):
        weight, on = np.zeros(1024), np.zeros((1024, 40))
        for s, h in enumerate(enc.STATES):
            net = (A[0, 40:80, :10] @ h + A[0, 40:80, 10]) / 10
            weight[s] = np.exp((A[0, k, :10] + A[0, 80, :10]) @ h / 10) * np.prod(1 + np.exp(net))
            on[s] = 1 / (1 + np.exp(-net))
        np.testing.assert_allclose(now["p_v2"][0, k], weight @ on / weight.sum())
        assert now["codes"][0, k] == weight.argmax()
        assert now["p_top"][0, k] == pytest.approx(weight.max() / weight.sum())


def test_evaluate_of_codes_made_by_hand():
    codes = np.random.default_rng(0).choice(1024, 40, replace=False)
    twice = np.append(codes[:39], codes[0])
    now = enc.evaluate(np.concatenate([by_hand(codes), by_hand(twice), np.zeros((1, 81, 11))]))
    assert now["codes"].tolist() == [codes.tolist(), twice.tolist(), [-1] * 40]
    assert now["distinct_codes"].tolist() == [40, 39, 0] and now["solved"].tolist() == [True, False, False]
    assert now["accuracy"].tolist() == [1, 0.95, 0], "two patterns that share a code cannot be told apart"
    pairs = [bin(codes[a] ^ codes[b]).count("1") for a in range(40) for b in range(a)]
    assert now["min_hamming"].tolist() == [min(pairs), 0, 0]


# ---- recall --------------------------------------------------------------------------------------------------------


def test_recall_at_a_fixed_temperature_samples_the_enumerated_distribution():
    """The share of chains with exactly the pattern on V2 is what summing over the hidden states gives."""
    A = by_hand(np.random.default_rng(1).choice(1024, 40, replace=False))[0] * 0.5
    rng = np.random.default_rng(2)
    _, exact = enc.recall(A, rng, np.full(60, enc.TEMPERATURE), 150)
    p_code = enc.softmax(A[:40, :-1] @ enc.STATES.T / 10 + enc.log_weights(A[None], 40))
    on = enc.visible(A[None], enc.with_one(enc.STATES)[None])[0, :, 40:]
    expected = np.mean([p_code[k] @ np.where(np.eye(40)[k] == 1, on, 1 - on).prod(axis=1) for k in range(40)])
    assert expected > 0.01
    assert abs(exact - expected) < 5 * np.sqrt(expected / 6000)


def test_recall_of_nothing_is_never_right_and_of_a_firm_code_nearly_always():
    rng = np.random.default_rng(0)
    assert enc.recall(np.zeros((81, 11)), rng, np.full(4, 10.0), 5)[0] == 0, "a tie is no answer"
    spaced = np.flatnonzero([bin(n).count("1") % 2 == 0 for n in range(1024)])[::12][:40]
    assert enc.recall(by_hand(spaced)[0], rng, enc.cooling(enc.Config(t_start=200.0, t_end=5.0), 100), 5)[0] > 0.9


def test_cooling_falls_to_its_last_temperature():
    config = enc.Config(t_start=20.0, t_end=2.0)
    np.testing.assert_allclose(enc.cooling(config, 4), [20, 14, 8, 2])
    assert enc.cooling(config, 1).tolist() == [2.0]


# ---- the spread and the statistics ---------------------------------------------------------------------------------


def test_pull_is_the_slope_of_the_spread():
    net = np.random.default_rng(1).normal(0, 1.5, (1, 6, 10))
    slope, eps = enc.pull(enc.sigmoid(net)) / 6, 1e-5
    for place in [(0, 0, 0), (0, 3, 7), (0, 5, 9)]:
        shift = np.zeros_like(net)
        shift[place] = eps
        up, down = (enc.spread_of(enc.sigmoid(net + sign * shift))[0] for sign in (1, -1))
        assert slope[place] == pytest.approx((up - down) / (2 * eps), abs=1e-8)


def test_spread_is_largest_for_balanced_uncorrelated_units():
    assert enc.spread_of(enc.STATES[None])[0] == pytest.approx(0)
    assert enc.spread_of(enc.STATES[None, :512])[0] < -0.1
    assert np.abs(enc.pull(0.5 + 0.4 * (2 * enc.STATES[None] - 1))).max() < 1e-12


def test_contrastive_divergence_approaches_the_exact_statistics():
    A = np.repeat(some_weights(seed=1, scale=3.0), 10, axis=0)
    _, p_free = enc.statistics(A, enc.Config(k=40, n_chains=10, spread=0.0), [enc.generators(s) for s in range(10)])
    assert np.abs(p_free.mean(axis=0) - enc.free_side(A[:1])[0]).max() < 0.05
    assert np.abs(p_free.mean(axis=0) - enc.free_side(A[:1])[0]).mean() < 0.01


# ---- training ------------------------------------------------------------------------------------------------------


def test_one_exact_step_raises_the_objective():
    config = enc.Config(algorithm="exact", rule="gradient", lr=0.1, weight_decay=0.0, decay=0.0, n_epochs=1,
                        eval_every=1)
    seen = []
    enc.train(config, [enc.generators(s) for s in range(2)], on_step=lambda e, i: seen.append(i["A"].copy()))
    before, after = (enc.objective(A, config) for A in seen)
    assert (after > before).all()


def test_whole_runs_are_the_same_alone_and_in_a_batch():
    settings = {"n_epochs": 60, "n_trials": 3, "gibbs_sweeps": 20}
    together = enc.run_batch(range(3), **settings)
    assert together == [enc.run(seed, **settings) for seed in range(3)]


def test_evaluating_more_often_changes_no_accuracy():
    a, b = (enc.run(0, n_epochs=40, n_trials=3, gibbs_sweeps=20, eval_every=every) for every in (7, 40))
    assert {k: v for k, v in a.items() if k != "epochs"} == {k: v for k, v in b.items() if k != "epochs"}


# ---- records -------------------------------------------------------------------------------------------------------


def test_annealing_is_what_the_record_says_it_is():
    summary = records(ROOT / "encoder-40-10-40")["results.json"]["summary"]
    assert summary["asymptotic_accuracy"]["min"] == 1
    assert summary["single_chain_accuracy"]["min"] > summary["unannealed_accuracy"]["max"]


def test_spellings_of_the_earlier_catalog_run_unchanged(capsys):
    assert enc.main(["--seed", "0", "--n-cycles", "60", "--print-curve"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and "256 sweeps" in printed.out
