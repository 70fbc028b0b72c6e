"""Temporal order: the sequences, the cell against a slow one, the paper's weights and criterion, checkpoints."""

import dataclasses

import numpy as np
import pytest
from catalog import ROOT, load

order = load(ROOT / "temporal-order-4bit")
KINDS = ["flat", "blocks", "rnn"]


def parameters(config, seed=0):
    theta = np.random.default_rng(seed).normal(scale=0.4, size=len(order.initial(config, np.random.default_rng(0))))
    return order.unpack(theta, order.layout(config))


@pytest.mark.parametrize("preset, shortest", [("laptop", 50), ("paper", 100)])
def test_the_sequences(preset, shortest):
    symbols, classes = order.draw(order.Config(preset=preset), np.random.default_rng(0), 4000)
    windows = order.SEQUENCES[preset]["marks"]
    lengths = (symbols != order.NOTHING).sum(axis=0)
    assert lengths.min() == shortest and lengths.max() == len(symbols)
    for s, k, length in zip(symbols.T, classes, lengths, strict=True):
        s = s[-length:]
        assert (s == order.NOTHING).sum() == 0
        assert s[0] == order.BEGIN and s[-1] == order.END
        where = np.flatnonzero((s == order.X) | (s == order.X + 1))
        assert len(where) == 3 and all(low <= t <= high for t, (low, high) in zip(where, windows, strict=True))
        assert "".join(order.SYMBOLS[v] for v in s[where]) == order.CLASSES[k]
        assert (np.delete(s, [0, length - 1, *where]) < 4).all()
    share = np.bincount(classes, minlength=8) / len(classes)
    assert np.abs(share - 1 / 8).max() < 0.025, "a constant answer is right one time in eight"


def test_held_out_sequences_are_no_training_sequences():
    config, rng = order.Config(), order.generators(0)
    test = order.test_set(config, rng["test"], float)
    train, _ = order.draw(config, rng["data"], 2000)
    assert not {s.tobytes() for s in test.symbols.T} & {s.tobytes() for s in train.T}


@pytest.mark.parametrize("cells, count", [("blocks", 308), ("flat", 326), ("rnn", 146)])
def test_number_of_weights(cells, count):
    """308 is the paper's number."""
    assert len(order.initial(order.Config(cells=cells), np.random.default_rng(0))) == count


def test_the_paper_preset_has_the_papers_net():
    assert len(order.initial(order.Config(preset="paper"), np.random.default_rng(0))) == 308


