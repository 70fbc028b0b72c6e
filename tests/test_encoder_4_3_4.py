"""The 4-3-4 encoder: patterns, energies and samplers against enumeration, distances of codes, the shrinking step."""

import numpy as np
import pytest
from catalog import ROOT, load, records

enc = load(ROOT / "encoder-4-3-4")
WIRINGS = ["paper", "paper+hidden", "bipartite"]


def some_weights(config, seed=0, scale=8.0, S=1):
    return np.random.default_rng(seed).normal(0, scale, (S, len(enc.machine(config.wiring).i)))


def slow_energies(W):
    """-sum_{i<j} w_ij s_i s_j of all 2048 states by a plain loop over pairs; W (12, 12)."""
    energies = []
    for state in enc.bits(11):
        s = [*state, 1]
        energies.append(-sum(W[i, j] * s[i] * s[j] for i in range(12) for j in range(i)))
    return np.array(energies)


def by_hand(code):
    """Weights (1, P) of the bipartite machine in which pattern k has the hidden state code[k], a row of +-1."""
    m = enc.machine("bipartite")
    w = np.zeros((1, len(m.i)))
    for n, (i, j) in enumerate(zip(m.i, m.j, strict=True)):
        if j in (8, 9, 10):
            w[0, n] = 60 * code[i % 4, j - 8]
        elif i < 8:
            w[0, n] = 30 - 60 * (code[i % 4] == 1).sum()  # on in the state of its own code alone
    return w


# ---- data and wiring -----------------------------------------------------------------------------------------------


def test_patterns_are_one_hot_and_the_same_in_both_groups():
    assert (enc.PATTERNS.sum(axis=1) == 2).all()
    np.testing.assert_array_equal(enc.PATTERNS[:, :4], enc.PATTERNS[:, 4:])
    assert len(np.unique(enc.PATTERNS, axis=0)) == 4


@pytest.mark.parametrize("wiring, count", [("paper", 36), ("paper+hidden", 39), ("bipartite", 24)])
def test_connections(wiring, count):
    m = enc.machine(wiring)
    assert len(m.i) == count + 11
    pairs = set(zip(m.i.tolist(), m.j.tolist(), strict=True))
    assert len(pairs) == count + 11
    assert not any(i < 4 <= j < 8 for i, j in pairs), "V1 and V2 speak through H alone"
    assert (m.j[-11:] == enc.BIAS).all() and sorted(m.i[-11:]) == list(range(11))
    assert {(8, 9), (8, 10), (9, 10)} <= pairs if wiring == "paper+hidden" else not {(8, 9), (9, 10)} & pairs


def test_cd_wants_the_bipartite_machine(capsys):
    assert enc.main(["--algorithm", "cd", "--connections", "paper"]) == 2
    printed = capsys.readouterr().err
    assert "--connections paper" in printed and printed.count("\n") == 1
    assert enc.Config().wiring == "bipartite" and enc.Config(algorithm="annealing").wiring == "paper"


# ---- distances -----------------------------------------------------------------------------------------------------


def test_two_sets_of_four_corners_have_no_neighbours():
    """Of the 70 sets of four corners of the cube, the even and the odd one alone are error-correcting."""
    sets = [s for s in np.ndindex(8, 8, 8, 8) if list(s) == sorted(set(s))]
    assert len(sets) == 70
    apart = np.array(sets)[enc.hamming(np.array(sets)) >= 2]
    assert apart.tolist() == [[0, 3, 5, 6], [1, 2, 4, 7]]


def test_hamming_against_a_plain_loop():
    codes = np.random.default_rng(0).integers(-1, 8, (300, 4))
    for row, distance in zip(codes, enc.hamming(codes), strict=True):
        pairs = [bin(row[a] ^ row[b]).count("1") for a in range(4) for b in range(a)]
        assert distance == (0 if -1 in row else min(pairs))


