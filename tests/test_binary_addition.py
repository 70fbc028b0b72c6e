"""Binary addition: the data, the nets, why 4-2-3 cannot solve it and 4-2-3-skip can."""

from itertools import product

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

addition = load(ROOT / "binary-addition")
CASES = [tuple(int(bit) for bit in row) for row in addition.X]  # a1 a0 b1 b0
SUM_OF = {case: 2 * case[0] + case[1] + 2 * case[2] + case[3] for case in CASES}


def test_the_data_is_the_sum_in_binary():
    for case, d in zip(CASES, addition.D, strict=True):
        assert int("".join(str(int(bit)) for bit in d), 2) == SUM_OF[case]
    assert np.bincount(addition.SUM).max() == 4, "a constant answer is right for a quarter of the cases"


@pytest.mark.parametrize("arch, count", [("4-3-3", 27), ("4-2-3", 19), ("4-2-3-skip", 31)])
def test_number_of_parameters(arch, count):
    assert addition.initial(addition.Config(arch=arch), [addition.generators(0)]).shape == (1, count)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["4-3-3", "4-2-3", "4-2-3-skip"]), st.integers(1, 4), st.integers(0, 10**6))
def test_forward_equals_a_unit_by_unit_computation(arch, S, seed):
    shapes = addition.layout(addition.Config(arch=arch))
    theta = np.random.default_rng(seed).normal(size=(S, addition.n_parameters(shapes))) * 2
    params = addition.unpack(theta, shapes)
    y, _ = addition.forward(params, addition.X)

    def squash(v):
        return 1 / (1 + np.exp(-v))

    for s, case in product(range(S), range(16)):
        x = addition.X[case]
        h = [squash(sum(x * params["W1"][s, :, j]) + params["b1"][s, 0, j]) for j in range(shapes["W1"][1])]
        seen = [*x, *h] if arch.endswith("skip") else h
        out = [squash(sum(seen * params["W2"][s, :, k]) + params["b2"][s, 0, k]) for k in range(3)]
        np.testing.assert_allclose(y[s, case], out, rtol=1e-9)


def test_two_carries_and_direct_wires_are_enough():
    """h1 = a0 and b0, h2 = (sum >= 4); s2 = h2, s1 = a1 + b1 + h1 - 2 h2, s0 = a0 + b0 - 2 h1."""
    shapes = addition.layout(addition.Config(arch="4-2-3-skip"))
    params = addition.unpack(np.zeros((1, addition.n_parameters(shapes))), shapes)
    params["W1"][0] = 20 * np.array([[0, 2], [1, 1], [0, 2], [1, 1]])
    params["b1"][0] = 20 * np.array([[-1.5, -3.5]])
    params["W2"][0] = 10 * np.array([[0, 1, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1], [0, 1, -2], [1, -2, 0]])
    params["b2"][0] = -5
    y, _ = addition.forward(params, addition.X)
    assert np.abs(y[0] - addition.D).max() < 0.01


# ---- why 4-2-3 cannot: the steps of the README's proof --------------------------------------------------------------


def bit(s, k):
    return s >> k & 1


def turned_on(case, i):
    return (*case[:i], 1, *case[i + 1 :])


@pytest.mark.parametrize("i, k", [(1, 0), (3, 0), (1, 1), (0, 1), (2, 1)])
def test_input_bits_move_the_outputs_both_ways(i, k):
    """a0 and b0 move s0 both ways; a0, a1 and b1 move s1 both ways: steps 1 to 3."""
    moves = {bit(SUM_OF[turned_on(case, i)], k) - bit(SUM_OF[case], k) for case in CASES if not case[i]}
    assert {-1, 1} <= moves


def test_all_four_combinations_of_the_low_outputs_occur():
    assert {(bit(s, 1), bit(s, 0)) for s in SUM_OF.values()} == set(product([0, 1], repeat=2))


@pytest.mark.parametrize("b0, a1, b1", list(product([-1, 1], repeat=3)))
@pytest.mark.parametrize("upper, lower", [({0, 4}, {3}), ({3}, {0, 4}), ({1, 5}, {2, 6}), ({2, 6}, {1, 5})])
def test_some_case_of_the_upper_sector_moves_up_into_the_lower(b0, a1, b1, upper, lower):
    """Step 5: bits move the hidden units up (1) or down (-1); from one case to another every change may go up."""
    signs = np.array([a1, 1, b1, b0])
    assert any(SUM_OF[u] in upper and SUM_OF[v] in lower and (signs * np.subtract(v, u) >= 0).all()
               for u, v in product(CASES, CASES))


def test_every_seed_of_4_2_3_stays_unsolved():
    runs = addition.run_batch(range(10), arch="4-2-3", n_epochs=3000)
    assert not any(m["converged"] for m in runs)
    assert max(m["accuracy"] for m in runs) < 1


# ---- training ------------------------------------------------------------------------------------------------------


def test_good_starting_points_are_rare_and_perturbation_finds_them():
    """Without perturbation 20 seeds stay stuck; the four that arrive first with it had several fresh starts."""
    plain = addition.run_batch(range(20), perturb=False, n_epochs=3000)
    assert sum(m["converged"] for m in plain) <= 2
    perturbed = addition.run_batch(range(20), n_epochs=8000)
    solved = [m for m in perturbed if m["converged"]]
    assert len(solved) >= 3 and max(m["perturbations"] for m in solved) > 3
    assert all(m["accuracy"] == 1 for m in solved)


def test_one_step_lowers_the_error():
    losses = []
    config = addition.Config(n_epochs=2, lr=0.01, momentum=0.0, perturb=False)
    addition.train(config, addition.generators(0), on_step=lambda epoch, info: losses.append(info["loss"][0]))
    assert losses[0] > losses[1] > losses[2]


def test_the_recipe_is_the_same_alone_and_in_a_batch_when_rows_leave():
    together = addition.run_batch([0, 1, 2, 29], n_epochs=3000)
    assert len({m["epochs"] for m in together}) > 2 and any(m["converged"] for m in together)
    assert together == [addition.run(seed, n_epochs=3000) for seed in (0, 1, 2, 29)]


@pytest.mark.parametrize("argv, sweeps", [(["--arch", "4-3-3", "--seed", "10"], 1),
                                          (["--n-trials", "2", "--both-archs"], 2)])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, sweeps, capsys):
    assert addition.main([*argv, "--quick"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and printed.out.count("binary-addition:") == sweeps
