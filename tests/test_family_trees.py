"""Family trees: the facts, the two isomorphic families, the net, the split and the probes."""

import numpy as np
import pytest
from catalog import ROOT, load
from hypothesis import given, settings
from hypothesis import strategies as st

trees = load(ROOT / "family-trees")


@pytest.mark.parametrize("tree, n_facts, n_triples", [("two-daughters", 100, 112), ("1986", 104, 112)])
def test_number_of_facts(tree, n_facts, n_triples):
    cases, x, answers = trees.fact_table(tree)
    assert len(set(cases)) == len(cases) == n_facts
    assert answers.sum() == n_triples
    np.testing.assert_array_equal(x[:, :24].sum(axis=1), 1)
    np.testing.assert_array_equal(x[:, 24:].sum(axis=1), 1)


@pytest.mark.parametrize("tree", ["two-daughters", "1986"])
def test_the_families_are_isomorphic_and_do_not_mix(tree):
    cases, _, answers = trees.fact_table(tree)
    half = len(cases) // 2
    assert [(p + 12, r) for p, r in cases[:half]] == cases[half:]
    np.testing.assert_array_equal(answers[:half, :12], answers[half:, 12:])
    assert not answers[:half, 12:].any() and not answers[half:, :12].any()


@pytest.mark.parametrize("tree", ["two-daughters", "1986"])
def test_relations_answer_each_other(tree):
    """a is b's husband <-> b is a's wife; a is b's parent <-> b is a's child; and so for uncles and nephews."""
    facts = {(p, r, q) for (p, r), right in trees.english_facts(tree).items() for q in right}
    kinds = [("husband", "wife"), ("father", "mother"), ("son", "daughter"), ("brother", "sister"), ("uncle", "aunt"),
             ("nephew", "niece")]
    kind = {r: k for k, pair in enumerate(kinds) for r in pair}
    inverse = {0: 0, 1: 2, 2: 1, 3: 3, 4: 5, 5: 4}
    related = {(p, kind[r], q) for p, r, q in facts}
    assert {(q, inverse[k], p) for p, k, q in related} == related
    for _, r, q in facts:
        assert (q in trees.MEN) == (r in ("father", "husband", "son", "uncle", "brother", "nephew"))


def test_a_few_facts_by_hand():
    facts = trees.english_facts("1986")
    assert facts["Colin", "aunt"] == {"Jennifer", "Margaret"}
    assert facts["Colin", "father"] == {"James"}
    assert facts["Charles", "niece"] == {"Charlotte"}
    assert trees.english_facts("two-daughters")["Andrew", "daughter"] == {"Margaret", "Jennifer"}
    assert ("Christopher", "father") not in facts


def test_features_halve_the_families():
    for tree in trees.CHILDREN:
        labels = trees.features(tree)
        assert np.bincount(labels["nationality"]).tolist() == [12, 12]
        assert np.bincount(labels["generation"]).tolist() == [8, 12, 4]
        assert np.bincount(labels["branch"] + 1).tolist() == [4, 10, 10]
        branch = dict(zip(trees.PEOPLE, labels["branch"], strict=True))
        assert branch["Arthur"] == branch["Victoria"] == 0 and branch["Jennifer"] == branch["Charles"] == 1
        assert branch["Colin"] == -1


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 3), st.integers(0, 10**6))
def test_forward_equals_a_case_by_case_computation(S, seed):
    rng = np.random.default_rng(seed)
    cases, x, _ = trees.fact_table("1986")
    params = trees.unpack(rng.normal(size=(S, trees.n_parameters(trees.LAYOUT))), trees.LAYOUT)
    y, _ = trees.forward(params, x)
    for s in range(S):
        w = {name: value[s] for name, value in params.items()}
        for n in rng.choice(len(cases), 5):
            person, relation = np.eye(24)[cases[n][0]], np.eye(12)[cases[n][1]]
            code = np.tanh(np.r_[person @ w["Wp"] + w["bp"][0], relation @ w["Wr"] + w["br"][0]])
            e = np.tanh(np.tanh(code @ w["W1"] + w["b1"][0]) @ w["W2"] + w["b2"][0])
            z = np.exp(e @ w["W3"] + w["b3"][0])
            np.testing.assert_allclose(y[s, n], z / z.sum(), rtol=1e-10)


