"""Forward-Forward with labels in the input: the encoding, locality, the losses, wrong labels, classification."""

import numpy as np
import pytest
from catalog import ROOT, load

ff = load(ROOT / "ff-label-in-input")
SMALL = {"data": "glyphs", "layer_sizes": "784,20,16,12", "n_train": 400, "batch_size": 40, "full_test": False}


def small_net(dtype=np.float64, **settings):
    """A small configuration, its parameters, images (8, 784) and labels (2, 8): right ones and wrong ones."""
    config, rng = ff.Config(**SMALL | settings).filled(), np.random.default_rng(0)
    x = rng.random((8, 784), dtype=np.float32).astype(dtype)
    x[:, :10] = 0
    y = rng.integers(0, 10, 8)
    params = ff.unpack(ff.initial(config, rng, dtype), ff.layout(config))
    return config, params, x, np.stack([y, (y + 1 + rng.integers(0, 9, 8)) % 10])


# ---- data ----------------------------------------------------------------------------------------------------------


def test_the_label_takes_the_place_of_the_first_ten_pixels():
    config, _, x, labels = small_net(label_scale=3.0)
    encoded = ff.encode(x, labels[0], config)
    np.testing.assert_array_equal(encoded[:, 10:], x[:, 10:])
    assert (encoded[:, :10].sum(axis=1) == 3).all() and (encoded[np.arange(8), labels[0]] == 3).all()


def test_held_out_images_are_none_of_the_training_images(monkeypatch):
    pixels, y = np.zeros((300, 28, 28), np.uint8), np.zeros(300, np.uint8)
    pixels[:, -1, -2], pixels[:, -1, -1] = np.divmod(np.arange(300), 250)  # the number of the image
    monkeypatch.setattr(ff, "load_mnist", lambda: (pixels[:250], y[:250], pixels[250:], y[250:]))
    for settings, n_train, n_held in (({"n_train": 250}, 250, 50), ({"n_train": 200}, 200, 50),
                                      ({"n_train": 250, "n_validation": 60}, 190, 60)):
        config = ff.Config(**SMALL | {"data": "mnist", **settings}).filled()
        data = ff.load(config, ff.generators(0))
        assert (len(data.train.x), len(data.held_out.x)) == (n_train, n_held)
        seen, held = ({tuple(x[-2:]) for x in part.x} for part in (data.train, data.held_out))
        assert len(seen) == n_train and len(held) == n_held
        assert not seen & held
        assert data.train.x.dtype == np.float32 and not data.train.x[:, :10].any()


def test_jitter_moves_an_image_by_up_to_two_pixels_each_way():
    x = np.zeros((500, 28, 28), np.float32)
    x[:, 14, 14] = 1
    moved = ff.shifted(x.reshape(500, 784), np.random.default_rng(0)).reshape(500, 28, 28)
    assert (moved.sum(axis=(1, 2)) == 1).all()
    places = {divmod(int(image.argmax()), 28) for image in moved}
    assert places == {(14 + dy, 14 + dx) for dy in range(-2, 3) for dx in range(-2, 3)}


def test_dropping_pixels_keeps_the_mean_input():
    x = np.full((400, 784), 0.5, np.float32)
    dropped = ff.dropped(x, 0.2, np.random.default_rng(0))
    assert abs((dropped == 0).mean() - 0.2) < 0.01
    assert dropped.dtype == np.float32 and dropped.mean() == pytest.approx(0.5, rel=0.01)


# ---- model ---------------------------------------------------------------------------------------------------------


def test_forward_equals_one_pass_per_labelled_image():
    config, params, x, labels = small_net()
    states = ff.forward(params, ff.unlabelled(params, x), labels, config)
    for c, of_labelling in enumerate(labels):
        for i, label in enumerate(of_labelling):
            u = ff.encode(x[i : i + 1], np.array([label]), config)[0]
            for k, (_, h, g) in enumerate(states, 1):
                slow = np.maximum(u @ params[f"W{k}"] + params[f"b{k}"], 0)
                np.testing.assert_allclose(h[8 * c + i], slow, rtol=1e-10, atol=1e-12)
                assert g[8 * c + i] == pytest.approx((slow**2).mean(), rel=1e-10)
                u = slow / np.sqrt((slow**2).mean() + 1e-8)


