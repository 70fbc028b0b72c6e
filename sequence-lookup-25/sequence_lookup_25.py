"""Twenty-five sequences (Rumelhart, Hinton & Williams 1986): a recurrent net completes sequences it never saw.

Each sequence begins with two letters, each letter stands for two digits, and the net has to go on with the four digits:
A B, then 1 2 2 3. Letters are shown one per step; then the input is off, and an output unit for each digit has to come
on in turn, so the net must keep both letters while it speaks; at other steps all outputs are to stay off. Five of the
25 sequences are held out. With variable timing each letter is held for one to three steps, anew at every showing.

The task of the earlier catalog is here too: `--task teacher`, five letters, then a code of three bits given by a
linear teacher. How well that can be known from twenty cases is measured by an ideal observer, which knows the kind
of the teacher and averages over every teacher that fits.

Errors are propagated back through time by hand. Many seeds train at once along the axis S: arrays are (T, S, B, units),
with the time steps of one network side by side in memory.

Left out: logistic hidden units and momentum; here tanh and Adam. Two things make the net read the two letters apart,
not as one of 25 cases: weight decay, strong between the hidden units, and noise on the letters while it learns.
"""

import math
from dataclasses import dataclass

import numpy as np

from shared import Adam, NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    task: str = option("table", "two letters to four digits, or five letters to three bits",
                       choices=("table", "teacher"))
    vary: bool = option(False, "data set, teacher and split are drawn by each seed anew, not by --dataset-seed")
    dataset_seed: int = option(0, "seed of data set, teacher and split; 0 has the digits of the paper's table", low=0)
    variable_timing: bool = option(False, "each letter is held for a random number of steps")
    max_hold: int = option(3, "variable timing: a letter is held for 1 to this many steps", low=1, high=10,
                           alias=("--max-timing",))
    n_hidden: int = option(0, "hidden units; 0: 30, or 60 for variable timing", low=0)
    n_epochs: int = option(3000, "sweeps through the training sequences", low=1, alias=("--n-sweeps",))
    lr: float = option(0.01, "step of Adam", above=0)
    input_noise: float = option(0.3, "noise on the inputs of a letter, drawn at every showing in training", low=0)
    weight_decay: float = option(0.02, "weight decay into and out of the hidden units: Wx, Wy", low=0)
    shared_decay: float = option(0.3, "weight decay between the hidden units, for all letters and steps: Wh", low=0)
    init_scale: float = option(1.0, "initial weights: standard deviation times the root of the unit's inputs", above=0)

    @property
    def longest(self):
        """Steps for which a letter can be held."""
        return self.max_hold if self.variable_timing else 1

    @property
    def hidden(self):
        """Hidden units that 0 stands for."""
        return self.n_hidden or (60 if self.variable_timing else 30)


QUICK = {"n_epochs": 100}

PAPER = "Rumelhart, Hinton & Williams 1986"
VARY, HELD = {"vary": True}, {"variable_timing": True}
TEACHER = {"task": "teacher", "vary": True}
CLAIMS = [
    {"claim": "fixed timing, one data set: held-out sequences right, of 5", "source": PAPER, "paper": 4,
     "earlier": "median 5", "metric": "test_correct", "statistic": "mean", "op": ">=", "threshold": 4.5},
    {"claim": "fixed timing, a data set per seed: of 5", "source": PAPER, "paper": 4, "earlier": None,
     "metric": "test_correct", "statistic": "mean", "op": ">=", "threshold": 4.5, "config": VARY},
    {"claim": "variable timing, one data set: of 5", "source": PAPER, "paper": 5, "earlier": "5, holds up to 2",
     "metric": "test_correct", "statistic": "median", "op": ">=", "threshold": 5.0, "config": HELD},
    {"claim": "variable timing, a data set per seed: of 5", "source": PAPER, "paper": 5, "earlier": None,
     "metric": "test_correct", "statistic": "mean", "op": ">=", "threshold": 4.5, "config": VARY | HELD},
    {"claim": "task of the earlier catalog, a teacher per seed: of 5", "source": "ours", "paper": None,
     "earlier": None, "metric": "test_correct", "statistic": "mean", "op": ">=", "threshold": 4.5, "config": TEACHER},
]

# ---- data ----------------------------------------------------------------------------------------------------------

N_SEQUENCES, N_TRAIN, N_LETTERS = 25, 20, 5
DTYPE = np.float32  # half the time of float64, most of it in tanh
TINY = np.float32(1e-7)  # an output that is wholly wrong costs no more than -log of this
TABLE = np.array([[1, 2], [2, 3], [3, 1], [2, 1], [1, 3]])  # digits that A, B, C, D, E stand for
POSITION = np.linspace(1, 0.2, 5)  # teacher: how much the letter at each place counts


