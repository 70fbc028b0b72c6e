"""The shifter: what the pairs tell, the best possible, the machine against slow sums, held-out cases."""

import numpy as np
import pytest
from catalog import ROOT, load

shf = load(ROOT / "shifter")
MACHINES = [{"units": u, "n_hidden": 4, "n_ring": 4} for u in ("signed", "binary")]


def some_params(config, seed=0, S=1, scale=0.7):
    shapes = shf.layout(config)
    theta = np.random.default_rng(seed).normal(0, scale, (S, shf.n_parameters(shapes)))
    return shf.unpack(theta, shapes)


def slow_weights(params, config, x, s=0):
    """exp(-E) (3, 2^H) of every state of V3 and the hidden units, with V1 and V2 clamped to `x`, by plain loops."""
    v = [1.0 if on else config.low for on in x]
    weights = np.zeros((3, 2**config.n_hidden))
    for k in range(3):
        for m, state in enumerate(shf.bits(config.n_hidden)):
            h = [1.0 if on else config.low for on in state]
            minus_e = params["b_3"][s, 0, k] + (sum(params["b_v"][s, 0, i] * v[i] for i in range(len(v)))
                                               if "b_v" in params else 0)
            for j in range(config.n_hidden):
                net = params["b_h"][s, 0, j] + params["U"][s, k, j]
                net += sum(params["W"][s, i, j] * v[i] for i in range(len(v)))
                minus_e += h[j] * net
            weights[k, m] = np.exp(minus_e)
    return weights


# ---- data ----------------------------------------------------------------------------------------------------------


def test_cases_are_all_rings_with_all_shifts():
    x, shift, on = shf.cases(8)
    assert x.shape == (768, 16) and len(np.unique(x[shift == 1], axis=0)) == 256
    for s, step in enumerate(shf.SHIFTS):
        v1, v2 = x[shift == s, :8], x[shift == s, 8:]
        for i in range(8):
            np.testing.assert_array_equal(v2[:, (i + step) % 8], v1[:, i])
    np.testing.assert_array_equal(on, x[:, :8].sum(axis=1))


def test_no_pair_tells_the_shift_and_a_triple_does():
    x, shift, _ = shf.cases(8)
    signed = 2 * x - 1
    for s in range(3):
        np.testing.assert_allclose(signed[shift == s].mean(axis=0), 0, atol=1e-12)
    agree = np.array([[(signed[shift == s][:, i] * signed[shift == s][:, 8 + j]).mean() for j in range(8)]
                      for s in range(3) for i in range(8)]).reshape(3, 8, 8)
    for s, step in enumerate(shf.SHIFTS):
        np.testing.assert_allclose(agree[s], np.roll(np.eye(8), step, axis=1), atol=1e-12)


def test_best_possible_by_counting():
    best = shf.best_possible(8)
    np.testing.assert_allclose(best[[1, 2, 3, 5, 6, 7]], 1)
    np.testing.assert_allclose(best[[0, 8]], 1 / 3)
    assert best[4] == pytest.approx(208 / 210), "two alternating rings, each the same to the left and to the right"
    x, shift, on = shf.cases(8)
    seen = {}
    for row, s in zip(map(tuple, x), shift, strict=True):
        seen.setdefault(row, []).append(s)
    assert best @ np.bincount(on) == pytest.approx(len(seen))


def test_chance_is_a_third():
    accuracy = [shf.run(seed, n_epochs=1, lr=1e-9)["accuracy"] for seed in range(8)]
    assert abs(np.mean(accuracy) - 1 / 3) < 0.06


def test_held_out_states_of_v1_are_never_trained_on():
    config = shf.Config(held_out=0.2)
    x, _, _ = shf.cases(8)
    for seed in range(3):
        train, test = shf.split(config, shf.generators(seed))
        assert len(train) + len(test) == 768 and not set(train) & set(test)
        assert len(test) == 3 * round(0.2 * 256)
        assert not {tuple(r) for r in x[train][:, :8]} & {tuple(r) for r in x[test][:, :8]}
    train, test = shf.split(shf.Config(), shf.generators(0))
    assert len(train) == 768 and len(test) == 0


