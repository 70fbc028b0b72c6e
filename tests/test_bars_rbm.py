"""The bars: data, sums over states and samplers against slow ones, the update by hand, what the records rest on."""

import json

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

bars = load(ROOT / "bars-rbm")


def some_parameters(n_hidden, seed=0, scale=0.7, S=1):
    A = np.random.default_rng(seed).normal(0, scale, (S, 17, n_hidden + 1))
    A[:, 16, -1] = 0
    return A


def joint(A):
    """P(v, h) (65536, 2^H) of one network, straight from the energy -E = v W h + b_v v + b_h h."""
    W, b_v, b_h = A[:16, :-1], A[:16, -1], A[16, :-1]
    v, h = bars.bits(16), bars.bits(W.shape[1])
    p = np.exp(v @ W @ h.T + (v @ b_v)[:, None] + h @ b_h)
    return p / p.sum()


def perfect(weight=6.0):
    """A machine (1, 17, 9) whose units are the bars, in another order."""
    A = np.zeros((1, 17, 9))
    A[0, :16, :8] = weight * bars.BARS[[3, 7, 0, 1, 6, 2, 5, 4]].T
    return A


# ---- data ----------------------------------------------------------------------------------------------------------


def test_bars_are_four_rows_and_four_columns():
    assert (bars.BARS.sum(axis=1) == 4).all() and (bars.BARS.sum(axis=0) == 2).all()
    for i in range(4):
        np.testing.assert_array_equal(np.flatnonzero(bars.BARS[i].reshape(4, 4).all(axis=1)), [i])
        np.testing.assert_array_equal(np.flatnonzero(bars.BARS[4 + i].reshape(4, 4).all(axis=0)), [i])


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 0.99))
def test_images_are_a_distribution_with_known_means(p_bar):
    config = bars.Config(p_bar=p_bar)
    p = bars.p_of_sets(config)
    assert p.sum() == pytest.approx(1)
    np.testing.assert_allclose(p @ bars.ALL_IMAGES, 1 - (1 - p_bar) ** 2)
    white = bars.ALL_IMAGES.all(axis=1)
    assert white.sum() == 31, "all rows, whatever the columns (16), and all columns (16), the white image once in both"
    assert -16 * np.log(2) < bars.best_log_likelihood(config) < 0


def test_drawn_images_follow_that_distribution():
    config = bars.Config()
    images = bars.draw_images(config, np.random.default_rng(0), 200_000)
    p = bars.p_of_sets(config)
    assert set(np.unique(images)) == {0, 1}
    np.testing.assert_allclose(images.mean(axis=0), p @ bars.ALL_IMAGES, atol=0.005)
    second = (bars.ALL_IMAGES * p[:, None]).T @ bars.ALL_IMAGES
    np.testing.assert_allclose(images.T @ images / len(images), second, atol=0.005)


def test_entropy_of_the_images():
    """Counted over the different images by hand."""
    config, p = bars.Config(p_bar=0.3), {}
    for image, q in zip(bars.ALL_IMAGES, bars.p_of_sets(config), strict=True):
        p[tuple(image)] = p.get(tuple(image), 0) + q
    assert bars.best_log_likelihood(config) == pytest.approx(sum(q * np.log(q) for q in p.values()))


