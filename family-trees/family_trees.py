"""Family trees (Hinton 1986): back-propagation finds the features behind names.

Two families of twelve, one English and one Italian, have the same tree. A case is a person and a relation (Colin,
aunt); the answer is the set of persons that stand so to him. Persons and relations come one-hot, as mere names, and
pass through codes of six units each. Four facts, drawn anew by each seed, are held out: they can be inferred only from
what the rest of the family, and the other family, have in common.

    person 24 -> 6 \
                     12 -> 6 -> 24 answers
    relation 12 -> 6 /

What makes a net find the common part is weight decay that is strong where both families pass through the same weights
(W1, W2) and weak where each name has its own (Wp, Wr, W3). It is let go in the last sweeps, so that every training
fact fits. Many seeds train at once along the leading axis S of every array.

Left out: logistic units with a squared error; here tanh, and softmax with cross-entropy over the answers.
"""

from dataclasses import dataclass

import numpy as np

from shared import Adam, NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    tree: str = option("two-daughters", "children of Andrew and Christine: two daughters, or as in the figure of 1986",
                       choices=("two-daughters", "1986"))
    n_test: int = option(4, "facts held out", low=1, high=40)
    n_epochs: int = option(3000, "sweeps through the training facts", low=1, alias=("--epochs",))
    lr: float = option(0.01, "step of Adam", above=0)
    init_scale: float = option(1.0, "initial weights: standard deviation in units of sqrt(2 / (n_in + n_out))", above=0)
    weight_decay: float = option(0.1, "weight decay where each name has weights of its own: Wp, Wr, W3", low=0)
    shared_decay: float = option(10.0, "weight decay where all names share the weights: W1, W2", low=0)
    relax: float = option(0.3, "share of the sweeps, at the end, over which the decay falls to zero", low=0, high=1)


QUICK = {"n_epochs": 150}

PAPER, TREE = "Hinton 1986", {"tree": "1986"}
CLAIMS = [
    {"claim": "every training fact is learned, on every seed", "source": PAPER, "paper": "all", "earlier": "6 of 10",
     "metric": "train_accuracy", "statistic": "min", "op": ">=", "threshold": 1.0},
    {"claim": "held-out facts right, of 4: the paper's number", "source": PAPER, "paper": 2, "earlier": 1.9,
     "metric": "test_correct", "statistic": "mean", "op": ">=", "threshold": 2.0},
    {"claim": "held-out facts right, of 4: three", "source": "ours", "paper": 2, "earlier": 1.9,
     "metric": "test_correct", "statistic": "mean", "op": ">=", "threshold": 3.0},
    {"claim": "tree of 1986: every training fact is learned, on every seed", "source": PAPER, "paper": "all 100",
     "earlier": None, "metric": "train_accuracy", "statistic": "min", "op": ">=", "threshold": 1.0, "config": TREE},
    {"claim": "tree of 1986: held-out facts right, of 4", "source": PAPER, "paper": 2, "earlier": None,
     "metric": "test_correct", "statistic": "mean", "op": ">=", "threshold": 2.0, "config": TREE},
]

# ---- data ----------------------------------------------------------------------------------------------------------

MEN = ["Christopher", "Andrew", "Arthur", "James", "Charles", "Colin"]
WOMEN = ["Penelope", "Christine", "Victoria", "Jennifer", "Margaret", "Charlotte"]
ENGLISH = MEN + WOMEN
ITALIAN = ["Roberto", "Pierro", "Emilio", "Marco", "Tomaso", "Alfonso",
           "Maria", "Francesca", "Lucia", "Angela", "Gina", "Sophia"]
PEOPLE = ENGLISH + ITALIAN  # person i of one family stands where person i + 12 stands in the other
RELATIONS = ["father", "mother", "husband", "wife", "son", "daughter", "uncle", "aunt", "brother", "sister",
             "nephew", "niece"]
MARRIED = [("Christopher", "Penelope"), ("Andrew", "Christine"), ("Arthur", "Margaret"), ("James", "Victoria"),
           ("Charles", "Jennifer")]