def test_the_next_layer_sees_the_direction_and_not_the_goodness():
    config, params, x, labels = small_net()
    before = ff.forward(params, ff.unlabelled(params, x), labels, config)
    params["W1"] *= 3
    after = ff.forward(params, ff.unlabelled(params, x), labels, config)
    np.testing.assert_allclose(after[0][2], 9 * before[0][2], rtol=1e-10)
    np.testing.assert_allclose(after[1][2], before[1][2], rtol=1e-6)


@pytest.mark.parametrize("objective", ["threshold", "pairwise"])
def test_learning_is_local(objective):
    """What layer k learns does not depend on the weights of a layer above it; on those below it does."""
    config, params, x, labels = small_net(objective=objective)

    def gradients():
        grads = {name: np.zeros_like(p) for name, p in params.items()}
        return ff.backward(x, labels, ff.forward(params, ff.unlabelled(params, x), labels, config), config, grads)

    before = gradients()
    for k in (3, 2, 1):
        params[f"W{k}"] += np.random.default_rng(k).normal(size=params[f"W{k}"].shape) * 0.1
        after = gradients()
        for j in range(1, k):
            np.testing.assert_array_equal(after[f"W{j}"], before[f"W{j}"])
            np.testing.assert_array_equal(after[f"b{j}"], before[f"b{j}"])
        for j in range(k, 4):
            assert np.abs(after[f"W{j}"] - before[f"W{j}"]).max() > 0
        before = after


def test_losses_in_closed_form():
    g = np.array([2.0, 0.5, 0.25, 3.0])  # two positive cases, then their negatives
    config = ff.Config(objective="threshold", steepness=2.0, threshold=1.0).filled()
    p = [1 / (1 + np.exp(-2 * (v - 1))) for v in g]  # equation 1: the probability that a case is positive
    assert ff.local_loss(g, config)[0] == pytest.approx(-np.log([p[0], p[1], 1 - p[2], 1 - p[3]]).sum() / 2)
    config = ff.Config(objective="pairwise", steepness=4.0).filled()
    assert ff.local_loss(g, config)[0] == pytest.approx(np.log1p(np.exp([-4 * 1.75, 4 * 2.5])).sum() / 2)
    slopes = ff.local_loss(g, config)[1]
    np.testing.assert_allclose(slopes[2:], -slopes[:2])
    assert slopes[1] < slopes[0] < 0, "the pair that is the wrong way round is pushed harder"


@pytest.mark.parametrize("objective", ["threshold", "pairwise"])
def test_a_step_of_every_layer_lowers_its_own_loss(objective):
    config, params, x, labels = small_net(objective=objective, label_scale=3.0)
    grads = {name: np.zeros_like(p) for name, p in params.items()}
    for k in (1, 2, 3):
        before = ff.forward(params, ff.unlabelled(params, x), labels, config)
        params[f"W{k}"] -= 1e-3 * ff.backward(x, labels, before, config, grads)[f"W{k}"]
        before, after = ([float(ff.local_loss(g, config)[0]) for _, _, g in states]
                         for states in (before, ff.forward(params, ff.unlabelled(params, x), labels, config)))
        assert after[k - 1] < before[k - 1] and after[: k - 1] == before[: k - 1]


# ---- wrong labels --------------------------------------------------------------------------------------------------


def test_uniform_wrong_labels_are_wrong_and_uniform():
    config, params, *_ = small_net(negatives="uniform")
    y = np.repeat(np.arange(10), 900)
    wrong = ff.wrong_labels(params, None, y, config, np.random.default_rng(0))
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (y, wrong), 1)
    assert not np.diag(counts).any() and counts[~np.eye(10, dtype=bool)].min() > 50


def test_hard_wrong_labels_follow_the_goodness_of_the_first_layer():
    config, params, x, labels = small_net(steepness=3.0)
    goodness = ff.label_goodness(params, x[:1], config)[0, 0]
    p = np.exp(3 * goodness) * (np.arange(10) != labels[0, 0])
    p /= p.sum()
    a, y = np.repeat(ff.unlabelled(params, x[:1]), 20000, axis=0), np.repeat(labels[0, 0], 20000)
    drawn = ff.wrong_labels(params, a, y, config, np.random.default_rng(0))
    share = np.bincount(drawn, minlength=10) / 20000
    assert np.ptp(p[p > 0]) > 0.02, "the test would not see a uniform draw"
    np.testing.assert_allclose(share, p, atol=5 * np.sqrt(0.25 / 20000))
    assert share[labels[0, 0]] == 0


