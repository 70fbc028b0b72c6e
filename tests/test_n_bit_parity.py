"""Parity: the data, the thermometer by hand, what the metrics say of codes, and perturbation."""

from itertools import product

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

parity = load(ROOT / "n-bit-parity")


@pytest.mark.parametrize("n", range(2, 9))
def test_the_data_is_parity_and_every_bit_turns_it(n):
    X, D, count = parity.cases(parity.Config(n_bits=n, encoding="binary"))
    assert X.shape == (2**n, n) and len({tuple(x) for x in X}) == 2**n
    assert D.mean() == 0.5, "a constant answer is right half of the time"
    of = {tuple(x): d for x, d in zip(X, D[:, 0], strict=True)}
    for (x, d), k in zip(of.items(), count, strict=True):
        assert d == sum(x) % 2 and k == sum(x)
        assert all(of[(*x[:i], 1 - x[i], *x[i + 1 :])] == 1 - d for i in range(n))
    bipolar = parity.cases(parity.Config(n_bits=n))[0]
    np.testing.assert_array_equal(bipolar, 2 * X - 1)


@pytest.mark.parametrize("n", range(2, 9))
def test_number_of_parameters(n):
    config = parity.Config(n_bits=n)
    assert parity.initial(config, [parity.generators(0)]).shape == (1, n * n + 2 * n + 1)
    assert parity.layout(parity.Config(n_bits=n, n_hidden=3))["W1"] == (n, 3)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 5), st.integers(1, 4), st.integers(0, 10**6))
def test_forward_equals_a_unit_by_unit_computation(n, S, seed):
    config = parity.Config(n_bits=n)
    shapes, X = parity.layout(config), parity.cases(config)[0]
    params = parity.unpack(np.random.default_rng(seed).normal(size=(S, parity.n_parameters(shapes))), shapes)
    y, f = parity.forward(params, X)

    def squash(v):
        return 1 / (1 + np.exp(-v))

    for s, case in product(range(S), range(0, 2**n, 3)):
        h = [squash(sum(X[case] * params["W1"][s, :, j]) + params["b1"][s, 0, j]) for j in range(n)]
        np.testing.assert_allclose(f[s, case], h, rtol=1e-9)
        out = squash(sum(h * params["W2"][s, :, 0]) + params["b2"][s, 0, 0])
        assert y[s, case, 0] == pytest.approx(out, rel=1e-9)


def thermometer(config, signs):
    """Parameters of the textbook net: unit k is on when at least k bits agree with `signs`."""
    n = config.n_bits
    params = parity.unpack(np.zeros((1, parity.n_parameters(parity.layout(config)))), parity.layout(config))
    params["W1"][0] = 10.0 * np.array(signs)[:, None]  # net input 10 (2 agreeing - n)
    params["b1"][0] = -10.0 * (2 * np.arange(1, n + 1) - 1 - n)
    params["W2"][0, :, 0] = 20.0 * (-1.0) ** np.arange(n)
    params["b2"][0] = -10
    return params


def measured(config, params):
    y, _ = parity.forward(params, parity.cases(config)[0])
    theta = np.concatenate([value.ravel() for value in params.values()])[None]
    result = {"theta": theta, "y": y[:, :, 0], "loss": [0.0], "converged": [True], "epochs": [1], "perturbations": [0]}
    return parity.metrics_of(result, 0, config)


@pytest.mark.parametrize("n", range(2, 9))
def test_n_hidden_units_are_enough(n):
    config = parity.Config(n_bits=n)
    metrics = measured(config, thermometer(config, [1] * n))
    assert metrics["accuracy"] == 1
    assert metrics["monotonicity"] == pytest.approx(1)
    assert metrics["thermometer"] and metrics["thermometer_flipped"]


def test_metrics_tell_codes_apart():
    config = parity.Config()
    flipped = measured(config, thermometer(config, [1, -1, -1, 1]))
    assert flipped["thermometer_flipped"] and not flipped["thermometer"] and flipped["monotonicity"] < 0.1
    uneven = thermometer(config, [1] * 4)
    uneven["W1"][0, 0, 0] *= 3
    assert not measured(config, uneven)["thermometer_flipped"]
    two_patterns = thermometer(config, [1] * 4)
    two_patterns["W1"][0, 0, 0] *= -1
    assert not measured(config, two_patterns)["thermometer_flipped"]
    negative = thermometer(config, [1] * 4)  # a unit that falls with the count is a thermometer too
    for name in ("W1", "b1"):
        negative[name][0, :, 1] *= -1
    assert measured(config, negative)["thermometer"]


def test_mean_activations_are_means_over_cases_with_a_count():
    config = parity.Config(n_bits=3)
    params = parity.unpack(np.random.default_rng(1).normal(size=(2, 16)), parity.layout(config))
    X, _, count = parity.cases(config)
    f = parity.forward(params, X)[1]
    means = parity.mean_activations(params, config)
    for s, k, j in product(range(2), range(4), range(3)):
        assert means[s, k, j] == pytest.approx(np.mean([f[s, c, j] for c in range(8) if count[c] == k]))


def test_perturbation_frees_runs_that_are_stuck_without_it():
    plain = parity.run_batch(range(8), perturb=False, n_epochs=3000)
    freed = parity.run_batch(range(8), n_epochs=10000)
    assert sum(m["converged"] for m in plain) < 8
    assert all(m["converged"] for m in freed)
    assert all(m["perturbations"] for m, p in zip(freed, plain, strict=True) if not p["converged"])


def test_the_step_is_divided_by_the_number_of_cases():
    config = parity.Config(n_bits=3, n_epochs=1, lr=0.8, perturb=False)
    theta, shapes = parity.initial(config, [parity.generators(2)]), parity.layout(config)
    X, D, _ = parity.cases(config)
    params, grad = parity.unpack(theta, shapes), np.empty_like(theta)
    y, f = parity.forward(params, X)
    parity.backward(params, X, D, y, f, parity.unpack(grad, shapes))
    np.testing.assert_allclose(parity.train(config, parity.generators(2))["theta"], theta - 0.1 * grad, rtol=1e-12)


def test_the_full_recipe_is_the_same_alone_and_in_a_batch():
    together = parity.run_batch(range(4), n_bits=5)
    assert all(m["converged"] for m in together) and any(m["perturbations"] for m in together)
    assert together == [parity.run(seed, n_bits=5) for seed in range(4)]


@pytest.mark.parametrize("argv, runs", [(["--n-bits", "4", "--seed", "0"], 1),
                                        (["--sweep-n", "2-4", "--sweep", "2", "--max-epochs", "50"], 3)])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, runs, capsys):
    assert parity.main([*argv, "--quick"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and printed.out.count("n-bit-parity:") == runs


def test_a_range_that_crosses_is_refused(capsys):
    assert parity.main(["--sweep-n", "7-2", "--quick"]) == 2
    assert "--sweep-n" in capsys.readouterr().err