# ---- sums over all states ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_hidden", [1, 3])
def test_sums_over_hidden_states_equal_sums_over_all_states(n_hidden):
    A = some_parameters(n_hidden, seed=n_hidden, S=2)
    statistics, p_hidden = bars.model_statistics(A), bars.summed_out(A)[1]
    images = bars.ALL_IMAGES[[0, 5, 130]]
    q = np.array([0.5, 0.3, 0.2])
    index = (images @ 2 ** np.arange(16)[::-1]).astype(int)
    for s in range(2):
        p = joint(A[s])
        v, h = bars.with_one(bars.bits(16)), bars.with_one(bars.bits(n_hidden))
        np.testing.assert_allclose(statistics[s], v.T @ p @ h, rtol=1e-9)
        np.testing.assert_allclose(p_hidden[s], p.sum(axis=0), rtol=1e-9)
        slow = q @ np.log(p.sum(axis=1)[index])
        assert bars.log_likelihood(A, bars.with_one(images), q)[s] == pytest.approx(slow)
        given_v = p[index] / p[index].sum(axis=1, keepdims=True)
        np.testing.assert_allclose(bars.hidden(A, bars.with_one(images))[s], given_v @ bars.bits(n_hidden))
        data = (bars.with_one(images) * q[:, None]).T @ (given_v @ h)
        np.testing.assert_allclose(bars.data_statistics(A, bars.with_one(images), q)[s], data)


def test_independent_pixels_have_a_closed_form():
    A = np.zeros((1, 17, 9))
    A[0, :16, -1] = np.log(0.2 / 0.8)
    p = bars.p_of_sets(bars.Config())
    mean = p @ bars.ALL_IMAGES
    expected = (mean * np.log(0.2) + (1 - mean) * np.log(0.8)).sum()
    assert bars.log_likelihood(A, bars.with_one(bars.ALL_IMAGES), p)[0] == pytest.approx(expected)


def test_sampled_statistics_approach_the_exact_ones_with_many_steps():
    """From images far off the model: one step stays near them, fifty forget them."""
    A, B, distance = some_parameters(4, seed=2, scale=1.3), 20_000, {}
    exact = bars.model_statistics(A)[0]
    v = np.ones((1, B, 17))  # all white
    for k in (1, 5, 50):
        config = bars.Config(n_hidden=4, k=k, sample_visible=True)
        noise = np.random.default_rng(1).random((1, B, k * bars.draws_per_step(config)), dtype=np.float32)
        v_out, h_out = np.ones_like(v), np.empty((1, B, 4))
        bars.gibbs(A, v, bars.hidden(A, v), config, noise, v_out, h_out)
        distance[k] = np.abs(v_out[0].T @ bars.with_one(h_out[0]) / B - exact).max()
    assert distance[50] < 0.015 < distance[5] < distance[1]


# ---- training ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"k": 2, "sample_visible": True}, {"algorithm": "pcd"}])
def test_the_update_is_the_rule_written_out(settings):
    """Two updates, parameter by parameter, with the same random numbers."""
    config = bars.Config(n_hidden=3, n_epochs=1, n_train=8, batch_size=4, **settings)
    rng = bars.generators(3)
    images = bars.draw_images(config, rng["data"], 8)
    p = {name: x.copy() for name, x in bars.unpack(bars.initial(config, rng, images)).items()}
    chains = (rng["noise"].random((4, 16)) < images.mean(axis=0)).astype(float) if settings.get("algorithm") else None
    order = rng["data"].permutation(8)
    draws = bars.draws_per_step(config)
    noise = rng["noise"].random((2, 4, config.k * draws), dtype=np.float32)
    velocity = dict.fromkeys(p, 0.0)

    def squash(x):
        return 1 / (1 + np.exp(-x))

    for b in range(2):
        v0 = images[order[4 * b : 4 * b + 4]]
        h0 = squash(v0 @ p["W"] + p["b_h"])
        v = v0 if chains is None else chains
        for step in range(config.k):
            u = noise[b, :, step * draws : (step + 1) * draws]
            h = (u[:, :3] < squash(v @ p["W"] + p["b_h"])).astype(float)
            v = squash(h @ p["W"].T + p["b_v"])
            v = (u[:, 3:] < v).astype(float) if draws > 3 else v
        chains = None if chains is None else v
        h = squash(v @ p["W"] + p["b_h"])
        g = {"W": (v0.T @ h0 - v.T @ h) / 4 - 0.001 * p["W"], "b_v": (v0 - v).mean(axis=0),
             "b_h": (h0 - h).mean(axis=0) + 0.1 * (1 / 3 - h0.mean(axis=0))}
        velocity = {name: 0.5 * velocity[name] + g[name] for name in g}
        p = {name: p[name] + velocity[name] for name in p}
    A = bars.train(config, bars.generators(3))
    for name, x in bars.unpack(A).items():
        np.testing.assert_allclose(x[0], p[name], rtol=1e-9, atol=1e-12)
    assert A[0, 16, -1] == 0


