"""Recurrent shift register: targets, a register set by hand, the test for a shift matrix, and the pull."""

from itertools import pairwise

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

reg = load(ROOT / "recurrent-shift-register")


def by_hand(order, gain=3.0):
    """Parameters (1, P) of a literal register: the bit walks through the units in `order`."""
    config = reg.Config(n_hidden=len(order), seq_len=len(order) + 6)
    theta = np.zeros((1, reg.n_parameters(reg.layout(config))))
    params = reg.unpack(theta, reg.layout(config))
    params["W_xh"][0, 0, order[0]] = gain
    for d, (i, j) in enumerate(pairwise(order)):
        params["W_hh"][0, i, j] = gain
        params["W_hy"][0, j, d] = gain
    return config, params


def test_targets_are_the_delayed_input_and_nothing_else_counts():
    config = reg.Config(n_hidden=4, seq_len=9)
    x = reg.draw([reg.generators(0), reg.generators(1)], "data", 3, config)
    d, count = reg.targets(x, 4), reg.counted(config)
    assert set(np.unique(x)) == {-1.0, 1.0}
    for t in range(9):
        for k in range(3):
            if t >= k + 1:
                assert count[t, 0, 0, k] == 1
                np.testing.assert_array_equal(d[t, :, :, k], x[t - k - 1, :, :, 0])
            else:
                assert count[t, 0, 0, k] == 0
    assert not np.array_equal(x[:, 0], x[:, 1]), "each network has data of its own"


def test_a_constant_answer_is_right_half_of_the_time():
    config = reg.Config()
    x = reg.draw([reg.generators(0)], "test", 2000, config)
    d = reg.targets(x, config.n_hidden)
    assert np.mean(d[config.n_hidden :] > 0) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("order", [[0, 1, 2], [4, 0, 3, 1, 2]])
def test_a_register_set_by_hand_does_the_task(order):
    config, params = by_hand(order)
    state = reg.judge(params, reg.draw([reg.generators(3)], "test", 50, config), reg.counted(config), 0.2)
    assert state["converged"][0] and state["is_shift_matrix"][0]
    assert state["leak"][0] == 0
    np.testing.assert_array_equal(state["right"], 1)


def test_a_link_cut_loses_the_delays_behind_it():
    config, params = by_hand([0, 1, 2, 3])
    params["W_hh"][0, 1, 2] = 0
    state = reg.judge(params, reg.draw([reg.generators(3)], "test", 200, config), reg.counted(config), 0.2)
    assert state["right"][0, 0] == 1
    assert state["right"][0, 1:].max() < 0.6
    assert not state["converged"][0] and not state["is_shift_matrix"][0]


def test_what_is_no_shift_matrix():
    chain = np.diag([1.0, 1.0, 1.0], k=1)
    ring = np.zeros((4, 4))  # 0 -> 1 -> 2 -> 0, and unit 3 is left out
    ring[0, 1] = ring[1, 2] = ring[2, 0] = 1
    fork = np.zeros((4, 4))
    fork[0, 1] = fork[0, 2] = fork[2, 3] = 1
    join = fork.T
    alone = np.diag([1.0, 1.0, 0.0, 1.0])
    leaky, weak = chain.copy(), chain * [[1, 1, 0.1, 1]]
    leaky[3, 0] = 0.3
    is_shift, leak = reg.shift_matrix(np.stack([chain, -chain, ring, fork, join, alone, leaky, weak, 0 * chain]), 0.2)
    np.testing.assert_array_equal(is_shift, [True, True] + [False] * 5 + [True, False])
    np.testing.assert_allclose(leak[[0, 6, 8]], [0, 0.3, 1])


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(5)), st.integers(0, 10**6))
def test_every_order_of_the_units_is_a_register(order, seed):
    rng = np.random.default_rng(seed)
    W = np.diag(rng.choice([-1, 1], 4) * rng.uniform(1, 2, 4), k=1) + 0.15 * rng.uniform(-1, 1, (5, 5))
    is_shift, leak = reg.shift_matrix(W[np.ix_(order, order)][None], 0.2)
    assert is_shift[0] and leak[0] < 0.2


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 5), st.integers(1, 3), st.integers(0, 10**6))
def test_forward_equals_a_step_by_step_computation(N, S, seed):
    config = reg.Config(n_hidden=N, seq_len=N + 2)
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(S, reg.n_parameters(reg.layout(config))))
    params = reg.unpack(theta, reg.layout(config))
    x = reg.draw([reg.generators(seed + s) for s in range(S)], "data", 2, config)
    y, _ = reg.forward(params, x)
    for s in range(S):
        p = {name: value[s] for name, value in params.items()}
        for b in range(2):
            h = np.zeros(N)
            for t in range(N + 2):
                h = np.tanh(x[t, s, b] @ p["W_xh"] + h @ p["W_hh"] + p["b_h"][0])
                np.testing.assert_allclose(y[t, s, b], np.tanh(h @ p["W_hy"] + p["b_y"][0]), rtol=1e-10, atol=1e-14)


def test_the_pull_shrinks_and_never_crosses_zero():
    W = np.array([[[0.5, -0.5], [0.05, -0.02]], [[0.5, -0.5], [0.05, -0.02]]])
    reg.pull(W, np.array([0.1, 0.0]))
    np.testing.assert_allclose(W[0], [[0.4, -0.4], [0, 0]])
    np.testing.assert_allclose(W[1], [[0.5, -0.5], [0.05, -0.02]])


def test_the_pull_waits_until_a_batch_is_right():
    seen = []

    def on_step(step, info):
        seen.append((info["pulled"][0], info["loss"][0]))

    reg.train(reg.Config(), reg.generators(0), on_step=on_step)
    first = next(i for i, (pulled, _) in enumerate(seen) if pulled)
    assert first > 10
    assert seen[first][1] < 0.3 * seen[0][1]


def test_one_step_lowers_the_error():
    losses = []
    config = reg.Config(n_steps=2, lr=0.1, momentum=0.0, batch_size=400)
    reg.train(config, reg.generators(0), on_step=lambda step, info: losses.append(info["loss"][0]))
    assert losses[0] > losses[1] > losses[2]


def test_the_full_recipe_is_the_same_alone_and_in_a_batch():
    """The whole budget, not the smoke run: rows leave the batch at different times."""
    together = reg.run_batch(range(5), n_hidden=3)
    assert len({m["sweeps"] for m in together}) > 1
    assert all(m["converged"] and m["is_shift_matrix"] for m in together)
    assert together == [reg.run(seed, n_hidden=3) for seed in range(5)]


def test_sequences_must_be_longer_than_the_register(capsys):
    assert reg.main(["--n-hidden", "12", "--seq-len", "12"]) == 2
    assert "--seq-len 12: must be more than --n-hidden 12" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--n-units", "3", "--seed", "0"], ["--n-units", "5", "--seed", "6"],
                                  ["--n-units", "3", "--multi-seed", "3", "--n-sweeps", "20", "--sequence-len", "30"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert reg.main([*argv, "--quick"]) == 0
    assert capsys.readouterr().err == ""