def test_evaluate_of_codes_made_by_hand():
    config = enc.Config()
    even = np.array([[-1, -1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    near = np.array([[-1, -1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, 1]])
    same = np.array([[-1, -1, -1], [-1, 1, 1], [1, -1, 1], [1, -1, 1]])
    w = np.concatenate([by_hand(code) for code in (even, -even, near, same)] + [np.zeros((1, 35))])
    now = enc.evaluate(w, config)
    assert now["codes"].tolist() == [[0, 3, 5, 6], [7, 4, 2, 1], [0, 3, 5, 7], [0, 3, 5, 5], [-1] * 4]
    assert now["min_hamming"].tolist() == [2, 2, 1, 0, 0] and now["distinct_codes"].tolist() == [4, 4, 4, 3, 0]
    assert now["solved"].tolist() == [True, True, True, False, False]
    assert now["error_correcting"].tolist() == [True, True, False, False, False]
    result = {**now, **{name: np.zeros(5, int) for name in ("epochs", "epochs_to_distance", "settled")}}
    parities = [(m["even_parity"], m["odd_parity"]) for m in (enc.metrics_of(result, i, config) for i in range(5))]
    assert parities == [(True, False), (False, True), (False, False), (False, False), (False, False)]


# ---- enumeration against slow loops --------------------------------------------------------------------------------


@pytest.mark.parametrize("wiring", WIRINGS)
def test_joint_distribution_and_evaluation_are_boltzmanns(wiring):
    config = enc.Config(algorithm="annealing", connections=wiring)
    w = some_weights(config)
    p = np.exp(-slow_energies(enc.matrix(w, config)[0]) / 10)
    p /= p.sum()
    clamped, free = enc.joint(w, config)
    np.testing.assert_allclose(free[0], p, rtol=1e-9)
    np.testing.assert_allclose(clamped.sum(), 1)
    np.testing.assert_allclose(clamped.reshape(256, 8).sum(axis=1) @ enc.bits(8), enc.clamping(config).mean(axis=0))
    now, states = enc.evaluate(w, config), enc.bits(11)
    for k in range(4):
        match = (states[:, :4] == enc.PATTERNS[k, :4]).all(axis=1)
        q = p * match / p[match].sum()
        np.testing.assert_allclose(now["p_v2"][0, k], q @ states[:, 4:8])
        np.testing.assert_allclose(now["p_code"][0, k], [q @ (states[:, 8:] == h).all(axis=1) for h in enc.bits(3)])


# ---- statistics ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings, largest", [({"k": 60}, 0.02), ({"algorithm": "annealing"}, 0.035)])
def test_sampled_statistics_approach_the_exact_ones(settings, largest):
    config = enc.Config(n_chains=25, **settings)
    w = np.repeat(some_weights(config, seed=1, scale=5.0), 40, axis=0)
    measured = enc.STATISTICS[config.algorithm](w, config, [enc.generators(s) for s in range(40)])
    exact = enc.exact_statistics(w[:1], config)
    for got, want in zip(measured, exact, strict=True):
        assert np.abs(got.mean(axis=0) - want[0]).max() < largest
        assert np.abs(got.mean(axis=0) - want[0]).mean() < 0.01


# ---- training ------------------------------------------------------------------------------------------------------


def test_one_exact_step_raises_the_likelihood():
    config = enc.Config(algorithm="exact", rule="gradient", lr=1.0, weight_decay=0.0, decay=0.0, n_epochs=1)
    seen = []
    enc.train(config, [enc.generators(s) for s in range(5)], on_step=lambda e, i: seen.append(i["w"].copy()))
    before, after = (enc.log_likelihood(w, config) for w in seen)
    assert (after > before).all()


def test_the_step_of_the_sign_rule_shrinks_over_the_last_share_of_the_cycles():
    seen = []
    config = enc.Config(n_epochs=10, lr=2.0, decay=0.4, weight_decay=0.0)
    enc.train(config, enc.generators(0), on_step=lambda e, i: seen.append(i["w"][0]))
    moved = np.abs(np.diff(np.array(seen), axis=0)).max(axis=1)
    np.testing.assert_allclose(moved, [2.0] * 7 + [1.5, 1.0, 0.5])


def test_weight_decay_shrinks_weights_that_nothing_else_moves():
    seen = []
    config = enc.Config(n_epochs=1, lr=2.0, decay=0.0, weight_decay=0.1, rule="gradient")
    enc.train(config, enc.generators(0), on_step=lambda e, i: seen.append(i["w"][0]))
    p, p_free = enc.cd_statistics(seen[0][None], config, [enc.generators(0)])
    np.testing.assert_allclose(seen[1], 0.8 * seen[0] + 2.0 * (p - p_free)[0])


@pytest.mark.parametrize("settings", [{"n_epochs": 300}, {"algorithm": "annealing", "n_epochs": 30},
                                      {"algorithm": "exact", "n_epochs": 30}])
def test_whole_runs_are_the_same_alone_and_in_a_batch(settings):
    together = enc.run_batch(range(4), **settings)
    assert together == [enc.run(seed, **settings) for seed in range(4)]


def test_cycles_are_counted_as_the_hook_sees_them():
    seen = []
    config = enc.Config(n_epochs=400)
    result = enc.train(config, enc.generators(1), on_step=lambda e, i: seen.append(
        (bool(i["solved"][0]), bool(i["error_correcting"][0]))))
    solved, correcting = (list(column) for column in zip(*seen, strict=True))
    assert result["epochs"][0] == solved.index(True) and result["epochs_to_distance"][0] == correcting.index(True)
    settled = result["settled"][0]
    assert all(correcting[settled:]) and (settled == 0 or settled == 400 or not correcting[settled - 1])


# ---- records -------------------------------------------------------------------------------------------------------


def test_weight_decay_is_what_the_records_say_it_is():
    rates = {file: record["summary"]["error_correcting"]["rate"] for file, record in records(enc_folder()).items()}
    assert rates["results.json"] == 1.0
    assert rates["results-no-weight-decay.json"] < 0.6


def enc_folder():
    return ROOT / "encoder-4-3-4"


@pytest.mark.parametrize("argv", [["--epochs", "1000", "--seed", "12"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert enc.main(argv) == 0
    assert capsys.readouterr().err == ""