def test_held_out_facts_have_no_gradient():
    rng = np.random.default_rng(1)
    _, x, answers = trees.fact_table("1986")
    d, mask = answers / answers.sum(axis=1, keepdims=True), np.ones((1, len(x), 1))
    mask[:, :4] = 0
    theta = rng.normal(size=(1, trees.n_parameters(trees.LAYOUT))) * 0.5
    params = trees.unpack(theta, trees.LAYOUT)
    grads = []
    for other in (d, np.roll(d, 1, axis=1)):
        target = np.concatenate([other[:4], d[4:]])
        out = np.empty_like(theta)
        trees.backward(params, x, target, mask, *trees.forward(params, x), trees.unpack(out, trees.LAYOUT))
        grads.append(out)
    np.testing.assert_array_equal(*grads)


def test_each_seed_holds_out_four_facts_of_its_own():
    config = trees.Config(n_epochs=1)
    held_out = trees.train(config, [trees.generators(seed) for seed in range(5)])["held_out"]
    assert (held_out.sum(axis=1) == 4).all()
    assert len({tuple(row) for row in held_out}) == 5


def test_decay_is_strong_on_the_shared_weights_and_absent_on_biases():
    decay = trees.unpack(trees.decay_of(trees.Config(weight_decay=0.25, shared_decay=7.0)), trees.LAYOUT)
    for name, value in decay.items():
        assert (value == (0 if name[0] == "b" else 7.0 if name in ("W1", "W2") else 0.25)).all(), name


def test_an_untrained_net_is_right_at_chance():
    """One right answer in 24, or two: over many nets the share right is near the mean number of answers / 24."""
    _, x, answers = trees.fact_table("two-daughters")
    params = trees.unpack(trees.initial(trees.Config(), [trees.generators(s) for s in range(200)]), trees.LAYOUT)
    share = trees.right(trees.forward(params, x)[0], answers).mean()
    assert share == pytest.approx(answers.mean(), abs=0.02)


def test_learning_lowers_the_error():
    losses = []
    trees.train(trees.Config(n_epochs=100), trees.generators(0), on_step=lambda _, info: losses.append(info["loss"][0]))
    assert losses[-1] < 0.6 * losses[0]


def test_probe_equals_refitting_without_each_person():
    rng = np.random.default_rng(0)
    code, labels = rng.normal(size=(20, 3)), rng.integers(0, 3, 20)
    x = np.concatenate([code, np.ones((20, 1))], axis=1)
    hits = 0
    for i in range(20):
        rest = np.arange(20) != i
        t = np.eye(3)[labels[rest]]
        w = np.linalg.solve(x[rest].T @ x[rest] + 0.1 * np.eye(4), x[rest].T @ t)
        hits += (x[i] @ w).argmax() == labels[i]
    assert trees.probe(code, labels) == hits / 20
    both = np.stack([labels, labels], axis=1)
    assert trees.probe(code, both) == hits / 20


def test_probe_finds_what_is_there_and_nothing_else():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 12)
    there = rng.normal(size=(24, 6)) + 6 * labels[:, None]
    absent = np.mean([trees.probe(rng.normal(size=(24, 6)), labels) for _ in range(100)])
    assert trees.probe(there, labels) == 1
    assert 0.4 < absent < 0.55


def test_spelling_of_the_earlier_catalog_runs_unchanged(capsys):
    assert trees.main(["--seed", "6", "--epochs", "20"]) == 0
    assert capsys.readouterr().err == ""
