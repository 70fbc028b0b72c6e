"""Mirror symmetry: the data, the codes that solve it, and what the metrics say of weights."""

from itertools import product

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

symmetry = load(ROOT / "symmetry")


def test_the_data_is_all_rows_and_the_target_is_mirror_symmetry():
    assert len({tuple(row) for row in symmetry.BITS}) == 64
    for row, d in zip(symmetry.BITS, symmetry.D[:, 0], strict=True):
        assert d == (list(row) == list(row)[::-1])
    assert symmetry.D.sum() == 8 and symmetry.D.mean() == 1 / 8, "answering 0 is right in 7 of 8"
    bipolar = symmetry.inputs(symmetry.Config(encoding="bipolar"))
    np.testing.assert_array_equal(np.unique(bipolar), [-1, 1])
    np.testing.assert_array_equal(bipolar > 0, symmetry.BITS > 0)


def test_no_single_input_tells_anything():
    for column in symmetry.BITS.T:
        assert symmetry.D[column == 0].mean() == symmetry.D[column == 1].mean()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(0, 10**6))
def test_forward_equals_a_unit_by_unit_computation(S, seed):
    theta = np.random.default_rng(seed).normal(size=(S, 17)) * 2
    y, f = symmetry.forward(symmetry.unpack(theta, symmetry.layout(symmetry.Config())), symmetry.BITS)

    def squash(v):
        return 1 / (1 + np.exp(-v))

    for s in range(S):
        t = theta[s]
        for case in range(0, 64, 7):
            x = symmetry.BITS[case]
            h = [squash(sum(x[i] * t[2 * i + j] for i in range(6)) + t[12 + j]) for j in range(2)]
            np.testing.assert_allclose(f[s, case], h, rtol=1e-9)
            assert y[s, case, 0] == pytest.approx(squash(h[0] * t[14] + h[1] * t[15] + t[16]), rel=1e-9)


def by_hand(sizes):
    """Parameters with antisymmetric weights of these sizes, scaled to a smallest net input of 6."""
    w = np.array([*sizes, *(-s for s in sizes[::-1])], dtype=float)
    W1 = np.stack([w, -w], axis=1) * 6 / min(abs(np.dot(sizes, c)) for c in product([-1, 0, 1], repeat=3) if any(c))
    return np.concatenate([W1.ravel(), [-3, -3, -16, -16, 6]])[None]


@pytest.mark.parametrize("sizes, ratio_ok, other", [((1, 2, 4), True, False), ((4, 1, 2), True, False),
                                                    ((2, 3, 4), False, True), ((3, 4, 2), False, True)])
def test_both_codes_solve_the_problem_and_the_metrics_tell_them_apart(sizes, ratio_ok, other):
    config, theta = symmetry.Config(), by_hand(sizes)
    y, _ = symmetry.forward(symmetry.unpack(theta, symmetry.layout(config)), symmetry.BITS)
    assert (np.abs(y[0] - symmetry.D) < 0.1).all()
    result = {"theta": theta, "y": y[:, :, 0], "loss": [0.0], "converged": [True], "epochs": [1]}
    metrics = symmetry.metrics_of(result, 0, config)
    assert (metrics["ratio_ok"], metrics["other_code"]) == (ratio_ok, other)
    assert metrics["accuracy"] == 1 and metrics["opposite_signs"]
    theta[0, 10] *= -1  # x6 into h1 now has the sign of x1
    assert not symmetry.metrics_of(result, 0, config)["opposite_signs"]
    assert not symmetry.metrics_of(result, 0, config)["ratio_ok"]


def test_sizes_1_1_2_do_not_solve_it():
    """Two signed sums vanish: rows that are no palindromes look like one."""
    net = symmetry.BITS @ np.array([1, 1, 2, -2, -1, -1])
    assert (net == 0).sum() > 8


def test_trained_networks_settle_on_one_of_the_two_codes():
    result = symmetry.train(symmetry.Config(margin=0.1), [symmetry.generators(s) for s in range(12)])
    assert result["converged"].all()
    for W1 in symmetry.unpack(result["theta"], symmetry.layout(symmetry.Config()))["W1"]:
        opposite, ratios = symmetry.code_of(W1)
        assert opposite
        assert min(np.abs(ratios - 2).max(), np.abs(ratios - [3 / 2, 4 / 3]).max()) < 0.1


def test_one_step_lowers_the_error():
    losses = []
    config = symmetry.Config(n_epochs=2, lr=0.001, momentum=0.0)
    symmetry.train(config, symmetry.generators(0), on_step=lambda epoch, info: losses.append(info["loss"][0]))
    assert losses[0] > losses[1] > losses[2]


def test_momentum_follows_equation_9():
    """Two steps by hand: v1 = -lr g1, v2 = -lr g2 + alpha v1."""
    config = symmetry.Config(n_epochs=2, lr=0.3, momentum=0.7)
    theta = symmetry.initial(config, [symmetry.generators(5)])
    velocity = np.zeros_like(theta)
    for _ in range(2):
        params = symmetry.unpack(theta, symmetry.layout(config))
        y, f = symmetry.forward(params, symmetry.BITS)
        grad = np.empty_like(theta)
        symmetry.backward(params, symmetry.BITS, symmetry.D, y, f, symmetry.unpack(grad, symmetry.layout(config)))
        velocity = -0.3 * grad + 0.7 * velocity
        theta = theta + velocity
    np.testing.assert_allclose(symmetry.train(config, symmetry.generators(5))["theta"], theta, rtol=1e-12)


def test_the_full_recipe_is_the_same_alone_and_in_a_batch():
    assert symmetry.run_batch(range(8)) == [symmetry.run(seed) for seed in range(8)]


@pytest.mark.parametrize("argv", [["--seed", "1"], ["--multi-seed", "2", "--sweeps", "50"],
                                  ["--encoding", "01", "--init-scale", "1.0"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert symmetry.main([*argv, "--quick"]) == 0
    assert capsys.readouterr().err == ""
