"""Timing: the three tasks, the peephole cell against a slow one, its start beside the plain cell, the measures."""

import math

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

timing = load(ROOT / "timing-counting-spikes")
SMALL = {"n_steps": 3, "n_test": 16, "seq_len": 40, "d_min": 5, "d_max": 12}


# ---- data ----------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.integers(0, 20), st.integers(1, 40), st.integers(0, 10**6))
def test_the_answer_is_as_far_from_the_second_spike_as_that_from_the_first(d_min, more, room, seed):
    T = 2 * (d_min + more) + room
    config = timing.Config(d_min=d_min, d_max=d_min + more, seq_len=T)
    x, target = timing.draw(config, np.random.default_rng(seed), 200, T)
    assert x.shape == target.shape == (T, 200)
    assert set(np.unique(x)) == set(np.unique(target)) == {0, 1}
    assert (x.sum(axis=0) == 2).all() and (target.sum(axis=0) == 1).all()
    for k in range(200):
        t1, t2 = np.flatnonzero(x[:, k])
        assert d_min <= t2 - t1 <= d_min + more
        assert target[:, k].argmax() == t2 + (t2 - t1)


def test_distances_are_uniform_and_silence_has_an_error_of_one_in_T():
    config = timing.Config()
    x, target = timing.draw(config, np.random.default_rng(0), 31000, config.seq_len)
    D = np.array([np.subtract(*np.flatnonzero(column)[::-1]) for column in x.T])
    counts = np.bincount(D)[30:61]
    assert counts.sum() == 31000 and (abs(counts - 1000) < 160).all(), "five standard deviations"
    assert np.mean(target**2) == pytest.approx(1 / 150, rel=1e-6)


def test_the_tasks_without_an_input():
    config = timing.Config(task="gts", period=10)
    x, target = timing.draw(config, None, 2, 35)
    assert not x.any()
    np.testing.assert_array_equal(np.flatnonzero(target[:, 1]), [9, 19, 29])
    _, wave = timing.draw(timing.Config(task="pfg", period=10), None, 1, 40)
    assert (wave[0], wave[5], wave[10]) == (0, 1, 0)
    np.testing.assert_allclose(wave[:10], wave[30:], atol=1e-7)
    np.testing.assert_allclose(wave[2], 0.5 - 0.5 * math.cos(0.4 * math.pi), rtol=1e-6)
    _, wave = timing.draw(timing.Config(task="pfg", period=10, wave="triangle"), None, 1, 11)
    np.testing.assert_allclose(wave[:, 0], [0, 0.2, 0.4, 0.6, 0.8, 1, 0.8, 0.6, 0.4, 0.2, 0], atol=1e-7)


def test_batches_drawn_at_once_are_the_sequences_drawn():
    config = timing.Config(**SMALL)
    xs, targets = timing.draw_batches(config, np.random.default_rng(3), 4)
    x, target = timing.draw(config, np.random.default_rng(3), 4 * config.batch_size, config.seq_len)
    assert xs.shape == (4, 40, 32)
    np.testing.assert_array_equal(np.concatenate(xs, axis=1), x)
    np.testing.assert_array_equal(np.concatenate(targets, axis=1), target)


# ---- model ---------------------------------------------------------------------------------------------------------


def slow_forward(p, x, H):
    """One sequence (T,), cell by cell, as the equations stand in the paper."""

    def sigmoid(v):
        return 1 / (1 + math.exp(-v))

    h, c, ys = [0.0] * H, [0.0] * H, []
    peep = {name: p.get(name, np.zeros(H)) for name in ("p_i", "p_f", "p_o")}
    for spike in x:
        net = [spike * p["Wx"][0, k] + p["Wx"][1, k] + sum(h[j] * p["Wh"][j, k] for j in range(H))
               for k in range(4 * H)]
        new_h, new_c = [], []
        for k in range(H):
            i = sigmoid(net[k] + peep["p_i"][k] * c[k])
            f = sigmoid(net[H + k] + peep["p_f"][k] * c[k])
            new_c.append(f * c[k] + i * math.tanh(net[3 * H + k]))
            o = sigmoid(net[2 * H + k] + peep["p_o"][k] * new_c[k])
            new_h.append(o * math.tanh(new_c[k]))
        h, c = new_h, new_c
        ys.append(sum(h[k] * p["Wy"][k, 0] for k in range(H)) + p["by"][0])
    return ys