CHILDREN = {
    "1986": {0: ["Arthur", "Victoria"], 1: ["James", "Jennifer"], 3: ["Colin", "Charlotte"]},  # by marriage
    "two-daughters": {0: ["Arthur", "Victoria"], 1: ["Margaret", "Jennifer"], 2: ["Colin", "Charlotte"]},
}


def english_facts(tree):
    """{(person, relation): set of answers} of the English family; uncles, aunts, nephews, nieces by marriage too."""
    children = CHILDREN[tree]
    spouse = {a: b for pair in MARRIED for a, b in (pair, pair[::-1])}
    parents = {child: MARRIED[i] for i, born in children.items() for child in born}
    kids = {parent: born for i, born in children.items() for parent in MARRIED[i]}
    siblings = {p: [q for q in kids[parents[p][0]] if q != p] if p in parents else [] for p in ENGLISH}
    facts = {}

    def add(person, male, female, answers):
        for q in answers:
            facts.setdefault((person, male if q in MEN else female), set()).add(q)

    for p in ENGLISH:
        couple = [p, spouse[p]] if p in spouse else [p]
        above = [s for parent in parents.get(p, ()) for s in siblings[parent]]
        add(p, "father", "mother", parents.get(p, ()))
        add(p, "husband", "wife", couple[1:])
        add(p, "son", "daughter", kids.get(p, ()))
        add(p, "brother", "sister", siblings[p])
        add(p, "uncle", "aunt", above + [spouse[s] for s in above])
        add(p, "nephew", "niece", [kid for q in couple for s in siblings[q] for kid in kids.get(s, ())])
    return facts


