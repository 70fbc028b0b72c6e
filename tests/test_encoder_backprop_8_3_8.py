"""The 8-3-8 encoder: the data, distinct codes, and what decay and perturbation are for."""

from itertools import product

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

encoder = load(ROOT / "encoder-backprop-8-3-8")
SHAPES = encoder.layout(encoder.Config())


def test_the_data_is_one_input_in_eight_and_the_targets_are_the_inputs():
    assert encoder.X.shape == encoder.D.shape == (8, 8)
    np.testing.assert_array_equal(encoder.X, encoder.D)
    np.testing.assert_array_equal(encoder.X.sum(axis=0), 1)
    np.testing.assert_array_equal(encoder.X.sum(axis=1), 1)
    assert encoder.n_parameters(SHAPES) == 59


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(0, 10**6))
def test_forward_equals_a_unit_by_unit_computation(S, seed):
    params = encoder.unpack(np.random.default_rng(seed).normal(size=(S, 59)) * 2, SHAPES)
    y, f = encoder.forward(params, encoder.X)

    def squash(v):
        return 1 / (1 + np.exp(-v))

    for s, case in product(range(S), range(8)):
        h = [squash(params["W1"][s, case, j] + params["b1"][s, 0, j]) for j in range(3)]  # one input is on
        out = [squash(sum(h * params["W2"][s, :, k]) + params["b2"][s, 0, k]) for k in range(8)]
        np.testing.assert_allclose(f[s, case], h, rtol=1e-9)
        np.testing.assert_allclose(y[s, case], out, rtol=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10**6))
def test_codes_are_counted_as_by_a_set(S, seed):
    f = np.random.default_rng(seed).uniform(size=(S, 8, 3))
    assert list(encoder.n_codes(f)) == [len({tuple(row > 0.5) for row in net}) for net in f]
    corners = np.array(list(product([0.1, 0.9], repeat=3)))
    assert list(encoder.n_codes(np.stack([corners, np.full((8, 3), 0.9)]))) == [8, 1]


def test_the_corners_of_the_cube_solve_it_by_hand():
    signs = np.array(list(product([-1, 1], repeat=3)))
    W2, threshold = 20.0 * signs.T, 20.0 * (np.maximum(signs, 0).sum(axis=1) - 0.5)  # on for its own corner alone
    params = {"W1": 5.0 * signs, "b1": np.zeros((1, 3)), "W2": W2, "b2": -threshold[None]}
    params = {name: value[None] for name, value in params.items()}
    y, f = encoder.forward(params, encoder.X)
    assert encoder.n_codes(f)[0] == 8
    assert np.abs(y[0] - encoder.D).max() < 0.01


def test_right_outputs_do_not_need_eight_codes():
    """Without decay some seeds have every output right with seven codes, and are not solved."""
    settings_ = {"weight_decay": 0.0, "perturb": False, "n_epochs": 4000}
    stuck = [m for m in encoder.run_batch(range(12), **settings_) if not m["solved"]]
    assert stuck
    assert all(m["accuracy"] == 1 and m["distinct_codes"] == 7 for m in stuck)


def test_solved_means_right_outputs_and_eight_codes():
    config = encoder.Config(n_epochs=3000)
    result = encoder.train(config, [encoder.generators(s) for s in range(12)])
    solved = result["converged"]
    assert solved.any() and not solved.all()
    y, f = encoder.forward(encoder.unpack(result["theta"], SHAPES), encoder.X)
    right = np.abs(y - encoder.D).max(axis=(1, 2)) < config.margin
    np.testing.assert_array_equal(solved, right & (encoder.n_codes(f) == 8))


def test_decay_pulls_every_weight():
    """One step by hand: v = -lr (dE/dw + decay w)."""
    config = encoder.Config(n_epochs=1, lr=0.2, weight_decay=0.3, perturb=False)
    theta = encoder.initial(config, [encoder.generators(3)])
    params, grad = encoder.unpack(theta, SHAPES), np.empty_like(theta)
    y, f = encoder.forward(params, encoder.X)
    encoder.backward(params, encoder.X, encoder.D, y, f, encoder.unpack(grad, SHAPES))
    result = encoder.train(config, encoder.generators(3))
    np.testing.assert_allclose(result["theta"], theta - 0.2 * (grad + 0.3 * theta), rtol=1e-12)


def test_one_step_lowers_the_error():
    losses = []
    config = encoder.Config(n_epochs=2, lr=0.01, momentum=0.0, perturb=False)
    encoder.train(config, encoder.generators(0), on_step=lambda epoch, info: losses.append(info["loss"][0]))
    assert losses[0] > losses[1] > losses[2]


def test_the_recipe_is_the_same_alone_and_in_a_batch_when_rows_leave_and_are_perturbed():
    settings_ = {"n_epochs": 2500, "patience": 400, "min_gain": 0.1}
    together = encoder.run_batch(range(6), **settings_)
    assert any(m["perturbations"] for m in together) and len({m["epochs"] for m in together}) > 2
    assert together == [encoder.run(seed, **settings_) for seed in range(6)]


@pytest.mark.parametrize("argv", [["--seed", "0"], ["--sweep", "2", "--epochs", "50"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert encoder.main([*argv, "--quick"]) == 0
    assert capsys.readouterr().err == ""
