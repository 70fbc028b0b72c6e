"""Damage and recovery: words, the machine against enumeration, damage, and what counts as recovery."""

from dataclasses import replace

import numpy as np
import pytest
from catalog import ROOT, load

gs = load(ROOT / "grapheme-sememe")
SMALL = gs.Config(n_hidden=4)


def some_theta(config, seed=0, S=1, scale=0.8):
    return np.random.default_rng(seed).normal(0, scale, (S, gs.n_parameters(gs.layout(config))))


def some_words(config, seeds=(0,)):
    return tuple(np.stack(part) for part in zip(*(gs.make_words(config, gs.generators(s)) for s in seeds), strict=True))


# ---- data ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_words_have_one_letter_per_place_and_no_two_are_alike(seed):
    x, d = gs.make_words(gs.Config(), gs.generators(seed))
    assert x.shape == d.shape == (20, 30)
    assert (x.reshape(20, 3, 10).sum(axis=2) == 1).all()
    assert len(np.unique(x, axis=0)) == len(np.unique(d, axis=0)) == 20
    assert set(np.unique(d)) == {0, 1} and d.any(axis=1).all()


def test_meanings_are_drawn_with_their_probability_and_do_not_follow_the_letters():
    pairs = [gs.make_words(gs.Config(p_sememe=0.2), gs.generators(s)) for s in range(60)]
    assert abs(np.mean([d.mean() for _, d in pairs]) - 0.2) < 0.01
    pair = np.triu_indices(20, 1)
    likeness = [np.corrcoef((x @ x.T)[pair], (d @ d.T)[pair])[0, 1] for x, d in pairs]
    assert abs(np.mean(likeness)) < 0.03


def test_the_groups_are_eighteen_and_two():
    index = np.arange(20)
    assert index[gs.GROUPS["unrehearsed"]].tolist() == [0, 1]
    assert index[gs.GROUPS["rehearsed"]].tolist() == list(range(2, 20))


# ---- the machine against enumeration -------------------------------------------------------------------------------


def slow_joint(theta, x, n_sememes=4):
    """P(h, s | word) of a machine whose sememes beyond the first few are cut off, by loops over all states."""
    params = {k: v[0] for k, v in gs.unpack(theta, gs.layout(SMALL)).items()}
    H, S = gs.bits(4), gs.bits(n_sememes)
    minus_e = np.array([[h @ (x @ params["W1"] + params["b1"][0]) + s @ (h @ params["W2"][:, :n_sememes]
                         + params["b2"][0, :n_sememes]) for s in S] for h in H])
    p = np.exp(minus_e - minus_e.max())
    return H, S, p / p.sum()


def test_free_statistics_and_likelihood_against_all_states_of_both_layers():
    theta = some_theta(SMALL)
    params = gs.unpack(theta, gs.layout(SMALL))
    params["W2"][0, :, 4:] = 0
    params["b2"][0, 0, 4:] = -60.0  # the other sememes are never on
    x, d = some_words(SMALL)
    d[:, :, 4:] = 0
    got = gs.unpack(gs.free_exactly(params, x, SMALL)[0], gs.layout(SMALL))
    want, log_p = dict.fromkeys(got, 0), 0.0
    for word in range(20):
        H, S, p = slow_joint(theta, x[0, word])
        h, s = p.sum(axis=1) @ H, p.sum(axis=0) @ S
        want["W1"] += np.outer(x[0, word], h)
        want["b1"] += h
        want["W2"] += H.T @ p @ S
        want["b2"] += s
        log_p += np.log(p.sum(axis=0)[(d[0, word, :4] == S).all(axis=1)])[0]
    np.testing.assert_allclose(got["W1"][0], want["W1"], atol=1e-10)
    np.testing.assert_allclose(got["b1"][0, 0], want["b1"], atol=1e-10)
    np.testing.assert_allclose(got["W2"][0][:, :4], want["W2"], atol=1e-10)
    np.testing.assert_allclose(got["b2"][0, 0, :4], want["b2"], atol=1e-10)
    assert gs.log_likelihood(params, x, d, SMALL)[0] == pytest.approx(log_p)


def test_annealing_measures_the_machine_at_equilibrium():
    config = replace(SMALL, n_chains=400, anneal_sweeps=20)
    params = gs.unpack(some_theta(SMALL, seed=2, scale=0.6), gs.layout(SMALL))
    x, _ = some_words(SMALL)
    got = gs.unpack(gs.free(params, x, config, [gs.generators(3)]), gs.layout(SMALL))
    want = gs.unpack(gs.free_exactly(params, x, SMALL)[0], gs.layout(SMALL))
    for name, value in want.items():
        error = (got[name] - value) / 20  # per word
        assert np.abs(error).max() < 0.025 and np.abs(error).mean() < 0.01, name


def test_reading_gives_the_exact_probabilities_of_the_sememes():
    theta = some_theta(SMALL, seed=4, scale=0.6)
    params = gs.unpack(theta, gs.layout(SMALL))
    x, _ = some_words(SMALL)
    reads = [gs.reader(x, SMALL, [gs.generators(s)])(theta) for s in range(40)]
    exact = np.stack([gs.unpack(gs.free_exactly(params, x[:, i : i + 1], SMALL)[0], gs.layout(SMALL))["b2"][0, 0]
                      for i in range(20)])
    assert np.abs(np.mean(reads, axis=0)[0] - exact).max() < 0.03
    again = gs.reader(x, SMALL, [gs.generators(0)])
    np.testing.assert_array_equal(again(theta), again(theta))


