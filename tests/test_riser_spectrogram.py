"""The riser task: the tracks, the Bayes rule against a sum over all tracks, chance level, learning."""

from itertools import product

import numpy as np
import pytest
from catalog import ROOT, load

riser = load(ROOT / "riser-spectrogram")


def all_tracks_log_odds(x, sigma):
    """log P(rising | x) - log P(falling | x) by adding up every track, one by one."""
    tracks = riser.rising_tracks()
    sums = []
    for way in (tracks, tracks[:, ::-1]):
        cells = x.reshape(-1, riser.N_FREQ, riser.N_TIME)[:, way, np.arange(riser.N_TIME)].sum(axis=2) / sigma**2
        sums.append(np.log(np.exp(cells - 40) @ riser.track_probabilities(tracks)))
    return sums[0] - sums[1]


def test_there_are_2002_tracks_and_their_probabilities_are_those_of_sorted_draws():
    tracks = riser.rising_tracks()
    assert len({*map(tuple, tracks)}) == 2002
    assert (np.diff(tracks, axis=1) >= 0).all()
    p = riser.track_probabilities(tracks)
    assert p.sum() == pytest.approx(1)
    # what sorts to 0 ... 0 1 are nine of the 6^9 equally likely draws; to 0 ... 0 only one
    assert p[0] * 6**9 == pytest.approx(1)
    assert p[1] * 6**9 == pytest.approx(9)
    first_two = sum(1 for draw in product(range(6), repeat=3) if sorted(draw) == [0, 1, 2])
    assert first_two == 6, "3! orders of three different draws"


def test_cases_are_balanced_tracks_plus_noise():
    x, d = riser.draw(20000, 0.25, np.random.default_rng(0))
    assert abs(d.mean() - 0.5) < 0.02, "a constant answer is right half of the time"
    total = x.sum(axis=1)
    assert total.mean() == pytest.approx(9, abs=0.1)
    assert total.var() == pytest.approx(54 * 0.25**2, rel=0.05)
    x, d = riser.draw(500, 1e-4, np.random.default_rng(1))
    track = x.reshape(-1, riser.N_FREQ, riser.N_TIME).argmax(axis=1)
    steps = np.diff(track, axis=1) * np.where(d > 0, 1, -1)
    assert (steps >= 0).all()


def test_drawn_tracks_have_the_stated_probabilities():
    x, d = riser.draw(40000, 1e-4, np.random.default_rng(2))
    track = x.reshape(-1, riser.N_FREQ, riser.N_TIME).argmax(axis=1)
    track = np.where(d > 0, track, track[:, ::-1])
    tracks = riser.rising_tracks()
    expected = (riser.track_probabilities(tracks)[:, None, None] * (tracks[:, :, None] == np.arange(6))).sum(axis=0)
    measured = (track[:, :, None] == np.arange(6)).mean(axis=0)
    np.testing.assert_allclose(measured, expected, atol=0.015)


@pytest.mark.parametrize("sigma", [0.4, 0.6, 1.5])
def test_the_bayes_rule_equals_the_sum_over_all_tracks(sigma):
    x, _ = riser.draw(50, sigma, np.random.default_rng(3))
    np.testing.assert_allclose(riser.bayes_log_odds(x, sigma), all_tracks_log_odds(x.astype(float), sigma), rtol=1e-8,
                               atol=1e-8)


def test_the_bayes_rule_is_calibrated_and_antisymmetric():
    x, d = riser.draw(20000, 1.0, np.random.default_rng(4))
    odds = riser.bayes_log_odds(x, 1.0)
    p = 1 / (1 + np.exp(-odds))
    assert np.mean(p) == pytest.approx(d.mean(), abs=0.01)
    some = (p > 0.6) & (p < 0.8)
    assert d[some].mean() == pytest.approx(p[some].mean(), abs=0.03)
    backwards = x.reshape(-1, riser.N_FREQ, riser.N_TIME)[:, :, ::-1].reshape(x.shape)
    np.testing.assert_allclose(riser.bayes_log_odds(backwards, 1.0), -odds, atol=1e-6)


@pytest.mark.parametrize("units", ["squared", "rectified", "tanh"])
def test_gradients_of_every_kind_of_unit(units):
    errors, tolerance = riser.gradient_check(riser.Config(units=units, n_hidden=10), 1)
    assert max(errors.values()) < tolerance


def test_an_untrained_net_is_at_chance_and_a_short_run_is_far_above_it():
    config = riser.Config(n_epochs=5, n_hidden=32, n_test=4000)
    rng = riser.generators(0)
    start = riser.initial(config, rng["init"])
    params = riser.unpack(start, riser.layout(config))
    assert riser.evaluate(params, config, riser.generators(0)["test"])["accuracy"] < 0.7
    losses = []
    trained = riser.train(config, riser.generators(0), on_step=lambda epoch, info: losses.append(info["loss"]))
    assert losses[-1] < losses[0]
    metrics = riser.evaluate(trained, config, riser.generators(0)["test"])
    assert metrics["accuracy"] > 0.9
    assert metrics["bayes_accuracy"] >= metrics["accuracy"] - 0.005
    assert metrics["gap_to_bayes_pp"] == pytest.approx(100 * (metrics["bayes_accuracy"] - metrics["accuracy"]))


def test_a_fixed_set_is_drawn_once_and_fresh_cases_are_not_repeated():
    x, _ = riser.draw(100, 0.6, np.random.default_rng(5))
    assert len(np.unique(x, axis=0)) == 100
    one = riser.run(0, n_train=50, n_epochs=5, n_hidden=16, n_test=3000)
    fresh = riser.run(0, n_epochs=5, n_hidden=16, n_test=3000)
    assert one["bayes_accuracy"] == fresh["bayes_accuracy"], "the held-out cases are the same"
    assert one["accuracy"] < fresh["accuracy"] - 0.02