# ---- model ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
def test_answers_are_boltzmanns_distribution_of_v3(machine):
    config = shf.Config(**machine)
    params, (x, _, _) = some_params(config, S=2), shf.cases(4)
    p = shf.answers(params, config)
    for s in range(2):
        for n in (0, 7, 22, 40):
            weights = slow_weights(params, config, x[n], s)
            np.testing.assert_allclose(p[s, n], weights.sum(axis=1) / weights.sum(), rtol=1e-9)


@pytest.mark.parametrize("machine", MACHINES)
def test_one_step_of_gibbs_sampling_against_enumeration(machine):
    """Over many chains, the data's <v h> minus that after one step from a case is the exact expectation."""
    config = shf.Config(algorithm="cd", **machine)
    params, n_chains = some_params(config, scale=0.5), 100000
    x, shift, _ = shf.cases(4)
    v0, s0 = np.where(x[9], 1.0, config.low), shift[9]
    v, s = np.broadcast_to(v0, (1, n_chains, 8)), np.full((1, n_chains), s0)
    noise = np.random.default_rng(1).random((1, n_chains, 1, config.n_hidden + 9))
    out = shf.contrast(params, v, s, config, noise, {k: np.empty_like(p) for k, p in params.items()})

    def given_v(values, k):  # E[h | V]
        net = values @ params["W"][0] + params["U"][0][k] + params["b_h"][0, 0]
        return shf.mean_unit(net, config)

    W, U = params["W"][0], params["U"][0]
    minus = {"W": 0, "U": 0, "b_3": 0, "b_v": 0}
    p_on = 1 / (1 + np.exp(-(1 - config.low) * (v0 @ W + U[s0] + params["b_h"][0, 0])))
    for state in shf.bits(4):
        h = np.where(state, 1.0, config.low)
        p_h = np.where(state, p_on, 1 - p_on).prod()
        p_v = 1 / (1 + np.exp(-(1 - config.low) * (W @ h + params["b_v"][0, 0])))
        p_3 = shf.softmax(U @ h + params["b_3"][0, 0])
        for visible in shf.bits(8):
            value = np.where(visible, 1.0, config.low)
            for k in range(3):
                p = p_h * np.where(visible, p_v, 1 - p_v).prod() * p_3[k]
                again = given_v(value, k)
                minus["W"] += p * np.outer(value, again)
                minus["U"] += p * np.outer(np.eye(3)[k], again)
                minus["b_3"] += p * np.eye(3)[k]
                minus["b_v"] += p * value
    plus = given_v(v0, s0)
    wanted = {"W": np.outer(v0, plus), "U": np.outer(np.eye(3)[s0], plus), "b_3": np.eye(3)[s0], "b_v": v0}
    for name, value in wanted.items():
        assert np.abs(out[name][0] - (value - minus[name])).max() < 0.02, name


def test_one_small_step_raises_the_likelihood():
    losses = []
    shf.train(shf.Config(n_epochs=12, lr=0.05, momentum=0.0, batch_size=768, init_scale=0.3), shf.generators(0),
              on_step=lambda e, i: losses.append(i["loss"][0]))
    assert (np.diff(losses[1:]) < 0).all()


# ---- training ------------------------------------------------------------------------------------------------------


def test_every_answer_that_can_be_right_is_right():
    metrics = shf.run_batch(range(4), n_epochs=40)
    for m in metrics:
        assert m["optimal"] and m["accuracy"] == pytest.approx(762 / 768) and m["accuracy_1_7"] > 0.997


@pytest.mark.parametrize("settings", [{"held_out": 0.2}, {"algorithm": "cd", "units": "binary", "k": 2}])
def test_runs_are_the_same_alone_and_in_a_batch(settings):
    together = shf.run_batch(range(4), n_epochs=4, **settings)
    assert together == [shf.run(seed, n_epochs=4, **settings) for seed in range(4)]


def test_commands_of_the_earlier_catalog_run_unchanged(capsys):
    assert shf.main(["--N", "8", "--hidden", "24", "--epochs", "4", "--seed", "0"]) == 0
    assert capsys.readouterr().err == ""
