"""Twenty-five sequences: the table, the teacher, timing, the net and the ideal observer."""

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

seq = load(ROOT / "sequence-lookup-25")


def words(letters):
    return ["".join("ABCDE"[i] for i in word) for word in letters]


def test_the_table():
    letters, codes = seq.draw_task(seq.Config(), seq.generators(3))
    assert len(set(words(letters))) == 25
    digits = {word: "".join(str(c + 1) for c in code.argmax(axis=1)) for word, code in zip(words(letters), codes,
                                                                                        strict=True)}
    assert digits["AA"] == "1212" and digits["AB"] == "1223" and digits["CE"] == "3113" and digits["DB"] == "2123"
    assert (np.sort(codes, axis=2) == [0, 0, 1]).all()


def test_one_data_set_for_all_seeds_unless_they_vary():
    same = [words(seq.draw_task(seq.Config(), seq.generators(s))[0]) for s in range(3)]
    assert same[0] == same[1] == same[2]
    vary = seq.Config(vary=True)
    drawn = [seq.draw_task(vary, seq.generators(s)) for s in range(3)]
    assert len({tuple(words(letters)) for letters, _ in drawn}) == 3
    sums = [codes.argmax(axis=2).sum(axis=1) for _, codes in drawn]
    tables = {tuple(sorted(zip(words(letters), s, strict=True))) for (letters, _), s in zip(drawn, sums, strict=True)}
    assert len(tables) == 3


def test_the_teacher_is_linear_in_the_letters():
    letters, codes = seq.draw_task(seq.Config(task="teacher", vary=True), seq.generators(1))
    assert letters.shape == (25, 5) and codes.shape == (25, 1, 3)
    assert len(set(words(letters))) == 25
    x = seq.words_features(letters)
    np.testing.assert_allclose(x[:, :5].sum(axis=1), seq.POSITION.sum())
    for b in range(3):  # the perceptron rule ends, so some weights give all 25 bits
        w, a = np.zeros(6), x * (2 * codes[:, 0, b, None] - 1)
        for _ in range(100_000):
            if (a @ w).min() > 0:
                break
            w += a[np.argmin(a @ w)]
        assert (a @ w).min() > 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=2, max_size=2), st.integers(0, 24))
def test_show_by_hand(holds, k):
    _, codes = seq.table_task(seq.Config(), None)
    seen = np.random.default_rng(k).normal(size=(2, 5))
    x, d, due = seq.show(seen, codes[k], np.array(holds), 3)
    assert len(x) == 2 * 3 + 4
    first, second = holds
    np.testing.assert_array_equal(x[: first + second], [seen[0]] * first + [seen[1]] * second)
    assert (x[first + second :] == 0).all()
    np.testing.assert_array_equal(np.flatnonzero(due[:, 0]), first + second + np.arange(4))
    np.testing.assert_array_equal(d[due[:, 0]], codes[k])
    assert (d[~due[:, 0]] == 0).all()


def test_a_single_code_is_due_at_the_last_letter():
    letters, codes = seq.draw_task(seq.Config(task="teacher"), seq.generators(0))
    _, d, due = seq.show(np.eye(5)[letters[0]], codes[0], np.array([1, 2, 1, 3, 2]), 3)
    assert np.flatnonzero(due[:, 0]).tolist() == [8]
    np.testing.assert_array_equal(d[8], codes[0, 0])


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(0, 10**6))
def test_forward_equals_a_step_by_step_computation(S, seed):
    rng = np.random.default_rng(seed)
    config = seq.Config(n_hidden=4)
    params = seq.unpack(rng.normal(size=(S, seq.n_parameters(seq.layout(config)))), seq.layout(config))
    x = rng.normal(size=(5, S, 3, 5))
    y, _ = seq.forward(params, x)
    for s in range(S):
        w = {name: value[s] for name, value in params.items()}
        h = np.zeros((3, 4))
        for t in range(5):
            h = np.tanh(x[t, s] @ w["Wx"] + h @ w["Wh"] + w["bh"])
            np.testing.assert_allclose(y[t, s], 1 / (1 + np.exp(-h @ w["Wy"] - w["by"])), rtol=1e-9, atol=1e-15)


