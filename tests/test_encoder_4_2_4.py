"""The 4-2-4 encoder: patterns, energies and samplers against enumeration, and what the records say about minima."""

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

enc = load(ROOT / "encoder-4-2-4")
WIRINGS = ["paper", "paper+hidden", "bipartite"]


def some_weights(config, seed=0, scale=8.0, S=1):
    return np.random.default_rng(seed).normal(0, scale, (S, len(enc.machine(config.wiring).i)))


def slow_energies(W):
    """-sum_{i<j} w_ij s_i s_j of all 1024 states by a plain loop over pairs; W (11, 11)."""
    energies = []
    for state in enc.bits(10):
        s = [*state, 1]
        energies.append(-sum(W[i, j] * s[i] * s[j] for i in range(11) for j in range(i)))
    return np.array(energies)


# ---- data and wiring -----------------------------------------------------------------------------------------------


def test_patterns_are_one_hot_and_the_same_in_both_groups():
    assert (enc.PATTERNS.sum(axis=1) == 2).all()
    np.testing.assert_array_equal(enc.PATTERNS[:, :4], enc.PATTERNS[:, 4:])
    assert len(np.unique(enc.PATTERNS, axis=0)) == 4


@pytest.mark.parametrize("wiring, count", [("paper", 28), ("paper+hidden", 29), ("bipartite", 16)])
def test_connections(wiring, count):
    m = enc.machine(wiring)
    assert len(m.i) == count + 10
    pairs = set(zip(m.i.tolist(), m.j.tolist(), strict=True))
    assert not any(i < 4 <= j < 8 for i, j in pairs), "V1 and V2 speak through H alone"
    assert (m.j[-10:] == enc.BIAS).all() and sorted(m.i[-10:]) == list(range(10))
    assert ((8, 9) in pairs) == (wiring == "paper+hidden")


def test_cd_wants_the_bipartite_machine(capsys):
    assert enc.main(["--algorithm", "cd", "--connections", "paper"]) == 2
    printed = capsys.readouterr().err
    assert "--connections paper" in printed and printed.count("\n") == 1
    assert enc.Config(algorithm="cd").wiring == "bipartite"
    assert enc.Config().wiring == enc.Config(algorithm="exact").wiring == "paper"


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 0.99), st.floats(0, 0.99))
def test_noisy_patterns_are_a_distribution_around_the_patterns(p_off, p_on):
    config = enc.Config(p_off=p_off, p_on=p_on)
    clamped, free = enc.joint(some_weights(config), config)
    np.testing.assert_allclose([clamped.sum(), free.sum()], 1)
    on = clamped.reshape(256, 4).sum(axis=1) @ enc.bits(8)
    np.testing.assert_allclose(on, enc.clamping(config).mean(axis=0))
    np.testing.assert_allclose(on, 0.25 * (1 - p_off) + 0.75 * p_on)


# ---- enumeration against slow loops --------------------------------------------------------------------------------


@pytest.mark.parametrize("wiring", WIRINGS)
def test_joint_distribution_is_boltzmanns(wiring):
    config = enc.Config(connections=wiring)
    w = some_weights(config)
    energy = slow_energies(enc.matrix(w, config)[0])
    p = np.exp(-energy / 10)
    np.testing.assert_allclose(enc.joint(w, config)[1][0], p / p.sum(), rtol=1e-9)


@pytest.mark.parametrize("wiring", WIRINGS)
def test_evaluate_against_sums_over_the_joint_distribution(wiring):
    config = enc.Config(connections=wiring)
    w = some_weights(config, S=3)
    now = enc.evaluate(w, config)
    states = enc.bits(10)
    for s, p in enumerate(enc.joint(w, config)[1]):
        for k in range(4):
            match = (states[:, :4] == enc.PATTERNS[k, :4]).all(axis=1)
            q = p * match / p[match].sum()
            np.testing.assert_allclose(now["p_v2"][s, k], q @ states[:, 4:8])
            np.testing.assert_allclose(now["p_code"][s, k], [q @ (states[:, 8:] == h).all(axis=1) for h in enc.bits(2)])


def test_evaluate_of_a_hand_made_solution_and_of_nothing():
    config = enc.Config(connections="bipartite")
    m = enc.machine("bipartite")
    code = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    w = np.zeros((2, len(m.i)))
    for n, (i, j) in enumerate(zip(m.i, m.j, strict=True)):
        if j in (8, 9):
            w[0, n] = 60 * code[i % 4, j - 8]
        elif i < 8:
            w[0, n] = 30 - 60 * (code[i % 4] == 1).sum()  # on in the state of its own code alone
    good = enc.evaluate(w, config)
    assert good["solved"].tolist() == [True, False]
    assert good["codes"].tolist() == [[0, 1, 2, 3], [-1, -1, -1, -1]], "equal probabilities are no code"
    assert good["accuracy"].tolist() == [1, 0] and good["distinct_codes"].tolist() == [4, 0]


def test_solved_needs_four_codes_and_four_right_answers():
    assert enc.winner(np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])).tolist() == [1, -1]
    config = enc.Config()
    now = enc.evaluate(some_weights(config, S=200, scale=20), config)
    np.testing.assert_array_equal(now["solved"], (now["distinct_codes"] == 4) & (now["accuracy"] == 1))


# ---- statistics ----------------------------------------------------------------------------------------------------