# ---- training and classification -----------------------------------------------------------------------------------


def test_goodness_of_every_label_and_the_aggregations():
    config, params, x, labels = small_net()
    goodness = ff.label_goodness(params, x, config, n_at_once=3)
    assert goodness.shape == (3, 8, 10)
    states = ff.forward(params, ff.unlabelled(params, x), labels, config)
    for k in range(3):
        np.testing.assert_allclose(goodness[k, np.arange(8), labels[0]], states[k][2][:8], rtol=1e-10)
    made = np.zeros((3, 1, 10))
    made[0, 0, 4], made[1, 0, 5], made[2, 0, 5], made[2, 0, 6] = 10, 6, 1, 2
    for layers, wins in (("first", 4), ("all", 4), ("skip-first", 5), ("last", 6)):
        assert [ff.error(made, np.array([y]), layers) for y in (wins, 3)] == [0.0, 1.0], layers


def test_an_untrained_net_is_at_chance_and_a_trained_one_is_not():
    config = ff.Config(**ff.QUICK).filled()
    held_out = ff.load(config, ff.generators(0)).held_out
    untrained = ff.unpack(ff.initial(config, np.random.default_rng(0)), ff.layout(config))
    chance = ff.error(ff.label_goodness(untrained, held_out.x, config), held_out.y, "all")
    assert abs(chance - 0.9) < 0.1
    assert ff.run(0, **ff.QUICK)["test_error"] < 0.1


def test_the_paper_preset_has_the_papers_sizes():
    config = ff.Config(preset="paper").filled()
    assert config.sizes == [784, 2000, 2000, 2000, 2000] and config.objective == "threshold" and config.n_epochs == 60
    assert ff.step_flops(ff.Config(preset="paper")) == 2 * config.batch_size * (
        2 * 784 * 2000 + 4 * 3 * 2000 * 2000)


@pytest.mark.parametrize("argv, named", [
    (["--layer-sizes", "784"], "--layer-sizes 784"),
    (["--layer-sizes", "100,50"], "--layer-sizes 100,50"),
    (["--layer-sizes", "784,0"], "--layer-sizes 784,0"),
    (["--n-train", "100"], "--n-train 100"),
    (["--layer-sizes", "784,50", "--goodness-layers", "skip-first"], "--goodness-layers skip-first"),
])  # fmt: skip
def test_settings_that_do_not_fit_are_refused(argv, named, capsys):
    assert ff.main(argv) == 2
    assert named in capsys.readouterr().err


def test_a_stopped_run_goes_on_from_its_checkpoint(tmp_path):
    settings = SMALL | {"n_epochs": 3}
    whole = ff.run(3, **settings)

    def interrupt(epoch, info):
        if epoch > 1.5:
            raise KeyboardInterrupt

    path = tmp_path / "net.npz"
    with pytest.raises(KeyboardInterrupt):
        ff.run(3, on_step=interrupt, checkpoint=str(path), **settings)
    epochs = []
    again = ff.run(3, on_step=lambda epoch, info: epochs.append(epoch), checkpoint=str(path), **settings)
    assert epochs[0] == 1.0 and again == whole


def test_the_earlier_spelling_of_the_command_is_understood(tmp_path):
    done = ff.main(["--seed", "0", "--epochs", "1", "--lr", "0.003", "--layer-sizes", "784,20,20", "--eval-subset",
                    "100", "--full-test", "--save", str(tmp_path / "model.npz"), "--threshold", "2", "--train-subset",
                    "200", "--data", "glyphs", "--jitter", "--json", str(tmp_path / "record.json")])
    assert done == 0 and (tmp_path / "model-0.npz").exists()
    record = (tmp_path / "record.json").read_text()
    assert "model" not in record, "where a run keeps its checkpoint is no setting of the record"
