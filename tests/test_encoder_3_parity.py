"""Three-bit parity: moments, energies, Gibbs sampling against slow sums, and how many hidden units are enough."""

import numpy as np
import pytest
from catalog import ROOT, load

par = load(ROOT / "encoder-3-parity")
MACHINES = [{"n_hidden": n, "connections": c, "units": u} for n in (0, 1, 3) for c in ("paper", "bipartite")
            for u in ("signed", "binary")]


def some_theta(config, seed=0, S=1, scale=1.0):
    return np.random.default_rng(seed).normal(0, scale, (S, par.n_parameters(par.layout(config))))


def slow_joint(theta, config):
    """P(v, h) (8, 2^H) of one network by plain loops over units."""
    params, low, weights = par.unpack(theta, par.layout(config)), config.low, []
    for state in par.bits(3):
        v = [1.0 if s else low for s in state]
        row = []
        for on in par.bits(config.n_hidden):
            h = [1.0 if s else low for s in on]
            minus_e = sum(params["b_v"][i] * v[i] for i in range(3))
            if config.connections == "paper":
                minus_e += sum(params["L"][n] * v[i] * v[j] for n, (i, j) in enumerate(((0, 1), (0, 2), (1, 2))))
            for j in range(config.n_hidden):
                minus_e += h[j] * (params["b_h"][0, j] + sum(params["W"][i, j] * v[i] for i in range(3)))
            row.append(np.exp(minus_e))
        weights.append(row)
    p = np.array(weights)
    return p / p.sum()


def test_the_ensemble_has_the_moments_of_the_uniform_distribution():
    assert par.TARGET.sum() == 1 and (par.TARGET > 0).sum() == 4
    assert {tuple(s) for s in par.STATES[par.EVEN]} == {(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)}
    for units in ("signed", "binary"):
        f = par.features(par.Config(units=units))
        np.testing.assert_allclose(par.TARGET @ f, f.mean(axis=0), atol=1e-15)
    third = np.where(par.STATES, 1, -1).prod(axis=1)
    assert abs(par.TARGET @ third) == 1 and third.mean() == 0, "only the third order tells them apart"


@pytest.mark.parametrize("machine", MACHINES)
def test_distribution_is_boltzmanns(machine):
    config = par.Config(**machine)
    theta = some_theta(config)
    np.testing.assert_allclose(np.exp(par.log_p(theta, config)[0]), slow_joint(theta[0], config).sum(axis=1), rtol=1e-9)


@pytest.mark.parametrize("machine", MACHINES)
def test_statistics_are_expectations_over_the_joint_distribution(machine):
    config = par.Config(**machine)
    theta = some_theta(config)
    joint = slow_joint(theta[0], config)
    v = np.where(par.STATES, 1.0, config.low)
    h = np.where(par.bits(config.n_hidden), 1.0, config.low)
    pairs = [v[:, i] * v[:, j] for i, j in par.PAIRS] if config.connections == "paper" else []
    wanted = np.concatenate([np.column_stack([v, *pairs]).T @ joint.sum(axis=1), (v.T @ joint @ h).ravel(),
                             joint.sum(axis=0) @ h])
    got = par.statistics(theta, joint.sum(axis=1)[None], config)[0]
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


@pytest.mark.parametrize("machine", MACHINES)
def test_gibbs_sampling_leaves_the_distribution_alone_and_goes_there(machine):
    config = par.Config(**machine)
    theta = some_theta(config, scale=0.5)
    p, T = np.exp(par.log_p(theta, config)), par.transition(theta, config)
    np.testing.assert_allclose(T.sum(axis=2), 1)
    np.testing.assert_allclose((p[:, None] @ T)[:, 0], p, rtol=1e-9)
    joint = slow_joint(theta[0], config)
    one_step = (joint / joint.sum(axis=1, keepdims=True)) @ (joint / joint.sum(axis=0)).T
    np.testing.assert_allclose(T[0], one_step, rtol=1e-9)
    np.testing.assert_allclose(np.linalg.matrix_power(T, 300)[0], np.tile(p[0], (8, 1)), rtol=1e-6)


def test_reconstructions_follow_the_transition_matrix():
    config = par.Config(n_hidden=3, algorithm="cd", k=2, n_chains=50000)
    theta = some_theta(config)
    wanted = par.TARGET @ np.linalg.matrix_power(par.transition(theta, config)[0], 2)
    got = par.reconstructed(theta, config, [par.generators(0)])[0]
    assert got.sum() == pytest.approx(1)
    assert np.abs(got - wanted).max() < 0.006


def test_without_hidden_units_no_weights_do_better_than_ln_2():
    for connections in ("paper", "bipartite"):
        config = par.Config(n_hidden=0, connections=connections)
        kl = par.evaluate(par.log_p(some_theta(config, S=500, scale=0.5), config))["kl"]
        assert kl.min() > np.log(2)
        uniform = par.evaluate(par.log_p(np.zeros((1, par.n_parameters(par.layout(config)))), config))
        assert uniform["kl"][0] == pytest.approx(np.log(2)) and uniform["p_even"][0] == pytest.approx(0.5)


def test_one_hidden_unit_made_by_hand_is_parity():
    """With n units on, log P(v) is 4a, 3a, 4a, 3a for n = 0, 1, 2, 3, less a constant."""
    config, a = par.Config(units="binary"), 20.0
    theta = np.zeros((1, par.n_parameters(par.layout(config))))
    params = par.unpack(theta[0], par.layout(config))
    params["b_v"][:], params["L"][:] = 3 * a, -2 * a
    params["W"][:], params["b_h"][:] = -4 * a, 4 * a
    # 3 a n - a n (n - 1) + log(1 + exp(4 a (1 - n))): the bend of the last term makes the third difference
    now = par.evaluate(par.log_p(theta, config))
    assert now["solved"][0] and now["kl"][0] < 1e-6


def test_one_exact_step_raises_the_likelihood():
    seen = []
    config = par.Config(n_epochs=3, lr=0.02, momentum=0.0)
    par.train(config, [par.generators(s) for s in range(5)], on_step=lambda e, i: seen.append(i["kl"]))
    assert (np.diff(np.array(seen), axis=0) < 0).all()


@pytest.mark.parametrize("settings", [{}, {"n_hidden": 3, "connections": "bipartite", "init_scale": 0.3}])
def test_every_seed_of_a_machine_that_can_arrives(settings):
    assert all(m["solved"] for m in par.run_batch(range(20), n_epochs=1500, **settings))


@pytest.mark.parametrize("settings", [{"n_hidden": 0}, {"n_hidden": 2, "connections": "bipartite"}])
def test_no_seed_of_a_machine_that_cannot_arrives(settings):
    metrics = par.run_batch(range(20), n_epochs=500, **settings)
    assert not any(m["solved"] for m in metrics)
    if not settings["n_hidden"]:
        assert max(m["floor_gap"] for m in metrics) < 1e-6


@pytest.mark.parametrize("settings", [{"n_hidden": 0}, {"algorithm": "cd", "n_hidden": 4, "connections": "bipartite"}])
def test_runs_are_the_same_alone_and_in_a_batch(settings):
    together = par.run_batch(range(5), n_epochs=150, **settings)
    assert together == [par.run(seed, n_epochs=150, **settings) for seed in range(5)]


@pytest.mark.parametrize("argv", [["--n-hidden", "0", "--seed", "0"], ["--n-hidden", "4", "--seed", "0"]])
def test_commands_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert par.main([*argv, "--n-epochs", "50"]) == 0
    assert capsys.readouterr().err == ""
