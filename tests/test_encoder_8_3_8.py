"""The 8-3-8 encoder: patterns, energies and samplers against enumeration, and the pull towards empty corners."""

import numpy as np
import pytest
from catalog import ROOT, load, records

enc = load(ROOT / "encoder-8-3-8")


def some_weights(seed=0, scale=6.0, S=1):
    A = np.random.default_rng(seed).normal(0, scale, (S, 17, 4))
    A[:, -1, -1] = 0
    return A


def slow_joint(A):
    """P(V2, H | V1) (8, 256, 8) with V1 clamped to each pattern, from the energies of all states."""
    v2 = enc.bits(8)
    p = np.zeros((8, 256, 8))
    for k in range(8):
        for s, h in enumerate(enc.STATES):
            v = np.concatenate([np.repeat(np.eye(8)[k : k + 1], 256, axis=0), v2, np.ones((256, 1))], axis=1)
            p[k, :, s] = np.exp(v @ A @ np.append(h, 1) / 10)
        p[k] /= p[k].sum()
    return p


def by_hand(codes):
    """Parameters (1, 17, 4) of a machine in which pattern k has the hidden state codes[k]."""
    A = np.zeros((1, 17, 4))
    signs = 2 * enc.STATES[codes] - 1
    A[0, :16, :3] = 80 * np.concatenate([signs, signs])
    A[0, :16, 3] = 40 - 80 * (np.concatenate([signs, signs]) == 1).sum(axis=1)  # on at its own corner alone
    return A


# ---- data and evaluation -------------------------------------------------------------------------------------------


def test_patterns_are_one_hot_and_the_same_in_both_groups():
    assert (enc.PATTERNS.sum(axis=1) == 2).all()
    np.testing.assert_array_equal(enc.PATTERNS[:, :8], enc.PATTERNS[:, 8:])
    assert len(np.unique(enc.PATTERNS, axis=0)) == 8


def test_evaluate_against_sums_over_all_states():
    A = some_weights(S=2)
    now = enc.evaluate(A)
    for s in range(2):
        p = slow_joint(A[s])
        np.testing.assert_allclose(now["p_code"][s], p.sum(axis=1))
        np.testing.assert_allclose(now["p_v2"][s], np.einsum("kvh,vi->ki", p, enc.bits(8)))


def test_evaluate_of_codes_made_by_hand():
    codes = [[3, 1, 4, 0, 5, 7, 2, 6], [3, 1, 4, 0, 5, 7, 2, 2]]
    now = enc.evaluate(np.concatenate([by_hand(np.array(c)) for c in codes] + [np.zeros((1, 17, 4))]))
    assert now["codes"].tolist() == [*codes, [-1] * 8]
    assert now["distinct_codes"].tolist() == [8, 7, 0] and now["solved"].tolist() == [True, False, False]
    assert now["accuracy"].tolist() == [1, 0.75, 0], "two patterns that share a corner cannot be told apart"


# ---- statistics ----------------------------------------------------------------------------------------------------


def test_free_side_against_a_sum_over_all_visible_states():
    A = some_weights(scale=8.0)
    v = np.concatenate([enc.bits(16), np.ones((2**16, 1))], axis=1)
    h = enc.with_one(enc.STATES)
    p = np.exp(v @ A[0] @ h.T / 10)
    np.testing.assert_allclose(enc.free_side(A)[0], v.T @ (p / p.sum()) @ h)


def test_contrastive_divergence_approaches_the_exact_statistics():
    A = np.repeat(some_weights(seed=1, scale=4.0), 40, axis=0)
    rngs = [enc.generators(s) for s in range(40)]
    p, p_free = enc.statistics(A, enc.Config(k=60, n_chains=12, spread=0.0), rngs)
    assert np.abs(p_free.mean(axis=0) - enc.free_side(A[:1])[0]).max() < 0.03
    v = enc.with_one(enc.PATTERNS)[None]
    np.testing.assert_allclose(p[0], (v.swapaxes(1, 2) @ enc.with_one(enc.hidden(A[:1], v)) / 8)[0])