def fact_table(tree):
    """(cases, x, answers) of both families: cases [(person, relation)] as indices, x (N, 36) one-hot pairs,
    answers (N, 24) with a 1 for each right person."""
    facts = english_facts(tree)
    cases = [(ENGLISH.index(p) + 12 * family, RELATIONS.index(r)) for family in (0, 1) for p, r in facts]
    x, answers = np.zeros((len(cases), 36)), np.zeros((len(cases), 24))
    for n, (person, relation) in enumerate(cases):
        x[n, person] = x[n, 24 + relation] = 1
        right = facts[ENGLISH[person % 12], RELATIONS[relation]]
        answers[n, [ENGLISH.index(q) + 12 * (person // 12) for q in right]] = 1
    return cases, x, answers


def features(tree):
    """{feature: labels (24,)} that no input names; branch is -1 for Colin, Charlotte and their like: both branches."""
    young = {"Colin": 2, "Charlotte": 2}
    generation = [young.get(p, int(p not in MARRIED[0] + MARRIED[1])) for p in ENGLISH]
    born = {q: branch for branch in (0, 1) for q in [*MARRIED[branch], *CHILDREN[tree][branch]]}
    born |= {b: born[a] for pair in MARRIED for a, b in (pair, pair[::-1]) if b not in born}  # who marries in
    branch = [born.get(p, -1) for p in ENGLISH]
    return {"nationality": np.repeat([0, 1], 12), "generation": np.tile(generation, 2), "branch": np.tile(branch, 2)}


# ---- model ---------------------------------------------------------------------------------------------------------

LAYOUT = {"Wp": (24, 6), "Wr": (12, 6), "W1": (12, 12), "W2": (12, 6), "W3": (6, 24),
          "bp": (1, 6), "br": (1, 6), "b1": (1, 12), "b2": (1, 6), "b3": (1, 24)}


def forward(params, x):
    """Probabilities y (S, N, 24) of the answers and the layers below: codes p (S, 24, 6), r (S, 12, 6), then h, e."""
    p = np.tanh(params["Wp"] + params["bp"])  # a one-hot input picks a row, so each code is computed once
    r = np.tanh(params["Wr"] + params["br"])
    into = np.concatenate([p @ params["W1"][:, :6], r @ params["W1"][:, 6:]], axis=1)  # (S, 36, 12)
    h = np.tanh(x @ into + params["b1"])
    e = np.tanh(h @ params["W2"] + params["b2"])
    y = np.exp(e @ params["W3"] + params["b3"])  # weight decay keeps this far from overflow
    y /= y.sum(axis=2, keepdims=True)
    return y, (p, r, h, e)


def backward(params, x, d, mask, y, layers, out):
    """Gradients of E = -sum d log y over the facts with `mask` (S, N, 1) 1, written into the views `out`."""
    p, r, h, e = layers
    W1 = params["W1"]
    dz = (y - d) * mask
    np.matmul(e.transpose(0, 2, 1), dz, out=out["W3"])
    np.sum(dz, axis=1, keepdims=True, out=out["b3"])
    de = (dz @ params["W3"].transpose(0, 2, 1)) * (1 - e * e)
    np.matmul(h.transpose(0, 2, 1), de, out=out["W2"])
    np.sum(de, axis=1, keepdims=True, out=out["b2"])
    dh = (de @ params["W2"].transpose(0, 2, 1)) * (1 - h * h)
    np.sum(dh, axis=1, keepdims=True, out=out["b1"])
    dinto = x.T @ dh  # (S, 36, 12): what the facts of a person, or of a relation, ask for together
    np.matmul(p.transpose(0, 2, 1), dinto[:, :24], out=out["W1"][:, :6])
    np.matmul(r.transpose(0, 2, 1), dinto[:, 24:], out=out["W1"][:, 6:])
    np.multiply(dinto[:, :24] @ W1[:, :6].transpose(0, 2, 1), 1 - p * p, out=out["Wp"])
    np.multiply(dinto[:, 24:] @ W1[:, 6:].transpose(0, 2, 1), 1 - r * r, out=out["Wr"])
    np.sum(out["Wp"], axis=1, keepdims=True, out=out["bp"])
    np.sum(out["Wr"], axis=1, keepdims=True, out=out["br"])
    return out


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rngs):
    """Starting parameters (S, P): normal weights, zero biases, each network from its own generator."""
    theta = np.zeros((len(rngs), n_parameters(LAYOUT)))
    for row, rng in zip(theta, rngs, strict=True):
        for name, w in unpack(row, LAYOUT).items():
            if name.startswith("W"):
                w[:] = rng["init"].normal(0, config.init_scale * np.sqrt(2 / sum(w.shape)), w.shape)
    return theta


def decay_of(config):
    """Weight decay of each parameter (P,); biases have none."""
    decay = np.zeros(n_parameters(LAYOUT))
    for name, w in unpack(decay, LAYOUT).items():
        w[:] = {"Wp": config.weight_decay, "Wr": config.weight_decay, "W3": config.weight_decay,
                "W1": config.shared_decay, "W2": config.shared_decay}.get(name, 0.0)
    return decay


def right(y, answers):
    """Whether the strongest output of each fact is one of its answers (S, N)."""
    return np.take_along_axis(np.broadcast_to(answers, y.shape), y.argmax(axis=2)[:, :, None], axis=2)[:, :, 0] > 0


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets), each on its own split.

    Returns arrays over the networks: theta (S, P), correct (S, N), held_out (S, N), loss (S,). The hook gets the number
    of sweeps done, every tenth, and loss, train_accuracy, test_correct, params, correct. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    _, x, answers = fact_table(config.tree)
    S, N, d = len(rngs), len(x), answers / answers.sum(axis=1, keepdims=True)
    held_out = np.zeros((S, N), bool)
    for row, r in zip(held_out, rngs, strict=True):
        row[r["data"].permutation(N)[: config.n_test]] = True
    mask = (~held_out)[:, :, None].astype(float)
    theta, decay = initial(config, rngs), decay_of(config)
    grad, buffer = np.empty_like(theta), np.empty_like(theta)
    params, grads, adam = unpack(theta, LAYOUT), unpack(grad, LAYOUT), Adam([theta], lr=config.lr, beta2=0.99)

    for epoch in range(config.n_epochs + 1):  # the extra round judges the last update
        y, layers = forward(params, x)
        if epoch % 10 == 0 or epoch == config.n_epochs:
            loss = -(d * np.log(y + 1e-300) * mask).sum(axis=(1, 2))
            if not np.isfinite(loss).all():
                raise NonFiniteError(epoch)
            correct = right(y, answers)
            if on_step:
                on_step(epoch, {"loss": loss, "train_accuracy": (correct & ~held_out).sum(axis=1) / (N - config.n_test),
                                "test_correct": (correct & held_out).sum(axis=1), "params": params,
                                "correct": correct, "held_out": held_out})
        if epoch == config.n_epochs:
            break
        backward(params, x, d, mask, y, layers, grads)
        left = (1 - epoch / config.n_epochs) / config.relax if config.relax else 1.0
        np.multiply(theta, decay * min(1.0, left), out=buffer)
        grad += buffer
        adam.step([grad])
    return {"theta": theta, "correct": correct, "held_out": held_out, "loss": loss}


# ---- evaluation ----------------------------------------------------------------------------------------------------


def probe(code, labels, ridge=0.1):
    """Share right of a linear probe of `code` (n, k) for `labels` (n, ...), each person left out of its own fit.

    Ridge regression on one-hot labels; leaving out row i changes its prediction to t - (t - Ht) / (1 - H_ii), H being
    the hat matrix, so that all n fits come from one.
    """
    x = np.concatenate([code, np.ones((len(code), 1))], axis=1)
    hat = x @ np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T)
    t = (labels[..., None] == np.arange(labels.max() + 1)).astype(float)  # (n, ..., classes)
    scale = (1 - np.diag(hat)).reshape(-1, *[1] * (t.ndim - 1))
    left_out = t - (t - np.tensordot(hat, t, axes=1)) / scale
    return float(np.mean(left_out.argmax(axis=-1) == labels))


