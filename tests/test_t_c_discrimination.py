"""T-C discrimination: the letters, the table of windows, tied weights, and the kinds of kernels."""

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

tc = load(ROOT / "t-c-discrimination")


@pytest.mark.parametrize("everywhere, n", [(False, 8), (True, 128)])
def test_the_letters(everywhere, n):
    x, d = tc.patterns(tc.Config(augment_positions=everywhere))
    assert x.shape == (n, 6, 6) and d.shape == (n, 1)
    assert set(np.unique(x)) == {0.0, 1.0}
    assert d.mean() == 0.5, "a constant answer is right half of the time"
    np.testing.assert_array_equal(x.sum(axis=(1, 2)), 5)
    assert len(np.unique(x.reshape(n, -1), axis=0)) == n, "no pattern twice, so none with two targets"


def best_single_cell(config):
    """(share of patterns right, number of such cells) of the best rule that looks at one cell."""
    x, d = tc.patterns(config)
    right = np.mean((x.reshape(len(x), -1) > 0.5) == (d > 0.5), axis=0)
    right = np.maximum(right, 1 - right)
    return right.max(), int((right == right.max()).sum())


def test_one_cell_gives_the_letter_away_at_the_centre_but_not_at_every_place():
    assert best_single_cell(tc.Config()) == (1.0, 1)
    assert best_single_cell(tc.Config(augment_positions=True))[0] < 0.6


@pytest.mark.parametrize("everywhere, size", [(False, 3), (True, 3), (True, 4)])
def test_the_table_of_distinct_windows_is_exact(everywhere, size):
    x, _ = tc.patterns(tc.Config(augment_positions=everywhere))
    u, share = tc.distinct_windows(x, size)
    np.testing.assert_allclose(share.sum(axis=1), 1)
    assert len(np.unique(u, axis=0)) == len(u)
    np.testing.assert_allclose(share @ u, tc.windows(x, size).mean(axis=(1, 2)), atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 10**6))
def test_forward_equals_a_window_by_window_computation(K, S, seed):
    config = tc.Config(n_kernels=K)
    x, _ = tc.patterns(config)
    theta = np.random.default_rng(seed).normal(size=(S, tc.n_parameters(tc.layout(config)))) * 2
    params = tc.unpack(theta, tc.layout(config))
    y = tc.forward(params, *tc.distinct_windows(x, 3))[0]
    for s in range(S):
        for n in (0, 3, 6):
            maps = np.zeros((4, 4, K))
            for i in range(4):
                for j in range(4):
                    cells = x[n, i : i + 3, j : j + 3].ravel()
                    maps[i, j] = 1 / (1 + np.exp(-(cells @ params["W1"][s] + params["b1"][s, 0])))
            out = maps.mean(axis=(0, 1)) @ params["W2"][s, :, 0] + params["b2"][s, 0, 0]
            assert y[s, n, 0] == pytest.approx(1 / (1 + np.exp(-out)), rel=1e-10)


def test_tied_weights_answer_alike_where_no_edge_is_near():
    """On a large retina a letter moved by a cell has the same windows, so the same output."""
    config = tc.Config(retina_size=12, augment_positions=True)
    x, _ = tc.patterns(config)
    rng = np.random.default_rng(0)
    params = tc.unpack(rng.normal(size=(1, 45)), tc.layout(config))
    y = tc.forward(params, *tc.distinct_windows(x, 3))[0][0, :, 0].reshape(8, 10, 10)
    inner = y[:, 2:-2, 2:-2].reshape(8, -1)
    np.testing.assert_allclose(inner, inner[:, :1] * np.ones_like(inner), rtol=1e-12)
    assert abs(y[0, 0, 0] - inner[0, 0]) > 1e-6, "a cut window breaks it"


def test_kinds_of_known_kernels():
    bar = np.array([[-1, 2, -1]] * 3, dtype=float)
    block = np.pad(np.ones((2, 2)), ((0, 1), (1, 0))) - 0.3
    centre = -np.ones((3, 3))
    centre[1, 1] = 5
    saddle = np.array([[1, -1, 0], [-1, 1, 0], [0, 0, 0]], dtype=float)
    kernels = np.stack([bar, -bar.T, 2 * np.eye(3) - 1, block, centre, -centre, centre + 7, saddle, np.ones((3, 3))])
    assert tc.kinds_of(kernels, 0.8) == ["bar", "bar", "bar", "compact", "on-centre", "off-centre", "on-centre",
                                         "mixed", "mixed"]
    assert tc.kinds_of(bar[None] + 0.2 * centre, 1.0) == ["mixed"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_a_rotated_kernel_is_of_the_same_kind(seed):
    w = np.random.default_rng(seed).normal(size=(3, 3))
    turned = np.stack([np.rot90(m, k) for m in (w, w.T) for k in range(4)])
    assert len(set(tc.kinds_of(turned, 0.6))) == 1


def test_templates_are_thirteen_and_have_no_mean():
    kinds, flat = tc.templates(3)
    assert [kinds.count(k) for k in ("centre", "bar", "compact")] == [1, 8, 4]
    np.testing.assert_allclose(flat.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose((flat**2).sum(axis=1), 1)


def test_one_step_lowers_the_error():
    losses = []
    config = tc.Config(n_epochs=2, lr=0.5, momentum=0.0)
    tc.train(config, tc.generators(0), on_step=lambda epoch, info: losses.append(info["loss"][0]))
    assert losses[0] > losses[1] > losses[2]


def test_the_counts_cover_every_kernel_and_the_gain_is_a_difference():
    for metrics in tc.run_batch(range(6)):
        counts = {kind: metrics[f"n_{kind}"] for kind in ("on_centre", "off_centre", "bar", "compact", "mixed")}
        assert sum(counts.values()) == 4
        assert -4 <= metrics["bar_gain"] <= counts["bar"]


def test_the_full_recipe_is_the_same_alone_and_in_a_batch():
    together = tc.run_batch(range(6))
    assert all(m["converged"] and m["accuracy"] == 1 for m in together)
    assert len({m["epochs"] for m in together}) > 1
    assert together == [tc.run(seed) for seed in range(6)]


def test_a_window_must_fit_into_the_retina(capsys):
    assert tc.main(["--retina-size", "4", "--kernel-size", "5"]) == 2
    assert "--kernel-size 5: must be at most --retina-size 4" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--seed", "0"], ["--sweep", "10"], ["--seed", "0", "--max-epochs", "50"],
                                  ["--retina-size", "7", "--kernel-size", "3", "--n-kernels", "8", "--lr", "0.5",
                                   "--momentum", "0.9", "--init-scale", "0.5", "--augment-positions"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert tc.main([*argv, "--quick"]) == 0
    assert capsys.readouterr().err == ""