@settings(max_examples=20, deadline=None)
@given(st.booleans(), st.integers(1, 4), st.integers(1, 8), st.integers(1, 3), st.integers(0, 10**6))
def test_forward_equals_a_cell_by_cell_computation(peep, H, T, B, seed):
    rng = np.random.default_rng(seed)
    config = timing.Config(peep=peep, n_hidden=H)
    params = {name: rng.normal(size=shape) for name, shape in timing.layout(config).items()}
    x = rng.normal(size=(T, B))
    y = timing.forward(params, x, timing.buffers(config, T, B, float))
    for k in range(B):
        np.testing.assert_allclose(y[:, k], slow_forward(params, x[:, k], H), rtol=1e-10, atol=1e-12)


def test_buffers_keep_nothing_from_the_pass_before():
    config = timing.Config(n_hidden=3)
    rng = np.random.default_rng(0)
    params = {name: rng.normal(size=shape) for name, shape in timing.layout(config).items()}
    s, x, dy = timing.buffers(config, 7, 2, float), rng.normal(size=(2, 7, 2)), rng.normal(size=(7, 2))
    results = []
    for order in ((0, 1), (1,)):
        for k in order:
            y = timing.forward(params, x[k], s)
            grads = timing.backward(params, dy, s, {name: np.zeros_like(p) for name, p in params.items()})
        results.append([y, *grads.values()])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("peep, count", [(True, 64 + 256 + 24 + 9), (False, 64 + 256 + 9)])
def test_number_of_parameters(peep, count):
    assert timing.initial(timing.Config(peep=peep), np.random.default_rng(0)).shape == (count,)


@pytest.mark.parametrize("peep", [True, False])
def test_gradients_of_both_cells(peep):
    for seed in range(3):
        errors, tolerance = timing.gradient_check(timing.Config(peep=peep), seed)
        assert ("p_o" in errors) == peep
        assert max(errors.values()) <= tolerance


# ---- training ------------------------------------------------------------------------------------------------------


def first_steps(config, seed=0):
    seen = []
    timing.train(config, timing.generators(seed), on_step=lambda step, info: seen.append(
        (info["loss"], {name: p.copy() for name, p in info["params"].items()})))
    return seen


def test_both_cells_learn_from_the_same_sequences_and_peepholes_start_at_zero(monkeypatch):
    drawn, draw = [], timing.draw
    monkeypatch.setattr(timing, "draw", lambda *args: drawn.append(draw(*args)) or drawn[-1])
    peep, plain = (first_steps(timing.Config(peep=peep, **SMALL)) for peep in (True, False))
    assert len(drawn) == 4
    for a, b in zip(drawn[:2], drawn[2:], strict=True):
        np.testing.assert_array_equal(a, b)
    for name in ("Wh", "Wy", "by"):
        np.testing.assert_array_equal(peep[0][1][name], plain[0][1][name])
    assert all(not peep[0][1][name].any() and peep[1][1][name].any() for name in ("p_i", "p_f", "p_o"))


def test_time_scales_at_the_start():
    config = timing.Config(n_hidden=200)
    theta = timing.initial(config, np.random.default_rng(0))
    bias = timing.unpack(theta, timing.layout(config))["Wx"][1].reshape(4, 200)
    np.testing.assert_array_equal(bias[0], -bias[1])
    assert bias[1].min() >= 0 and np.log(100) < bias[1].max() <= np.log(149)
    assert not bias[2].any()
    for other in ({"chrono": False}, {"task": "gts"}):
        config = timing.Config(**other)
        theta = timing.initial(config, np.random.default_rng(0))
        bias = timing.unpack(theta, timing.layout(config))["Wx"][1].reshape(4, 8)
        assert not bias[0].any() and (bias[1] == 1).all()


