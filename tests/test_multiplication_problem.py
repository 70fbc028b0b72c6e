"""The multiplication problem: the sequences, the cell against a slow one, chance, checkpoints."""

import numpy as np
import pytest
from catalog import ROOT, load

product = load(ROOT / "multiplication-problem")


def parameters(config, seed=0):
    theta = np.random.default_rng(seed).normal(scale=0.4, size=len(product.initial(config, np.random.default_rng(0))))
    return product.unpack(theta, product.layout(config))


@pytest.mark.parametrize("T", [20, 30, 100, 110])
def test_the_sequences(T):
    x, d = product.draw(np.random.default_rng(0), T, 3000, float)
    assert x.shape == (T, 3000, 3) and d.shape == (3000, 1)
    assert x[:, :, 0].min() >= 0 and x[:, :, 0].max() < 1
    assert (x[[0, -1], :, 1] == -1).all() and (x[:, :, 2] == 1).all()
    assert set(np.unique(x[1:-1, :, 1])) == {0, 1}
    for k in range(3000):
        first, second = np.flatnonzero(x[:, k, 1] == 1)
        assert 0 < first < 10 <= second < max(T // 2, 11)
        assert d[k, 0] == x[first, k, 0] * x[second, k, 0]


def test_the_papers_lag():
    """From the second mark to the end: at least 50 steps."""
    x, _ = product.draw(np.random.default_rng(0), product.LENGTHS["paper"][0], 3000, float)
    last = [np.flatnonzero(column == 1)[-1] for column in x[:, :, 1].T]
    assert len(x) - max(last) >= 50


def test_chance():
    """The best constant is 1/4, and its error the variance of the product."""
    _, d = product.draw(np.random.default_rng(0), 30, 200_000, float)
    assert d.mean() == pytest.approx(1 / 4, abs=0.002)
    assert np.mean((d - 1 / 4) ** 2) == pytest.approx(product.CHANCE_MSE, rel=0.01)
    assert product.PAPER_MSE < product.CHANCE_MSE / 2


def test_a_batch_has_one_length_and_all_lengths_come():
    config = product.Config(batch_size=3)
    batches = product.draw_batches(config, np.random.default_rng(0), 400, np.float32)
    assert len(batches) == 400 and all(x.shape[1:] == (3, 3) and d.shape == (3, 1) for x, d in batches)
    assert {len(x) for x, _ in batches} == set(range(20, 31))
    for x, d in batches:
        np.testing.assert_allclose(np.where(x[:, :, 1] == 1, x[:, :, 0], 1).prod(axis=0), d[:, 0], rtol=1e-6)


def slow(params, x, config):
    """The output for one sequence (T, 3), gate by gate."""
    H = config.n_hidden
    h, c = np.zeros(H), np.zeros(H)
    for x_t in x:
        z = x_t @ params["Wx"] + h @ params["Wh"]
        gates, g = 1 / (1 + np.exp(-z[:-H])), np.tanh(z[-H:])
        i, f, o = gates[:H], gates[H:-H] if config.forget_gate else 1.0, gates[-H:]
        c = f * c + i * g
        h = o * np.tanh(c)
    return 1 / (1 + np.exp(-(h @ params["Wy"] + params["by"])))


@pytest.mark.parametrize("forget", [True, False])
def test_forward_equals_a_gate_by_gate_computation(forget):
    """A short batch after a long one: nothing of the long one is left in the buffers."""
    config, rng = product.Config(forget_gate=forget), np.random.default_rng(1)
    params, s = parameters(config), product.buffers(config, 12, 4, float)
    for T in (12, 7):
        x = rng.normal(size=(T, 4, 3))
        y = product.forward(params, x, s)
        for k in range(4):
            np.testing.assert_allclose(y[k], slow(params, x[:, k], config), rtol=1e-9)


@pytest.mark.parametrize("forget", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gradients_with_and_without_forget_gate(forget, seed):
    errors, tolerance = product.gradient_check(product.Config(forget_gate=forget), seed)
    assert tolerance <= 1e-8 and max(errors.values()) <= tolerance


def test_a_forget_gate_that_stays_open_is_none():
    with_gate, without = product.Config(), product.Config(forget_gate=False)
    params = parameters(with_gate)
    H = with_gate.n_hidden
    params["Wx"][:, H : 2 * H], params["Wh"][:, H : 2 * H] = 0, 0
    params["Wx"][-1, H : 2 * H] = 1e3
    three = {n: np.delete(p, np.s_[H : 2 * H], axis=1) if n in ("Wx", "Wh") else p for n, p in params.items()}
    x = np.random.default_rng(0).normal(size=(9, 4, 3))
    x[:, :, 2] = 1
    y, y3 = (product.forward(p, x, product.buffers(c, 9, 4, float)) for p, c in ((params, with_gate), (three, without)))
    np.testing.assert_allclose(y, y3, rtol=1e-12)


def test_one_step_lowers_the_loss():
    config, rng = product.Config(), np.random.default_rng(3)
    params, (x, d) = parameters(config), product.draw(rng, 25, 32, float)
    s, grads = product.buffers(config, 30, 32, float), {n: np.zeros_like(p) for n, p in params.items()}
    losses = []
    for _ in range(2):
        y = product.forward(params, x, s)
        losses.append(np.mean((y - d) ** 2))
        for name, g in product.backward(params, x, d, y, s, grads).items():
            params[name] -= 0.1 * g
    assert losses[1] < losses[0]


def test_an_interrupted_run_goes_on_to_the_same_end(tmp_path):
    settings = {"n_steps": 110, "n_test": 32}
    whole = product.run(3, **settings)
    path = tmp_path / "run.npz"

    def interrupt(step, info):
        if step == 70:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        product.run(3, on_step=interrupt, checkpoint=str(path), **settings)
    steps = []
    again = product.run(3, on_step=lambda step, info: steps.append(step), checkpoint=str(path), **settings)
    assert again == whole
    assert steps[0] == 50
    with pytest.raises(ValueError, match="same settings"):
        product.run(3, checkpoint=str(path), **{**settings, "lr": 0.02})


def test_evaluating_more_often_changes_nothing_else():
    often = product.run(0, n_steps=60, n_test=32, eval_every=7)
    assert often["test_mse"] == product.run(0, n_steps=60, n_test=32)["test_mse"]


def test_the_commands_of_the_earlier_catalog_still_run(capsys):
    assert product.main(["--seed", "0", "--max-iters", "3"]) == 0
    capsys.readouterr()


def test_no_seed_stays_at_chance():
    for seed in range(3):
        assert product.run(seed, n_steps=1500)["test_mse"] <= product.PAPER_MSE