def table_task(config, rng):
    """Letters (25, 2), all pairs, and codes (25, 4, 3): a step per digit, 1 at its unit."""
    digits = TABLE
    if config.vary or config.dataset_seed:  # five different pairs of the nine
        chosen = rng.choice(9, N_LETTERS, replace=False)
        digits = 1 + np.stack([chosen // 3, chosen % 3], axis=1)
    letters = np.stack(np.divmod(np.arange(N_SEQUENCES), N_LETTERS), axis=1)
    return letters, np.eye(3, dtype=DTYPE)[digits[letters].reshape(N_SEQUENCES, 4) - 1]


def teacher_task(config, rng):
    """25 random words, letters (25, 5), and codes (25, 1, 3): 1 where a random linear function of them is > 0."""
    words = rng.choice(N_LETTERS**5, N_SEQUENCES, replace=False)
    letters = words[:, None] // N_LETTERS ** np.arange(5) % N_LETTERS
    w = rng.normal(size=(3, N_LETTERS + 1))  # a weight per letter and a threshold, for each bit
    return letters, (words_features(letters) @ w.T > 0).astype(DTYPE)[:, None]


def words_features(letters):
    """What the teacher sees of words (n, 5): how much of each letter there is, by place, and a constant; (n, 6)."""
    seen = (np.eye(N_LETTERS)[letters] * POSITION[:, None]).sum(axis=1)
    return np.concatenate([seen, np.full((len(letters), 1), 0.5)], axis=1)


def draw_task(config, rng):
    """(letters (25, L), codes (25, K, 3)) in random order: the first 20 are for training, the last 5 held out."""
    source = rng["data"] if config.vary else generators(config.dataset_seed)["data"]
    letters, codes = (table_task if config.task == "table" else teacher_task)(config, source)
    order = source.permutation(N_SEQUENCES)
    return letters[order], codes[order]


def show(seen, codes, holds, longest):
    """Sequences in time, for holds up to `longest`: inputs x (T, ..., 5), targets d (T, ..., 3) and due (T, ..., 1),
    whether an answer is due; when none is, all targets are 0.

    `seen` (..., L, 5) are the inputs for the letters, `codes` (..., K, 3), `holds` (..., L). Several digits are given
    once the letters are over; a single code is due at the last step of the last letter.
    """
    n_letters, n_out = seen.shape[-2], codes.shape[-2]
    ends = holds.cumsum(axis=-1)
    start = ends[..., -1] - (n_out == 1)
    t = np.arange(n_letters * longest + n_out - (n_out == 1)).reshape(-1, *[1] * start.ndim)
    k = t - start
    due = (k >= 0) & (k < n_out)
    letter = (t[..., None] >= ends).sum(axis=-1)  # (T, ...), which one it is; the number of letters: off
    return in_turn(seen, letter), in_turn(codes, np.where(due, k, n_out)), due[..., None]


def in_turn(rows, which):
    """(T, ..., D): row `which` (T, ...) of each of `rows` (..., R, D); row R stands for zeros."""
    *outer, n_rows, D = rows.shape
    padded = np.concatenate([rows, np.zeros((*outer, 1, D), rows.dtype)], axis=-2).reshape(-1, D)
    return padded[which + (n_rows + 1) * np.arange(math.prod(outer)).reshape(outer)]


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    H = config.hidden
    return {"Wx": (N_LETTERS, H), "Wh": (H, H), "Wy": (H, 3), "bh": (1, H), "by": (1, 3)}


def by_network(n_steps, S, B, H, dtype):
    """Empty array (n_steps, S, B, H) whose steps lie side by side for each network: `fold` is then no copy."""
    return np.empty((S, n_steps, B, H), dtype).transpose(1, 0, 2, 3)


def fold(a):
    """(T, S, B, units) as (S, T B, units): every step of every case in a row, for one product per network."""
    return a.transpose(1, 0, 2, 3).reshape(a.shape[1], -1, a.shape[3])


def forward(params, x):
    """Outputs y (T, S, B, 3) and hidden states h (T + 1, S, B, H), h[0] = 0, for inputs `x` (T, S, B, 5).

    h(t) = tanh(x(t) Wx + h(t-1) Wh + bh); y = logistic(z), z(t) = h(t) Wy + by, as (1 + tanh(z/2)) / 2.
    """
    T, S, B, _ = x.shape
    h = by_network(T + 1, S, B, params["Wh"].shape[-1], params["Wh"].dtype)
    h[0] = 0
    np.matmul(x, params["Wx"], out=h[1:])
    h[1:] += params["bh"]
    for t in range(T):
        h[t + 1] += h[t] @ params["Wh"]
        np.tanh(h[t + 1], out=h[t + 1])
    y = h[1:] @ params["Wy"]
    y += params["by"]
    y *= 0.5
    np.tanh(y, out=y)
    y += 1
    y *= 0.5
    return y, h


def backward(params, x, d, y, h, out):
    """Gradients of E = - sum d log y + (1 - d) log(1 - y), back through time, written into the views `out`."""
    T, S, B, _ = x.shape
    dz = y - d  # at the outputs' summed inputs: the slope of the logistic function and that of the log cancel
    dh = by_network(T, S, B, h.shape[-1], h.dtype)
    np.matmul(dz, params["Wy"].transpose(0, 2, 1), out=dh)  # what each step's own answer asks for
    slope = h[1:] * h[1:]
    np.subtract(1, slope, out=slope)
    back = params["Wh"].transpose(0, 2, 1)
    dh[-1] *= slope[-1]
    for t in range(T - 2, -1, -1):  # dh[t] turns into the error at the input of the hidden units
        dh[t] += dh[t + 1] @ back
        dh[t] *= slope[t]
    dh, dz = fold(dh), fold(dz)
    np.matmul(fold(x).transpose(0, 2, 1), dh, out=out["Wx"])
    np.matmul(fold(h[:-1]).transpose(0, 2, 1), dh, out=out["Wh"])
    np.matmul(fold(h[1:]).transpose(0, 2, 1), dz, out=out["Wy"])
    np.sum(dh, axis=1, keepdims=True, out=out["bh"])
    np.sum(dz, axis=1, keepdims=True, out=out["by"])
    return out


def errors(y, d):
    """E (S,) of each network, see `backward`: the probability that y gives to a target d of 0 or 1 is 1 - |y - d|."""
    cost = -np.log(np.maximum(1 - np.abs(y - d), TINY))
    return fold(cost).sum(axis=(1, 2))


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rngs):
    """Starting parameters (S, P): normal weights, zero biases, each network from its own generator."""
    theta = np.zeros((len(rngs), n_parameters(layout(config))), DTYPE)
    for row, rng in zip(theta, rngs, strict=True):
        for name, w in unpack(row, layout(config)).items():
            if name.startswith("W"):
                w[:] = rng["init"].normal(0, config.init_scale / np.sqrt(len(w)), w.shape)
    return theta


def draw_holds(config, rngs, role, shape):
    """How long each letter is held (S, *shape), each network from its own generator; all 1 without variable timing."""
    if not config.variable_timing:
        return np.ones((len(rngs), *shape), int)
    return np.stack([rng[role].integers(1, config.max_hold + 1, shape) for rng in rngs])


def letter_inputs(letters, rngs, config):
    """Inputs (S, B, L, 5) for `letters` (S, B, L): one unit on, and noise on all from each network's own generator."""
    seen = np.eye(N_LETTERS, dtype=DTYPE)[letters]
    if config.input_noise:
        noise = [rng["noise"].standard_normal(seen.shape[1:], dtype=DTYPE) for rng in rngs]
        seen += DTYPE(config.input_noise) * np.stack(noise)
    return seen


def right(y, d, due, config):
    """Whether each sequence (S, B) is right: at every step that is due the strongest output is the digit's; of a code
    each output is on the right side of a half."""
    if config.task == "table":
        return ((y.argmax(axis=3) == d.argmax(axis=3)) | ~due[..., 0]).all(axis=0)
    return (((y > 0.5) == (d > 0.5)) | ~due).all(axis=(0, 3))


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets) by full-batch descent.

    Returns theta (S, P), letters (S, 25, L), codes (S, 25, K, 3), loss (S,), learned_at (S,), the first sweep with
    every training sequence right, noise and all. The hook gets the number of sweeps done and loss, train_accuracy,
    params, letters, codes. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    letters, codes = (np.stack(part) for part in zip(*[draw_task(config, r) for r in rngs], strict=True))
    theta = initial(config, rngs)
    grad, decay = np.empty_like(theta), np.zeros(theta.shape[1], DTYPE)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    for name, w in unpack(decay, layout(config)).items():
        w[:] = {"Wx": config.weight_decay, "Wh": config.shared_decay, "Wy": config.weight_decay}.get(name, 0.0)
    adam, learned_at = Adam([theta], lr=config.lr, beta2=0.99), np.full(len(rngs), config.n_epochs)

    shown, answers = letters[:, :N_TRAIN], codes[:, :N_TRAIN]
    for epoch in range(config.n_epochs + 1):  # the extra round judges the last update
        holds = draw_holds(config, rngs, "noise", shown.shape[1:])
        x, d, due = show(letter_inputs(shown, rngs, config), answers, holds, config.longest)
        y, h = forward(params, x)
        loss = errors(y, d)
        if not np.isfinite(loss).all():
            raise NonFiniteError(epoch)
        correct = right(y, d, due, config)
        learned_at[correct.all(axis=1)] = np.minimum(learned_at[correct.all(axis=1)], epoch)
        if on_step:
            on_step(epoch, {"loss": loss, "train_accuracy": correct.mean(axis=1), "params": params,
                            "letters": letters, "codes": codes})
        if epoch == config.n_epochs:
            break
        backward(params, x, d, y, h, grads)
        grad += decay * theta
        # the step falls to zero over the second half, so that the last weights do not hang on the last timings
        adam.lr = config.lr * min(1.0, 2 * (1 - epoch / config.n_epochs))
        adam.step([grad])
    return {"theta": theta, "letters": letters, "codes": codes, "loss": loss, "learned_at": learned_at}