def test_right_asks_for_every_step_that_is_due():
    config = seq.Config()
    d = np.tile([1.0, 0, 0], (2, 1, 1, 1))
    y, due = 0.4 + d * 0.1, np.ones((2, 1, 1, 1), bool)
    assert seq.right(y, d, due, config).all()
    y[1, 0, 0] = [0.1, 0.2, 0]
    assert not seq.right(y, d, due, config).any()
    due[1] = False
    assert seq.right(y, d, due, config).all()
    code = seq.Config(task="teacher")
    assert seq.right(d, d, due, code).all() and not seq.right(1 - d, d, due, code).any()


def test_errors_are_minus_the_log_of_the_probability_of_the_targets():
    rng = np.random.default_rng(0)
    y, d = rng.uniform(0.01, 0.99, (4, 2, 3, 3)), rng.integers(0, 2, (4, 2, 3, 3))
    expected = -(d * np.log(y) + (1 - d) * np.log(1 - y)).sum(axis=(0, 2, 3))
    np.testing.assert_allclose(seq.errors(y, d), expected, rtol=1e-9)


def test_letters_are_shown_with_fresh_noise_of_the_size_asked_for():
    letters, rngs = np.arange(5).repeat(40).reshape(1, 100, 2), [seq.generators(0)]
    seen = [seq.letter_inputs(letters, rngs, seq.Config(input_noise=0.2)) for _ in range(2)]
    noise = seen[0] - np.eye(5)[letters]
    assert noise.std() == pytest.approx(0.2, rel=0.1) and (seen[0] != seen[1]).all()
    clean = seq.letter_inputs(letters, rngs, seq.Config(input_noise=0.0))
    np.testing.assert_array_equal(clean, np.eye(5)[letters])


def test_an_untrained_net_is_right_at_chance():
    config = seq.Config(vary=True, init_scale=2.0)
    rngs = [seq.generators(s) for s in range(100)]
    theta = seq.initial(config, rngs)
    shares = [seq.score(config, theta[i], *seq.draw_task(config, rng), rng).mean() for i, rng in enumerate(rngs)]
    assert np.mean(shares) == pytest.approx(1 / 81, abs=0.012)


def test_learning_lowers_the_error():
    losses = []
    seq.train(seq.Config(n_epochs=60), seq.generators(0), on_step=lambda _, info: losses.append(info["loss"][0]))
    assert losses[-1] < 0.7 * losses[0]


def test_holds_are_fresh_and_within_their_range():
    config = seq.Config(variable_timing=True, max_hold=3)
    rngs = [seq.generators(0)]
    holds = np.stack([seq.draw_holds(config, rngs, "noise", (20, 2)) for _ in range(50)])
    assert np.bincount(holds.ravel()).tolist()[0] == 0 and set(np.unique(holds)) == {1, 2, 3}
    assert (holds[0] != holds[1]).any()
    assert (seq.draw_holds(seq.Config(), rngs, "noise", (20, 2)) == 1).all()


def test_ideal_observer_equals_rejection_sampling():
    rng = np.random.default_rng(0)
    x, new = rng.normal(size=(5, 2)), rng.normal(size=(40, 2))
    bits = np.sign(x @ np.array([1.0, 0.4]))
    w = rng.normal(size=(200_000, 2))
    fits = w[(np.sign(w @ x.T) == bits).all(axis=1)]
    vote = np.sign(fits @ new.T).mean(axis=0)
    clear = np.abs(vote) > 0.2
    found = seq.ideal_bits(x, bits, new, np.random.default_rng(1))
    np.testing.assert_array_equal(found[clear], np.sign(vote[clear]))


@pytest.mark.parametrize("argv", [["--seed", "0"], ["--variable-timing", "--seed", "0"], ["--multi-seed", "2"]])
def test_spellings_of_the_earlier_catalog_run_unchanged(argv, capsys):
    assert seq.main([*argv, "--n-sweeps", "5"]) == 0
    assert capsys.readouterr().err == ""