def test_annealing_measures_boltzmanns_distribution():
    """Averaged over many cycles, both phases agree with enumeration: the chains are at equilibrium when measured."""
    for noise_every in ("annealing", "time", "probe"):
        config = enc.Config(n_chains=25, noise_every=noise_every)
        w = np.repeat(some_weights(config, seed=3, scale=6.0), 40, axis=0)
        measured = enc.annealing_statistics(w, config, [enc.generators(s) for s in range(40)])
        exact = enc.exact_statistics(w[:1], config)
        for got, want in zip(measured, exact, strict=True):
            error = got.mean(axis=0) - want[0]
            assert np.abs(error).max() < 0.035, noise_every
            assert np.abs(error).mean() < 0.01, noise_every


def test_contrastive_divergence_approaches_the_exact_statistics():
    config = enc.Config(algorithm="cd", k=60, n_chains=50)
    w = np.repeat(some_weights(config, seed=1, scale=5.0), 40, axis=0)
    measured = enc.cd_statistics(w, config, [enc.generators(s) for s in range(40)])
    exact = enc.exact_statistics(w[:1], config)
    for got, want in zip(measured, exact, strict=True):
        assert np.abs(got.mean(axis=0) - want[0]).max() < 0.02


def test_measured_shares_are_whole_counts():
    """Equal shares must be equal to the last bit, or the sign rule would move weights that should rest."""
    config = enc.Config()
    p, p_free = enc.annealing_statistics(some_weights(config, S=2), config, [enc.generators(s) for s in range(2)])
    for share, n in ((p, 8 * 20), (p_free, 8 * 100)):
        np.testing.assert_array_equal(share, np.round(share * n) / n)


@pytest.mark.parametrize("wiring", WIRINGS)
def test_curvature_is_the_slope_of_the_gradient(wiring):
    config = enc.Config(connections=wiring)
    w = some_weights(config, seed=5)[0]
    hessian, eps = enc.curvature(w, config), 1e-4

    def slope(x):
        p, p_free = enc.exact_statistics(x[None], config)
        return (p_free - p)[0] / enc.TEMPERATURE

    for n in range(0, len(w), 5):
        shift = np.zeros(len(w))
        shift[n] = eps
        np.testing.assert_allclose(hessian[n], (slope(w + shift) - slope(w - shift)) / (2 * eps), atol=1e-9)


def test_an_unsolved_exact_run_rests_in_a_minimum_and_a_saddle_is_told_apart():
    config = enc.Config(algorithm="exact", rule="gradient", lr=10.0, n_epochs=6000, connections="bipartite")
    result = enc.train(config, [enc.generators(s) for s in range(8)])
    stuck = np.flatnonzero(~result["solved"])
    assert len(stuck) > 0
    assert {enc.resting_place(result["w"][i], config) for i in stuck} == {"minimum"}
    w = np.zeros(len(enc.machine("bipartite").i))
    w[-10:] = -10.0  # hidden units that do not tell the patterns apart: Newton's method ends where symmetry holds it
    assert enc.resting_place(w, config) == "saddle"


# ---- training ------------------------------------------------------------------------------------------------------


def test_one_exact_step_raises_the_likelihood():
    config = enc.Config(algorithm="exact", rule="gradient", lr=1.0, n_epochs=1)
    seen = []
    enc.train(config, [enc.generators(s) for s in range(5)], on_step=lambda e, i: seen.append(i["w"].copy()))
    before, after = (enc.log_likelihood(w, config) for w in seen)
    assert (after > before).all()


def test_the_sign_rule_moves_each_weight_by_the_step_or_not_at_all():
    seen = []
    config = enc.Config(n_epochs=3, lr=2.0)
    enc.train(config, enc.generators(0), on_step=lambda e, i: seen.append(i["w"].copy()))
    moved = np.abs(np.diff(np.array(seen), axis=0))
    assert set(np.round(moved.ravel(), 9)) <= {0.0, 2.0}
    assert (moved > 0).mean() > 0.8


@pytest.mark.parametrize("settings", [{"n_epochs": 400}, {"algorithm": "cd"}, {"algorithm": "cd", "restart_after": 30},
                                      {"algorithm": "exact", "n_epochs": 60}])
def test_whole_runs_are_the_same_alone_and_in_a_batch(settings):
    together = enc.run_batch(range(6), **settings)
    assert together == [enc.run(seed, **settings) for seed in range(6)]


def test_restarts_draw_fresh_weights_and_are_counted():
    attempts = []
    config = enc.Config(algorithm="cd", restart_after=5, n_epochs=14)
    result = enc.train(config, enc.generators(0), on_step=lambda e, i: attempts.append((i["attempts"][0], i["w"][0])))
    assert [a for a, _ in attempts] == [1] * 5 + [2] * 5 + [3] * 5
    assert np.abs(attempts[5][1]).max() < 5 < np.abs(attempts[4][1]).max()
    assert not np.array_equal(attempts[0][1], attempts[5][1])
    assert result["attempts"][0] == 3


def test_holding_counts_the_cycles_that_stay_solved():
    config = enc.Config(algorithm="cd", n_hold=50)
    states = []
    result = enc.train(config, enc.generators(1), on_step=lambda e, i: states.append(bool(i["solved"][0])))
    first = result["epochs"][0]
    assert states.index(True) == first and len(states) == first + 51
    assert result["kept"][0] == np.mean(states[first + 1 :])


@pytest.mark.parametrize("argv", [["--epochs", "400", "--seed", "2"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert enc.main(argv) == 0
    assert capsys.readouterr().err == ""