def metrics_of(result, i, config, rng):
    """Metrics of network `i`: facts right in and out of its training set, linear probes of its person code.

    chance_* is the same probe on labels shuffled among the persons, 200 times.
    """
    correct, held_out = result["correct"][i], result["held_out"][i]
    metrics = {"train_accuracy": float(correct[~held_out].mean()), "test_correct": int(correct[held_out].sum()),
               "learned": bool(correct[~held_out].all()), "loss": float(result["loss"][i])}
    params = unpack(result["theta"][i : i + 1], LAYOUT)
    code = np.tanh(params["Wp"] + params["bp"])[0]  # (24, 6)
    for name, labels in features(config.tree).items():
        known = labels >= 0
        shuffled = rng["test"].permuted(np.tile(labels[known], (200, 1)), axis=1).T
        metrics[f"probe_{name}"] = probe(code[known], labels[known])
        metrics[f"chance_{name}"] = probe(code[known], shuffled)
    return metrics


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; one network, four facts held out."""
    rng = generators(seed)["test"]
    _, x, answers = fact_table(config.tree)
    d, mask = answers / answers.sum(axis=1, keepdims=True), np.ones((1, len(x), 1))
    mask[:, :4] = 0
    theta = rng.normal(size=(1, n_parameters(LAYOUT))) * 0.5
    params, grads = unpack(theta, LAYOUT), unpack(np.empty_like(theta), LAYOUT)
    backward(params, x, d, mask, *forward(params, x), grads)
    return gradcheck(lambda: -np.sum(d * np.log(forward(params, x)[0]) * mask), params, grads, eps=3e-5), 1e-5


# ---- running -------------------------------------------------------------------------------------------------------


def run_batch(seeds, on_step=None, **settings):
    """Metrics of each of `seeds`, trained at once; equal to their single runs."""
    config = Config(**settings)
    rngs = [generators(seed) for seed in seeds]
    result = train(config, rngs, on_step=on_step)
    return [metrics_of(result, i, config, rng) for i, rng in enumerate(rngs)]


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config."""
    return run_batch([seed], on_step, **settings)[0]


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="family-trees", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