def test_exact_steps_raise_the_likelihood():
    config = bars.Config(algorithm="exact", lr=0.1, momentum=0.0, sparsity_cost=0.0, weight_decay=0.0, n_epochs=4,
                         batch_size=2000, visible_bias="data")
    seen, p = [], bars.p_of_sets(config)
    bars.train(config, [bars.generators(s) for s in range(3)],
               on_step=lambda e, i: seen.append(bars.log_likelihood(i["A"], bars.with_one(bars.ALL_IMAGES), p)))
    assert (np.diff(seen, axis=0) > 0).all()


def test_starting_biases():
    rng, images = bars.generators(0), np.tile([1.0, 0.0, 0.0, 0.0], (4, 4))
    images[0] = 0
    start = {kind: bars.unpack(bars.initial(bars.Config(visible_bias=kind), rng, images)) for kind in
             ("dark", "data", "zero")}  # fmt: skip
    assert (start["dark"]["b_v"] == -4).all() and (start["zero"]["b_v"] == 0).all()
    np.testing.assert_allclose(start["data"]["b_v"][:2], [np.log(3), np.log(0.01 / 0.99)])
    np.testing.assert_allclose(start["dark"]["b_h"], np.log(1 / 7))
    assert (bars.unpack(bars.initial(bars.Config(hidden_bias="zero"), rng, images))["b_h"] == 0).all()


@pytest.mark.parametrize("settings", [{}, {"algorithm": "exact", "n_epochs": 3}, {"algorithm": "pcd", "n_epochs": 5},
                                      {"n_hidden": 16, "n_epochs": 5}, {"k": 3, "n_epochs": 3},
                                      {"batch_size": 7, "n_hidden": 3, "n_epochs": 5}])
def test_whole_runs_are_the_same_alone_and_in_a_batch(settings):
    assert bars.run_batch(range(3), **settings) == [bars.run(seed, **settings) for seed in range(3)]


def test_the_hook_does_not_move_the_metrics():
    seen = []
    assert bars.run(4, lambda epoch, info: seen.append(epoch), n_epochs=6) == bars.run(4, n_epochs=6)
    assert seen == list(range(7))


def test_divergence_is_reported_with_its_step(capsys):
    assert bars.main(["--lr", "1e308", "--momentum", "0.99"]) == 1
    printed = capsys.readouterr().err
    assert "no longer finite at step" in printed and printed.count("\n") == 1


def test_a_batch_larger_than_the_training_set_is_refused(capsys):
    assert bars.main(["--n-train", "10", "--batch-size", "11"]) == 2
    assert "--batch-size 11: must be at most --n-train 10" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--seed", "2", "--n-hidden", "8", "--n-epochs", "300"],
                                  ["--seed", "0", "--n-hidden", "16", "--n-epochs", "300"]])
def test_commands_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert bars.main(argv) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and "bars_recovered      8" in printed.out


# ---- evaluation ----------------------------------------------------------------------------------------------------