# ---- evaluation ----------------------------------------------------------------------------------------------------


def score(config, theta, letters, codes, rng):
    """Share of timings under which each of the sequences (25,) of one network comes out right; timings are fresh,
    letters without noise."""
    n = 40 if config.variable_timing else 1
    holds = draw_holds(config, [rng], "test", (n, *letters.shape))[0]
    seen = np.eye(N_LETTERS, dtype=DTYPE)[letters]
    x, d, due = show(*(np.broadcast_to(a, (n, *a.shape)) for a in (seen, codes)), holds, config.longest)
    y, _ = forward(unpack(theta[None], layout(config)), x)
    return right(y, d, due, config).mean(axis=0)


def ideal_bits(x, bits, x_new, rng, n_rounds=2000):
    """Signs (m,) of the mean vote of the teachers w ~ N(0, I) with sign(x w) = bits (n,), on `x_new` (m, k).

    Hit and run: along a random direction w is normal, within the interval in which it explains every case.
    """
    a = x * bits[:, None]
    w, votes = np.linalg.lstsq(x, bits, rcond=None)[0], np.zeros(len(x_new))
    while (a @ w).min() <= 0:  # the perceptron rule finds a teacher that fits: there is one
        w += a[np.argmin(a @ w)]
    w /= np.linalg.norm(w)  # the length of a teacher is free
    for i in range(n_rounds):
        direction = rng.normal(size=len(w))
        direction /= np.linalg.norm(direction)
        w -= (along := w @ direction) * direction  # the point of the line nearest to 0
        slope, offset = a @ direction, a @ w
        bounds = -offset / slope
        low, high = bounds[slope > 0].max(initial=-8.0), bounds[slope < 0].min(initial=8.0)
        for _ in range(50):  # rejection: uniform in the interval, kept with the density of a normal
            u = rng.uniform(low, high)
            nearest = min(max(0.0, low), high)
            if rng.random() < np.exp(0.5 * (nearest**2 - u**2)):
                along = u
                break
        w += along * direction
        if i >= n_rounds // 10:
            votes += np.sign(x_new @ w)
    return np.sign(votes)


