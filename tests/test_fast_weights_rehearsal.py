"""Fast weights: the patterns, the two learning rules, the phases and the control."""

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

fast = load(ROOT / "fast-weights-rehearsal")


def test_random_patterns_are_independent():
    config = fast.Config(n_pairs=200, n_b_pairs=100)
    xa, ya, xb, yb = fast.draw_pairs(config, np.random.default_rng(0))
    assert xa.shape == ya.shape == (200, 50) and xb.shape == yb.shape == (100, 50)
    assert set(np.unique([*xa, *ya])) == {-1, 1}
    overlap = (xa @ xa.T / 50)[~np.eye(200, dtype=bool)]
    assert abs(overlap.mean()) < 0.01
    assert overlap.std() == pytest.approx(50**-0.5, rel=0.05)


def test_mixtures_are_majorities_of_their_prototypes():
    config = fast.Config(patterns="prototypes", p_flip=0.0, n_prototypes=3, n_mixed=3)
    rng = np.random.default_rng(1)
    inputs, outputs = rng.choice([-1.0, 1.0], (2, 3, 50))
    x, y = fast.mixtures(config, rng, inputs, outputs, 4)
    np.testing.assert_array_equal(x, np.tile(np.sign(inputs.sum(axis=0)), (4, 1)))
    np.testing.assert_array_equal(y, np.tile(np.sign(outputs.sum(axis=0)), (4, 1)))


def test_turned_bits():
    config = fast.Config(patterns="prototypes", p_flip=0.2, n_prototypes=3, n_mixed=3, n_pairs=400)
    rng = np.random.default_rng(1)
    inputs, outputs = rng.choice([-1.0, 1.0], (2, 3, 50))
    x, y = fast.mixtures(config, rng, inputs, outputs, 400)
    assert np.mean(x != np.sign(inputs.sum(axis=0))) == pytest.approx(0.2, abs=0.01)
    assert (y == y[0]).all(), "outputs are not turned"


def test_outputs_of_a_and_b_have_prototypes_of_their_own():
    xa, ya, xb, yb = fast.draw_pairs(fast.Config(patterns="prototypes", n_pairs=300), np.random.default_rng(0))
    same = np.abs(np.corrcoef(xa.mean(axis=0), xb.mean(axis=0))[0, 1])
    other = np.abs(np.corrcoef(ya.mean(axis=0), yb.mean(axis=0))[0, 1])
    assert same > 0.8 > other


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.floats(0, 1), st.integers(0, 10**6))
def test_one_presentation_by_hand(S, decay, seed):
    rng = np.random.default_rng(seed)
    config = fast.Config(dim=6, slow_lr=0.2, fast_lr=0.7, fast_decay=decay)
    slow, quick, x, y = rng.normal(size=(S, 6, 6)), rng.normal(size=(S, 6, 6)), *rng.normal(size=(2, S, 6))
    new_slow, new_quick = slow.copy(), quick.copy()
    fast.present(new_slow, new_quick, x, y, config)
    for s in range(S):
        step = np.outer(y[s] - (slow[s] + quick[s]) @ x[s], x[s]) / 6
        np.testing.assert_allclose(new_slow[s], slow[s] + 0.2 * step, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(new_quick[s], decay * quick[s] + 0.7 * step, rtol=1e-9, atol=1e-12)


def test_a_step_of_rate_one_takes_away_the_error_of_its_pair():
    rng = np.random.default_rng(0)
    config = fast.Config(dim=10, slow_lr=1.0, fast_lr=0.0)
    slow, quick = rng.normal(size=(1, 10, 10)), np.zeros((1, 10, 10))
    x, y = rng.choice([-1.0, 1.0], (2, 1, 10))
    fast.present(slow, quick, x, y, config)
    np.testing.assert_allclose(slow[0] @ x[0], y[0], atol=1e-12)


def test_long_rehearsal_with_slow_weights_is_a_projection():
    """To convergence the delta rule moves w by the least that fits: w + (y - w x) x^+ (Moore-Penrose)."""
    config = fast.Config(dim=20, n_pairs=6, n_rehearse=3, fast_lr=0.0, slow_lr=0.8, n_epochs=60, n_b_sweeps=60,
                         n_rehearse_sweeps=300)
    rng = fast.generators(3)
    before = []

    def on_step(_, info):
        if info["phase"] == 2:
            before[:] = [info["slow"][0].copy()]

    result = fast.train(config, rng, on_step=on_step)
    xa, ya, _, _ = fast.draw_pairs(config, fast.generators(3)["data"])
    x, y, w = xa[:3].T, ya[:3].T, before[0]
    np.testing.assert_allclose(result["slow"][0], w + (y - w @ x) @ np.linalg.pinv(x), atol=1e-8)


def test_bits_right_counts_signs():
    w, x = np.eye(4)[None], np.array([[[1.0, 1, -1, -1]]])
    assert fast.bits_right(w, x, x)[0, 0] == 1
    assert fast.bits_right(w, x, -x)[0, 0] == 0
    assert fast.bits_right(w, x, np.array([[[1.0, 1, 1, -1]]]))[0, 0] == 0.75


def test_the_control_knows_nothing_of_random_pairs():
    config = fast.Config(n_epochs=15, n_b_sweeps=15)
    control = fast.train(config, [fast.generators(s) for s in range(20)], learn_a=False)
    assert control["a"][0].mean() == pytest.approx(0.5, abs=0.03), "before anything is learned all outputs are 0: off"
    assert control["a"][2][:, 5:].mean() == pytest.approx(0.5, abs=0.02)
    assert control["b"][1].mean() > 0.95


def test_b_blurs_a_and_the_rehearsal_restores_what_is_rehearsed():
    config = fast.Config(n_epochs=20, n_b_sweeps=20)
    result = fast.train(config, [fast.generators(s) for s in range(6)])
    learned, blurred, restored = result["a"]
    assert learned.mean() > 0.98 > 0.85 > blurred.mean() > 0.6
    assert restored[:, :5].mean() > 0.98


def test_pairs_that_do_not_fit_are_refused(capsys):
    assert fast.main(["--n-rehearse", "20"]) == 2
    assert "--n-rehearse 20" in capsys.readouterr().err
    assert fast.main(["--n-mixed", "9"]) == 2
    assert "--n-mixed 9" in capsys.readouterr().err


def test_flags_of_the_earlier_catalog_run_unchanged(capsys):
    argv = ["--seed", "0", "--dim", "50", "--n-pairs", "20", "--n-rehearse", "5", "--slow-lr", "0.1",
            "--fast-lr", "0.5", "--fast-decay", "0.9",
            "--n-a-sweeps", "3", "--n-b-sweeps", "3", "--n-rehearse-sweeps", "5"]
    assert fast.main(argv) == 0
    assert capsys.readouterr().err == ""