def test_both_gradients_raise_their_likelihood():
    for algorithm in ("boltzmann", "backprop"):
        config = replace(SMALL, algorithm=algorithm)
        theta, (x, d) = some_theta(config, scale=0.3), some_words(config)
        params = gs.unpack(theta, gs.layout(config))
        before = gs.log_likelihood(params, x, d, config)[0]
        for name, g in gs.gradient(params, x, d, config).items():
            params[name] += 1e-3 * g
        assert gs.log_likelihood(params, x, d, config)[0] > before


def test_the_check_of_back_propagation_passes_and_can_fail(monkeypatch, capsys):
    assert gs.main(["--gradcheck", "--algorithm", "backprop"]) == 0
    right = gs.backprop
    monkeypatch.setattr(gs, "backprop", lambda *args: 1.001 * right(*args))
    assert gs.main(["--gradcheck", "--algorithm", "backprop"]) == 1
    assert "FAILED" in capsys.readouterr().out


# ---- damage and relearning -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, severity", [("noise", 1.5), ("zero", 0.4), ("cut", 0.4)])
def test_damage_hits_the_weights_and_spares_the_biases(kind, severity):
    config = gs.Config(damage=kind, severity=severity)
    theta = some_theta(config, S=2)
    damaged, alive = gs.damage(theta, config, [gs.generators(s) for s in range(2)])
    old, new, living = (gs.unpack(t, gs.layout(config)) for t in (theta, damaged, alive))
    for name in ("b1", "b2"):
        np.testing.assert_array_equal(old[name], new[name])
        assert (living[name] == 1).all()
    for name in ("W1", "W2"):
        change = new[name] - old[name]
        if kind == "noise":
            bound = severity * old[name].std(axis=(1, 2), keepdims=True)
            assert (np.abs(change) <= bound).all() and abs((change / bound).std() - 3**-0.5) < 0.03
        else:
            hit = new[name] == 0
            assert abs(hit.mean() - severity) < 0.05
            np.testing.assert_array_equal(living[name] == 0, hit if kind == "cut" else np.zeros_like(hit))


def test_what_is_cut_stays_cut_and_what_is_zeroed_may_come_back():
    for kind, stays in (("cut", True), ("zero", False)):
        config = gs.Config(damage=kind, severity=0.5, n_epochs=5, n_relearn=5)
        theta = gs.train(config, gs.generators(0))["theta"]
        gone = theta["damaged"][0] == 0
        assert gone.mean() > 0.4
        assert (theta["relearned"][0][gone] == 0).all() == stays


def test_relearning_never_sees_the_two_words(monkeypatch):
    seen, learn = [], gs.learn
    monkeypatch.setattr(gs, "learn", lambda theta, alive, words, *rest: seen.append(words) or learn(
        theta, alive, words, *rest))
    result = gs.train(gs.Config(n_epochs=2, n_relearn=2), gs.generators(0))
    for given, whole in zip(zip(*seen, strict=True), result["words"], strict=True):
        np.testing.assert_array_equal(given[0], whole)
        np.testing.assert_array_equal(given[1], whole[:, 2:])


def test_scores_of_made_up_answers():
    _, d = gs.make_words(gs.Config(), gs.generators(0))
    right = gs.scores(d * 0.8 + 0.1, d)
    for group in gs.GROUPS:
        assert right[group][:2] == (1.0, 1.0) and right[group][2] > 0.1
    off = gs.scores(np.zeros((20, 30)), d)
    assert off["rehearsed"][0] == pytest.approx(1 - d[2:].mean()) and off["rehearsed"][1] == 0
    every = np.mean([gs.scores(np.zeros((20, 30)), gs.make_words(gs.Config(), gs.generators(s))[1])["unrehearsed"][2]
                     for s in range(200)])
    assert abs(every) < 0.01, "an answer that does not depend on the word is not specific"


def test_before_learning_nothing_is_specific():
    metrics = gs.run_batch(range(30), n_epochs=1, lr=1e-6, n_relearn=1, lr_relearn=1e-6)
    assert abs(np.mean([m["specific_pp"] for m in metrics])) < 2
    assert max(m["words_learned"] for m in metrics) == 0


def test_all_words_are_learned_and_come_back_in_part():
    metrics = gs.run_batch(range(3))
    for m in metrics:
        assert m["words_learned"] >= 0.95 and m["rehearsed_relearned"] > m["rehearsed_damaged"]
    assert np.mean([m["recovery_pp"] for m in metrics]) > 3


@pytest.mark.parametrize("settings", [{}, {"algorithm": "backprop"}, {"damage": "cut", "severity": 0.3}])
def test_runs_are_the_same_alone_and_in_a_batch(settings):
    together = gs.run_batch(range(4), n_epochs=25, n_relearn=8, **settings)
    assert together == [gs.run(seed, n_epochs=25, n_relearn=8, **settings) for seed in range(4)]


def test_the_hook_changes_nothing():
    config = gs.Config(n_epochs=15, n_relearn=4)
    reads, quiet = [], gs.train(config, gs.generators(1))
    loud = gs.train(config, gs.generators(1), on_step=lambda e, i: reads.append((e, i["stage"], i["read"](i["theta"]))))
    np.testing.assert_array_equal(quiet["theta"]["relearned"], loud["theta"]["relearned"])
    assert [s for _, s, _ in reads] == [0] * 16 + [1] + [2] * 4
    np.testing.assert_array_equal(reads[-1][2], loud["p"]["relearned"])