def metrics_of(result, i, config, rng):
    """Metrics of network `i`: sequences right in and out of its training set, with fresh timings."""
    letters, codes = result["letters"][i], result["codes"][i]
    share = score(config, result["theta"][i], letters, codes, rng)
    metrics = {"test_correct": float(share[N_TRAIN:].sum()), "train_accuracy": float(share[:N_TRAIN].mean()),
               "learned_at": int(result["learned_at"][i]), "loss": float(result["loss"][i])}
    if config.task == "teacher":
        x, bits = words_features(letters), 2.0 * codes[:, 0] - 1
        votes = [ideal_bits(x[:N_TRAIN], bits[:N_TRAIN, b], x[N_TRAIN:], rng["test"]) for b in range(3)]
        metrics["ideal_correct"] = int((np.stack(votes, axis=1) == bits[N_TRAIN:]).all(axis=1).sum())
    return metrics


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; one network, random holds."""
    rng = generators(seed)
    letters, codes = (a[None, :6] for a in draw_task(config, rng))
    seen = np.eye(N_LETTERS)[letters] + 0.3 * rng["test"].normal(size=(*letters.shape, N_LETTERS))
    x, d, _ = show(seen, codes, rng["test"].integers(1, 3, letters.shape), 2)
    theta = rng["test"].normal(size=(1, n_parameters(layout(config)))) * 0.3
    params, grads = unpack(theta, layout(config)), unpack(np.empty_like(theta), layout(config))
    backward(params, x, d, *forward(params, x), grads)
    return gradcheck(lambda: errors(forward(params, x)[0], d).sum(), params, grads, eps=3e-5), 1e-5


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
    return command_line(argv, slug="sequence-lookup-25", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