def test_purity_of_perfect_of_mixed_and_of_doubled_units():
    A = perfect()
    cosine = bars.purity(A)[0]
    np.testing.assert_allclose(cosine.max(axis=1), 1)
    np.testing.assert_array_equal(cosine.argmax(axis=1), [3, 7, 0, 1, 6, 2, 5, 4])
    assert bars.recovered(A).all()
    A[0, :16, 0] = A[0, :16, 1]  # a bar twice: the other is missing
    assert bars.recovered(A)[0].tolist() == [True, True, True, False, True, True, True, True]
    A[0, :16, 1] = -A[0, :16, 1]  # the negative of a bar is none
    assert bars.recovered(A)[0].sum() == 7
    A[0, :16, 0] = 1.0  # white: every bar by half, the first counts; and none below
    assert bars.purity(A)[0, 0].tolist() == [0.5] * 8
    A[0, :16, 0] = 1.0 - 2 * bars.BARS[0]
    assert not bars.recovered(A)[0, [3, 7]].any()


def test_chance_level():
    """Random weights: no eight bars, and a mean purity far below the claim."""
    A = some_parameters(8, seed=1, S=500)
    now = bars.evaluate(A[:200], bars.Config())
    assert bars.recovered(A).all(axis=1).mean() < 0.01
    assert 0.2 < now["mean_purity"].mean() < 0.5


def test_reconstruction_error_by_hand():
    A, config = some_parameters(8, seed=6), bars.Config(p_bar=0.3)
    W, b_v, b_h = (x[0] for x in bars.unpack(A).values())
    total = 0.0
    for image, p in zip(bars.ALL_IMAGES, bars.p_of_sets(config), strict=True):
        h = 1 / (1 + np.exp(-(image @ W + b_h)))
        total += p * np.mean((1 / (1 + np.exp(-(W @ h + b_v))) - image) ** 2)
    assert bars.evaluate(A, config)["reconstruction_mse"][0] == pytest.approx(total)


# ---- what the records say ------------------------------------------------------------------------------------------


def summary(name):
    return json.loads((ROOT / "bars-rbm" / f"results{name}.json").read_text())["summary"]


def test_the_recovery_rests_on_sparsity_and_does_not_on_momentum_or_the_hidden_biases():
    full = summary("")["all_bars"]["ci95"]
    assert summary("-no-sparsity")["all_bars"]["ci95"][1] < full[0]
    assert summary("-sparsity-target-high")["all_bars"]["ci95"][1] < full[0]
    assert summary("-no-weight-decay")["all_bars"]["ci95"][1] < full[0]
    for same in ("-hidden-bias-zero", "-no-momentum-double-step", "-small-init"):
        assert summary(same)["all_bars"]["ci95"][1] == 1


def test_the_likelihood_alone_does_not_lead_to_the_bars():
    alone, full = summary("-exact-likelihood-alone"), summary("")
    assert alone["log_likelihood"]["median"] > full["log_likelihood"]["max"]
    assert alone["all_bars"]["ci95"][1] < full["all_bars"]["ci95"][0]


def test_a_machine_of_bars_with_faint_inhibition_is_more_likely_than_all_that_were_learned():
    """Built by hand; without the inhibition a row draws a column with it, and the likelihood is far lower."""
    v, p = bars.with_one(bars.ALL_IMAGES), bars.p_of_sets(bars.Config())

    def built(on, off, b_v, b_h):
        A = np.zeros((1, 17, 9))
        A[0, :16, :8] = (on * bars.BARS + off * (1 - bars.BARS)).T
        A[0, :16, 8], A[0, 16, :8] = b_v, b_h
        assert bars.recovered(A).all() and bars.purity(A).max(axis=2).min() > 0.99
        return bars.log_likelihood(A, v, p)[0]

    inhibited = built(8.0, -0.55, -4.05, -17.6)
    pure = max(built(on, 0, b_v, b_h) for on in np.arange(3, 9) for b_v in np.arange(-5.0, -1) for b_h in
               np.arange(-20.0, -5))  # fmt: skip
    assert inhibited > -3.75 and pure < inhibited - 1.5
    learned = [json.loads(path.read_text()) for path in (ROOT / "bars-rbm").glob("results*.json")]
    assert inhibited > max(record["summary"]["log_likelihood"]["max"] for record in learned)
