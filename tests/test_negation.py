"""Negation: the data, the nets, why 4-3-3 cannot solve it and 4-3-3-skip can."""

from itertools import product

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

negation = load(ROOT / "negation")


def test_the_data_is_a_copy_or_its_contrary():
    for (flag, *bits), d in zip(negation.X, negation.D, strict=True):
        assert list(d) == [1 - b if flag else b for b in bits]
    np.testing.assert_array_equal(negation.D.mean(axis=0), 0.5)
    _, counts = np.unique(negation.D, axis=0, return_counts=True)
    assert list(counts) == [2] * 8, "a constant answer is right for one whole case in eight"


@pytest.mark.parametrize("arch, count", [("4-6-3", 51), ("4-5-3", 43), ("4-4-3", 35), ("4-3-3", 27),
                                         ("4-3-3-skip", 39)])
def test_number_of_parameters(arch, count):
    assert negation.initial(negation.Config(arch=arch), [negation.generators(0)]).shape == (1, count)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["4-6-3", "4-3-3", "4-3-3-skip"]), st.integers(1, 4), st.integers(0, 10**6))
def test_forward_equals_a_unit_by_unit_computation(arch, S, seed):
    shapes = negation.layout(negation.Config(arch=arch))
    theta = np.random.default_rng(seed).normal(size=(S, negation.n_parameters(shapes))) * 2
    params = negation.unpack(theta, shapes)
    y, _ = negation.forward(params, negation.X)

    def squash(v):
        return 1 / (1 + np.exp(-v))

    for s, case in product(range(S), range(16)):
        x = negation.X[case]
        h = [squash(sum(x * params["W1"][s, :, j]) + params["b1"][s, 0, j]) for j in range(shapes["W1"][1])]
        seen = [*x, *h] if arch.endswith("skip") else h
        out = [squash(sum(seen * params["W2"][s, :, k]) + params["b2"][s, 0, k]) for k in range(3)]
        np.testing.assert_allclose(y[s, case], out, rtol=1e-9)


def test_three_hidden_units_and_direct_wires_are_enough():
    """Hidden unit j is flag and bit j; output j is flag + bit j - 2 h_j > 1/2."""
    shapes = negation.layout(negation.Config(arch="4-3-3-skip"))
    params = negation.unpack(np.zeros((1, negation.n_parameters(shapes))), shapes)
    params["W1"][0, 0], params["b1"][0] = 20, -30
    params["W2"][0, 0], params["b2"][0] = 10, -5
    for j in range(3):
        params["W1"][0, 1 + j, j] = 20
        params["W2"][0, 1 + j, j], params["W2"][0, 4 + j, j] = 10, -20
    y, _ = negation.forward(params, negation.X)
    assert np.abs(y[0] - negation.D).max() < 0.01


# ---- why 4-3-3 cannot: the steps of the README's proof --------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.3, 3.0, 30.0]))
def test_turning_the_flag_moves_every_hidden_unit_the_same_way_for_all_bits(seed, size):
    theta = np.random.default_rng(seed).normal(size=(1, 27)) * size
    params = negation.unpack(theta, negation.layout(negation.Config(arch="4-3-3")))
    _, h = negation.forward(params, negation.X)
    moved = h[0, 8:] - h[0, :8]  # (8, 3), the first eight cases have the flag off
    assert (moved * params["W1"][0, 0] >= 0).all()


def test_turning_the_flag_prescribes_all_eight_patterns_of_signs():
    change = negation.D[8:] - negation.D[:8]
    assert {tuple(row) for row in change} == set(product([-1, 1], repeat=3))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_a_mixture_of_vectors_from_all_eight_octants_is_zero(seed):
    """Mix away one coordinate after the other: each pair of opposite signs gives a zero there, and keeps the rest."""
    rng = np.random.default_rng(seed)
    vectors = {signs: np.array(signs) * rng.exponential(size=3) for signs in product([-1, 1], repeat=3)}
    for i in range(3):
        mixed = {}
        for signs in {s[1:] for s in vectors}:
            a, b = vectors[(1, *signs)], vectors[(-1, *signs)]
            share = -b[i] / (a[i] - b[i])
            assert 0 < share < 1
            mixed[signs] = share * a + (1 - share) * b
        vectors = mixed
    np.testing.assert_allclose(vectors[()], 0, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_a_plane_misses_an_octant(seed):
    rng = np.random.default_rng(seed)
    basis, offset = rng.normal(size=(2, 3)), rng.normal(size=3)
    points = rng.normal(size=(20000, 2)) * np.exp(rng.normal(size=(20000, 1)) * 3) @ basis + offset
    assert len({tuple(p) for p in points > 0}) <= 7


def test_every_seed_of_4_3_3_stays_unsolved_and_4_3_3_skip_is_solved():
    short = {"n_epochs": 3000}
    assert not any(m["converged"] for m in negation.run_batch(range(10), arch="4-3-3", **short))
    assert all(m["converged"] for m in negation.run_batch(range(10), arch="4-3-3-skip", **short))


def test_one_step_lowers_the_error():
    losses = []
    config = negation.Config(n_epochs=2, lr=0.01, momentum=0.0, perturb=False)
    negation.train(config, negation.generators(0), on_step=lambda epoch, info: losses.append(info["loss"][0]))
    assert losses[0] > losses[1] > losses[2]


def test_the_full_recipe_is_the_same_alone_and_in_a_batch():
    """The whole budget with perturbations, not the smoke run: rows leave the batch at different times."""
    seeds = [0, 1, 14, 15, 40]
    together = negation.run_batch(seeds)
    assert any(m["perturbations"] for m in together)
    assert together == [negation.run(seed) for seed in seeds]


@pytest.mark.parametrize("argv", [["--seed", "0"], ["--sweep", "2", "--max-epochs", "50"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert negation.main([*argv, "--quick"]) == 0
    assert capsys.readouterr().err == ""