def test_noisy_clamping_has_the_probabilities_of_its_options():
    config = enc.Config(p_off=0.2, p_on=0.1, n_chains=20, k=1)
    p, _ = enc.statistics(np.zeros((100, 17, 4)), config, [enc.generators(s) for s in range(100)])
    np.testing.assert_allclose(p[:, :16, 3].mean(axis=0), 0.8 / 8 + 0.1 * 7 / 8, atol=0.01)


# ---- the spread ----------------------------------------------------------------------------------------------------


def test_usage_is_a_distribution_over_the_corners():
    h = np.random.default_rng(0).random((3, 5, 3))
    p = enc.usage(h)
    np.testing.assert_allclose(p.sum(axis=2), 1)
    np.testing.assert_allclose(p @ enc.STATES, h)


def test_pull_is_the_slope_of_the_entropy():
    net = np.random.default_rng(1).normal(0, 1.5, (1, 8, 3))
    slope, eps = enc.pull(enc.sigmoid(net)) / 8, 1e-5
    for place in np.ndindex(net.shape):
        shift = np.zeros_like(net)
        shift[place] = eps
        up, down = (enc.spread_of(enc.sigmoid(net + sign * shift))[0] for sign in (1, -1))
        assert slope[place] == pytest.approx((up - down) / (2 * eps), abs=1e-8)


def test_pull_leads_out_of_a_shared_corner_and_vanishes_when_all_are_used():
    firm = 0.5 + 0.45 * (2 * enc.STATES - 1)
    assert np.abs(enc.pull(firm[None])).max() < 1e-12
    shared = firm.copy()
    shared[7] = firm[0]  # patterns 0 and 7 both stand at 000, nobody at 111
    pull = enc.pull(shared[None])[0]
    assert (pull[[0, 7]] > 0).all()
    assert enc.spread_of(shared[None]) < enc.spread_of(firm[None])


# ---- training ------------------------------------------------------------------------------------------------------


def test_one_exact_step_raises_the_objective():
    config = enc.Config(algorithm="exact", rule="gradient", lr=0.1, weight_decay=0.0, decay=0.0, n_epochs=1)
    seen = []
    enc.train(config, [enc.generators(s) for s in range(5)], on_step=lambda e, i: seen.append(i["A"].copy()))
    before, after = (enc.objective(A, config) for A in seen)
    assert (after > before).all()


def test_the_corner_of_the_matrix_is_no_parameter():
    for algorithm in ("cd", "exact"):
        A = enc.train(enc.Config(algorithm=algorithm, n_epochs=20), enc.generators(0))["A"]
        assert A[0, -1, -1] == 0 and (A[0].ravel()[:-1] != 0).all()


@pytest.mark.parametrize("settings", [{"n_epochs": 400}, {"algorithm": "exact", "n_epochs": 100}])
def test_whole_runs_are_the_same_alone_and_in_a_batch(settings):
    together = enc.run_batch(range(4), **settings)
    assert together == [enc.run(seed, **settings) for seed in range(4)]


def test_cycles_are_counted_as_the_hook_sees_them():
    seen = []
    result = enc.train(enc.Config(n_epochs=300), enc.generators(1), on_step=lambda e, i: seen.append(i["solved"][0]))
    settled = result["settled"][0]
    assert result["epochs"][0] == seen.index(True)
    assert all(seen[settled:]) and (settled in (0, 300) or not seen[settled - 1])


# ---- records -------------------------------------------------------------------------------------------------------


def test_the_spread_is_what_the_records_say_it_is():
    rates = {file: r["summary"]["solved"]["rate"] for file, r in records(ROOT / "encoder-8-3-8").items()}
    assert rates["results.json"] >= 0.95
    assert rates["results-no-spread.json"] < 0.5


@pytest.mark.parametrize("argv", [["--seed", "0", "--n-cycles", "4000"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert enc.main(argv) == 0
    assert capsys.readouterr().err == ""