def slow(params, x, config):
    """Class probabilities of one sequence (T, 9), gate by gate."""
    H, S = config.n_hidden, config.block_size
    N = H // S
    h, c, seen = np.zeros(H), np.zeros(H), np.zeros(params["Wh"].shape[0])
    for x_t in x:
        z = x_t @ params["Wx"] + seen @ params["Wh"]
        if config.kind == "rnn":
            h = seen = np.tanh(z)
            continue
        i, o, g = 1 / (1 + np.exp(-z[:N])), 1 / (1 + np.exp(-z[N : 2 * N])), np.tanh(z[2 * N :])
        for cell in range(H):
            c[cell] += i[cell // S] * g[cell]
            h[cell] = o[cell // S] * np.tanh(c[cell])
        seen = np.concatenate([h, i, o]) if config.kind == "blocks" else h.copy()
    e = np.exp(h @ params["Wy"] + params["by"])
    return e / e.sum()


@pytest.mark.parametrize("cells", KINDS)
def test_forward_equals_a_gate_by_gate_computation(cells):
    config = order.Config(cells=cells)
    params = parameters(config)
    symbols = np.random.default_rng(1).integers(0, 8, size=(12, 5))  # few: a saturated cell forgives anything
    symbols[:4, 2:] = order.NOTHING
    s = order.buffers(config, len(symbols), 5, float)
    y = order.forward(params, order.ENCODING[symbols], s)
    for k in range(5):
        own = symbols[symbols[:, k] != order.NOTHING, k]
        np.testing.assert_allclose(y[k], slow(params, order.ENCODING[own], config), rtol=1e-9)


@pytest.mark.parametrize("cells", KINDS)
def test_steps_before_a_short_sequence_change_nothing(cells):
    """Neither the answer nor any gradient; the state stays exactly zero."""
    config = order.Config(cells=cells)
    params, rng = parameters(config), np.random.default_rng(2)
    symbols, classes = rng.integers(0, 8, size=(6, 4)), rng.integers(0, 8, size=4)
    longer = np.concatenate([np.full((3, 4), order.NOTHING), symbols])
    found = []
    for each in (symbols, longer):
        s = order.buffers(config, len(each), 4, float)
        grads = {name: np.zeros_like(p) for name, p in params.items()}
        y = order.forward(params, order.ENCODING[each], s)
        found.append((y, order.backward(params, order.ENCODING[each], classes, y, s, grads)))
        assert not s.r[: len(each) - 5].any() and not s.c[: len(each) - 5].any()
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
    for name in params:
        np.testing.assert_allclose(found[0][1][name], found[1][1][name], rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("cells", KINDS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gradients_of_every_kind_of_cell(cells, seed):
    errors, tolerance = order.gradient_check(order.Config(cells=cells), seed)
    assert tolerance <= 1e-8 and max(errors.values()) <= tolerance


def test_one_step_lowers_the_loss():
    config, rng = order.Config(), np.random.default_rng(3)
    params, (x, classes) = parameters(config), (a[0] for a in order.draw_batches(config, rng, 1, float))
    s, grads = order.buffers(config, len(x), 32, float), {n: np.zeros_like(p) for n, p in params.items()}
    losses = []
    for _ in range(2):
        y = order.forward(params, x, s)
        losses.append(-np.log(y[np.arange(32), classes]).mean())
        for name, g in order.backward(params, x, classes, y, s, grads).items():
            params[name] -= 0.001 * g
    assert losses[1] < losses[0]


def test_the_papers_criterion():
    """2,000 sequences in a row; one wrong output restarts the count behind it."""
    right, classes = np.eye(8)[np.zeros(32, int)], np.zeros(32, int)
    log = {"streak": 0, "recent": [], "success": False}
    for batch in range(62):
        order.judge_batch(log, right, classes, 0.05)
        assert log["streak"] == 32 * (batch + 1) and not log["success"]
    wrong = right.copy()
    wrong[10] = 0.65, 0.35, 0, 0, 0, 0, 0, 0  # the right class, but an output 0.35 away
    order.judge_batch(log, wrong, classes, 0.05)
    assert log["streak"] == 21
    for _ in range(62):
        order.judge_batch(log, right, classes, 0.11)
    assert log["streak"] >= 2000 and not log["success"], "the average error is too large"
    for _ in range(63):
        order.judge_batch(log, right, classes, 0.05)
    assert log["success"]


def test_an_interrupted_run_goes_on_to_the_same_end(tmp_path):
    settings = {"preset": "paper", "n_steps": 110, "n_test": 32}
    whole = order.run(3, **settings)
    path = tmp_path / "run.npz"

    def interrupt(step, info):
        if step == 70:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        order.run(3, on_step=interrupt, checkpoint=str(path), **settings)
    assert [p.name for p in tmp_path.iterdir()] == ["run-3.npz"]
    steps = []
    again = order.run(3, on_step=lambda step, info: steps.append(step), checkpoint=str(path), **settings)
    assert again == whole
    assert steps[0] == 50
    with pytest.raises(order.InputError, match="same settings"):
        order.run(3, checkpoint=str(path), **{**settings, "lr": 0.01})


def test_evaluating_more_often_changes_nothing_else():
    often = order.run(0, n_steps=60, n_test=32, eval_every=7)
    assert often["final_accuracy"] == order.run(0, n_steps=60, n_test=32)["final_accuracy"]


def test_the_commands_of_the_earlier_catalog_still_run(capsys):
    words = "--seed 0 --n_steps 3 --batch 4 --hidden 6 --val_n 8 --eval_every 50 --record_hidden"
    assert order.main(words.split()) == 0
    capsys.readouterr()


def test_record_hidden_hands_over_the_states():
    seen = []
    config = order.Config(n_steps=2, n_test=16, record_hidden=True)
    order.train(config, order.generators(0), on_step=lambda step, info: seen.append(info["states"].c.shape))
    assert seen == [(51, 6, 16)] * 2
    assert {f.name for f in dataclasses.fields(config)} >= {"record_hidden", "checkpoint"}


def test_it_learns_and_the_plain_net_does_not():
    metrics = order.run(1, n_steps=600)
    assert metrics["final_accuracy"] >= 0.99
    assert metrics["rnn_final_accuracy"] < 0.2