@pytest.mark.parametrize("task", ["msd", "gts", "pfg"])
def test_a_step_against_the_gradient_lowers_the_loss(task):
    config = timing.Config(task=task, **SMALL)
    rng = timing.generators(0)
    params = timing.unpack(timing.initial(config, rng["init"]), timing.layout(config))
    x, target = timing.draw(config, rng["data"], config.n_sequences, config.seq_len)
    s = timing.buffers(config, config.seq_len, config.n_sequences, np.float32)
    dy = timing.forward(params, x, s) - target
    grads = timing.backward(params, dy, s, {name: np.zeros_like(p) for name, p in params.items()})
    for name, p in params.items():
        p -= 1e-3 * grads[name]
    assert np.sum((timing.forward(params, x, s) - target) ** 2) < np.sum(dy**2)


def test_the_rhythm_is_found_on_two_periods_and_kept_over_all():
    config = timing.Config(task="gts", period=10, seq_len=100, n_steps=1000)
    assert timing.steps_that_count(config, 0) == 20
    assert timing.steps_that_count(config, 250) == 70
    assert timing.steps_that_count(config, 400) >= 100
    for other in ({"task": "msd"}, {"task": "pfg"}, {"task": "gts", "grow": False}):
        assert timing.steps_that_count(timing.Config(**other), 0) == 150


def test_metrics_do_not_depend_on_how_often_one_evaluates():
    assert timing.run(0, eval_every=1, **SMALL) == timing.run(0, **SMALL)


def test_a_wave_is_learned_in_a_second():
    metrics = timing.run(0, task="pfg", seq_len=30, period=10, n_steps=800)
    assert metrics["test_mse"] < 0.02, "the mean of the wave has 0.125"


# ---- evaluation ----------------------------------------------------------------------------------------------------


def judged(config, shift, monkeypatch):
    test = timing.test_set(config, np.random.default_rng(1))
    monkeypatch.setattr(timing, "forward", lambda params, x, s: np.roll(test.target, shift, axis=0))
    return timing.evaluate(config, None, test)


@pytest.mark.parametrize("task", ["msd", "gts"])
def test_one_step_off_is_not_solved(task, monkeypatch):
    config = timing.Config(task=task, seq_len=130, period=20, d_min=8, d_max=30)
    assert judged(config, 0, monkeypatch) == {"test_mse": 0, "solve_rate": 1}
    for shift in (-1, 1):
        assert judged(config, shift, monkeypatch)["solve_rate"] == 0


def test_the_wave_is_judged_after_the_steps_of_training(monkeypatch):
    config = timing.Config(task="pfg", seq_len=50, period=10)
    test = timing.test_set(config, None)
    y = test.target.copy()
    y[:50] = 9
    y[120] += 0.25
    monkeypatch.setattr(timing, "forward", lambda params, x, s: y)
    metrics = timing.evaluate(config, None, test)
    assert metrics["worst_error"] == pytest.approx(0.25) and metrics["test_mse"] == pytest.approx(0.0625 / 150)


def test_an_untrained_net_is_at_chance():
    config = timing.Config(n_test=2000)
    rng = timing.generators(0)
    params = timing.unpack(timing.initial(config, rng["init"]), timing.layout(config))
    assert timing.evaluate(config, params, timing.test_set(config, rng["test"]))["solve_rate"] < 0.1


# ---- command line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv, named", [
    (["--d-min", "70"], ["--d-min 70", "--d-max 60"]),
    (["--T", "120"], ["--d-max 60", "--seq-len 120"]),
    (["--task", "gts", "--period", "200"], ["--period 200", "--seq-len 150"]),
])  # fmt: skip
def test_ranges_that_cross(argv, named, capsys):
    assert timing.main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    assert all(text in printed.err for text in named)


@pytest.mark.parametrize("cell", ["--peep", "--no-peep"])
def test_spellings_of_the_earlier_catalog_run(cell, capsys):
    assert timing.main(["--seed", "4", cell, "--T", "150", "--D-min", "30", "--D-max", "60", "--hidden", "8", "--iters",
                        "3", "--batch", "32", "--lr", "5e-3"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and ("plain_solve_rate" in printed.out) == (cell == "--peep")


def test_divergence_is_reported_with_its_step(capsys):
    assert timing.main(["--quick", "--lr", "1e30"]) == 1
    printed = capsys.readouterr().err
    assert "no longer finite at step" in printed and printed.count("\n") == 1
