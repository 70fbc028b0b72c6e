"""Distributed to local through one unit: the codes, what each net can and cannot do, and what stays."""

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

dl = load(ROOT / "distributed-to-local-bottleneck")


def networks(arch, S, seed, size=3.0):
    """Parameters of `S` networks with random weights."""
    config = dl.Config(arch=arch)
    theta = np.random.default_rng(seed).normal(size=(S, dl.n_parameters(dl.layout(config)))) * size
    return dl.unpack(theta, dl.layout(config))


def test_the_codes():
    for i, (x, d) in enumerate(zip(dl.X, dl.D, strict=True)):
        assert 2 * x[0] + x[1] == i
        assert d.sum() == 1 and d[i] == 1
    constant = np.tile(np.random.default_rng(0).normal(size=4), (1, 4, 1))
    assert dl.n_right(constant)[0] == 1, "a constant answer is right in one case of four"


@pytest.mark.parametrize("arch, count", [("2-1-4-4", 31), ("2-1-4", 11)])
def test_number_of_parameters(arch, count):
    assert dl.initial(dl.Config(arch=arch), [dl.generators(0)]).shape == (1, count)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["2-1-4-4", "2-1-4"]), st.integers(1, 4), st.integers(0, 10**6))
def test_forward_equals_a_unit_by_unit_computation(arch, S, seed):
    params = networks(arch, S, seed)
    layers = dl.forward(params, dl.X)
    for s in range(S):
        for case in range(4):
            a = list(dl.X[case])
            for i in range(1, len(layers)):
                W, b = params[f"W{i}"][s], params[f"b{i}"][s, 0]
                a = [1 / (1 + np.exp(-(sum(v * w for v, w in zip(a, W[:, j], strict=True)) + b[j])))
                     for j in range(W.shape[1])]
                np.testing.assert_allclose(layers[i][s, case], a, rtol=1e-9, atol=1e-300)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["2-1-4-4", "2-1-4"]), st.integers(0, 10**6))
def test_the_outer_and_the_inner_values_have_the_same_sum_of_logits(arch, seed):
    params = networks(arch, 8, seed)
    h = np.sort(dl.forward(params, dl.X)[1][:, :, 0], axis=1)
    logit = np.log(h / (1 - h))
    np.testing.assert_allclose(logit[:, 0] + logit[:, 3], logit[:, 1] + logit[:, 2], atol=1e-4)


def test_without_the_layer_no_weights_get_every_output_right():
    """Each output is monotone in the bottleneck, so it cannot be on for a middle value and off on both sides."""
    params = networks("2-1-4", 5000, 0, size=8.0)
    layers = dl.forward(params, dl.X)
    order = np.argsort(layers[1][:, :, 0], axis=1)
    y = np.take_along_axis(layers[2], order[:, :, None], axis=1)
    steps = np.diff(y, axis=1)
    assert ((steps >= 0).all(axis=1) | (steps <= 0).all(axis=1)).all()
    assert not (np.abs(layers[2] - dl.D).max(axis=(1, 2)) < 0.5).any()


def test_the_mirror_image_of_a_solution_is_a_solution():
    """h and 1 - h serve as well: turn the signs of the unit and of the weights that leave it."""
    config = dl.Config()
    result = dl.train(config, dl.generators(0))
    params = dl.unpack(result["theta"].copy(), dl.layout(config))
    y = dl.forward(params, dl.X)[-1]
    for name in ("W1", "b1"):
        params[name] *= -1
    params["b2"] += params["W2"]
    params["W2"] *= -1
    layers = dl.forward(params, dl.X)
    np.testing.assert_allclose(layers[-1], y, rtol=1e-9)
    np.testing.assert_allclose(layers[1][0, :, 0], 1 - result["h"][0], rtol=1e-6)


def test_converged_means_that_every_output_is_within_the_margin():
    for margin in (0.5, 0.2):
        result = dl.train(dl.Config(margin=margin), [dl.generators(s) for s in range(4)])
        assert result["converged"].all() and result["stays"].all()
        assert (np.abs(result["y"] - dl.D).max(axis=(1, 2)) < margin).all()


def test_the_values_stay_with_the_layer_and_are_lost_without():
    kept = dl.run_batch(range(4), n_hold=600)
    assert all(m["stays"] and not m["merged"] and m["h3"] - m["h2"] > 0.2 for m in kept)
    solved = dl.run_batch(range(4), arch="2-1-4")
    assert all(m["stays"] and m["h3"] - m["h2"] > 0.1 for m in solved)
    lost = dl.run_batch(range(4), arch="2-1-4", n_hold=600)
    assert all(m["converged"] and not m["stays"] for m in lost)
    assert [m["epochs"] for m in lost] == [m["epochs"] for m in solved]


def test_one_step_lowers_the_error():
    losses = []
    config = dl.Config(n_epochs=2, lr=0.1, momentum=0.0)
    dl.train(config, dl.generators(0), on_step=lambda epoch, info: losses.append(info["loss"][0]))
    assert losses[0] > losses[1] > losses[2]


def test_the_full_recipe_is_the_same_alone_and_in_a_batch():
    """The whole budget, not the smoke run: rows leave the batch at different times."""
    together = dl.run_batch(range(4), n_hold=50)
    assert len({m["epochs"] for m in together}) > 1
    assert together == [dl.run(seed, n_hold=50) for seed in range(4)]


@pytest.mark.parametrize("argv", [["--seed", "0"], ["--sweep", "30"], ["--seed", "0", "--max-epochs", "50"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert dl.main([*argv, "--quick"]) == 0
    assert capsys.readouterr().err == ""
