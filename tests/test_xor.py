"""XOR: the data, the two nets, and what perturbation is for."""

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

xor = load(ROOT / "xor")


def test_the_data_is_exclusive_or_and_no_line_parts_it():
    for (a, b), d in zip(xor.X.astype(int), xor.D[:, 0], strict=True):
        assert d == a ^ b
    assert xor.D.mean() == 0.5, "a constant answer is right half of the time"
    # w.x + b > 0 on the two ones gives w1 + w2 + 2b > 0; < 0 on the two zeros gives w1 + w2 + 2b < 0
    ones, zeros = xor.X[xor.D[:, 0] == 1], xor.X[xor.D[:, 0] == 0]
    np.testing.assert_array_equal(ones.sum(axis=0), zeros.sum(axis=0))


@pytest.mark.parametrize("arch, count", [("2-2-1", 9), ("2-1-2-skip", 7)])
def test_number_of_parameters(arch, count):
    assert xor.initial(xor.Config(arch=arch), [xor.generators(0)]).shape == (1, count)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["2-2-1", "2-1-2-skip"]), st.integers(1, 5), st.integers(0, 10**6))
def test_forward_equals_a_unit_by_unit_computation(arch, S, seed):
    rng = np.random.default_rng(seed)
    config = xor.Config(arch=arch)
    theta = rng.normal(size=(S, 9 if arch == "2-2-1" else 7)) * 3
    y, _ = xor.forward(xor.unpack(theta, xor.layout(config)), xor.X)

    def squash(v):
        return 1 / (1 + np.exp(-v))

    for s in range(S):
        t = theta[s]
        for case, (x1, x2) in enumerate(xor.X):
            if arch == "2-2-1":
                h = [squash(x1 * t[j] + x2 * t[2 + j] + t[4 + j]) for j in range(2)]
                out = squash(h[0] * t[6] + h[1] * t[7] + t[8])
            else:
                h = squash(x1 * t[0] + x2 * t[1] + t[2])
                out = squash(x1 * t[3] + x2 * t[4] + h * t[5] + t[6])
            assert y[s, case, 0] == pytest.approx(out, rel=1e-12)


def test_sigmoid_does_not_overflow():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(xor.sigmoid(np.array([-1e300, 0.0, 1e300])), [0, 0.5, 1])


def test_one_step_lowers_the_error():
    losses = []
    config = xor.Config(n_epochs=2, lr=0.1, momentum=0.0)
    xor.train(config, xor.generators(0), on_step=lambda epoch, info: losses.append(info["loss"][0]))
    assert losses[0] > losses[1] > losses[2]


def test_momentum_follows_equation_9():
    """Two steps by hand: v1 = -lr g1, v2 = -lr g2 + alpha v1."""
    config = xor.Config(n_epochs=2, lr=0.3, momentum=0.7, perturb=False)
    theta = xor.initial(config, [xor.generators(5)])
    velocity = np.zeros_like(theta)
    for _ in range(2):
        params = xor.unpack(theta, xor.layout(config))
        y, f = xor.forward(params, xor.X)
        grad = np.empty_like(theta)
        xor.backward(params, xor.X, xor.D, y, f, xor.unpack(grad, xor.layout(config)))
        velocity = -0.3 * grad + 0.7 * velocity
        theta = theta + velocity
    result = xor.train(config, xor.generators(5))
    np.testing.assert_allclose(result["theta"], theta, rtol=1e-12)


def test_converged_means_that_every_output_is_within_the_margin():
    for margin in (0.5, 0.2):
        result = xor.train(xor.Config(margin=margin), [xor.generators(s) for s in range(6)])
        assert result["converged"].all()
        error = np.abs(result["y"] - xor.D[:, 0])
        assert (error.max(axis=1) < margin).all()
        y, _ = xor.forward(xor.unpack(result["theta"], xor.layout(xor.Config())), xor.X)
        np.testing.assert_allclose(y[:, :, 0], result["y"], rtol=1e-12)


def test_the_full_recipe_is_the_same_alone_and_in_a_batch():
    """The whole budget with perturbations, not the smoke run: rows leave the batch at different times."""
    together = xor.run_batch(range(12))
    assert any(m["perturbations"] for m in together)
    assert together == [xor.run(seed) for seed in range(12)]


def test_perturbation_frees_a_run_that_is_stuck_without_it():
    """Put a network into the basin in which two corners share 0.5: only perturbation gets it out."""
    stuck = xor.train(xor.Config(perturb=False), [xor.generators(s) for s in range(100)])
    seeds = np.flatnonzero(~stuck["converged"])
    assert len(seeds) > 0
    shared = np.abs(np.sort(stuck["y"][seeds], axis=1)[:, 1:3].mean(axis=1) - 0.5)
    assert (shared < 0.1).all(), "the failures share an output near one half"
    freed = xor.run_batch([int(s) for s in seeds])
    assert all(m["converged"] and m["perturbations"] >= 1 for m in freed)


def test_stuck_metrics_name_the_corners():
    result = {"y": np.array([[0.0, 0.5, 1.0, 0.5], [0.0, 0.67, 0.67, 0.67], [0.1, 0.9, 0.9, 0.1]]),
              "converged": np.array([False, False, True]), "epochs": np.zeros(3, int), "loss": np.zeros(3),
              "perturbations": np.zeros(3, int)}
    config = xor.Config(perturb=False)
    stuck = [{k for k, v in xor.metrics_of(result, i, config).items() if k.startswith("stuck") and v} for i in range(3)]
    assert stuck == [{"stuck_01_11"}, {"stuck_three"}, set()]
    assert not any(k.startswith("stuck") for k in xor.metrics_of(result, 0, xor.Config()))


def test_divergence_is_reported_with_its_step(capsys):
    assert xor.main(["--lr", "1.7e308", "--momentum", "0.999"]) == 1
    printed = capsys.readouterr().err
    assert "no longer finite at step" in printed and printed.count("\n") == 1


@pytest.mark.parametrize("argv", [["--seed", "0"], ["--sweep", "30", "--max-epochs", "5000"],
                                  ["--sweep", "3", "--multi-seed", "3"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert xor.main([*argv, "--quick"]) == 0
    assert capsys.readouterr().err == ""
