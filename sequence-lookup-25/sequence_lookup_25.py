"""Twenty-five sequences (Rumelhart, Hinton & Williams 1986): a recurrent net completes sequences it never saw.

Each sequence begins with two letters, each letter stands for two digits, and the net has to go on with the four digits:
A B, then 1 2 2 3. Letters are shown one per step; then the input is off, and an output unit for each digit has to come
on in turn, so the net must keep both letters while it speaks. Five of the 25 sequences are held out. With variable
timing each letter is held for one to three steps, drawn anew at every showing.

The task of the earlier catalog is here too: `--task teacher`, five letters, then a code of three bits given by a
linear teacher. How well that can be known from twenty cases is measured by an ideal observer, which knows the kind
of the teacher and averages over every teacher that fits.

Errors are propagated back through time by hand. Many seeds train at once along the axis S: arrays are (T, S, B, units).

Left out: logistic units and momentum; here tanh and Adam. Weight decay, strong on the weights that all letters share,
makes the net read the two letters apart, not as one of 25 cases.
"""

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
    n_epochs: int = option(1000, "sweeps through the training sequences", low=1, alias=("--n-sweeps",))
    lr: float = option(0.01, "step of Adam", above=0)
    weight_decay: float = option(0.02, "weight decay where each letter has weights of its own: Wx", low=0)
    shared_decay: float = option(2.0, "weight decay where all letters share the weights: Wh, Wy", low=0)
    init_scale: float = option(0.5, "initial weights: standard deviation times the root of the unit's inputs", above=0)

    @property
    def longest(self):
        """Steps for which a letter can be held."""
        return self.max_hold if self.variable_timing else 1

    @property
    def hidden(self):
        """Hidden units that 0 stands for."""
        return self.n_hidden or (60 if self.variable_timing else 30)


QUICK = {"n_epochs": 60}

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
TABLE = np.array([[1, 2], [2, 3], [3, 1], [2, 1], [1, 3]])  # digits that A, B, C, D, E stand for
POSITION = np.linspace(1, 0.2, 5)  # teacher: how much the letter at each place counts


def table_task(config, rng):
    """Letters (25, 2), all pairs, and codes (25, 4, 3): a step per digit, +1 at its unit."""
    digits = TABLE
    if config.vary or config.dataset_seed:  # five different pairs of the nine
        chosen = rng.choice(9, N_LETTERS, replace=False)
        digits = 1 + np.stack([chosen // 3, chosen % 3], axis=1)
    letters = np.stack(np.divmod(np.arange(N_SEQUENCES), N_LETTERS), axis=1)
    return letters, 2 * np.eye(3)[digits[letters].reshape(N_SEQUENCES, 4) - 1] - 1


def teacher_task(config, rng):
    """25 random words, letters (25, 5), and codes (25, 1, 3): the signs of a random linear function of the letters."""
    words = rng.choice(N_LETTERS**5, N_SEQUENCES, replace=False)
    letters = words[:, None] // N_LETTERS ** np.arange(5) % N_LETTERS
    w = rng.normal(size=(3, N_LETTERS + 1))  # a weight per letter and a threshold, for each bit
    return letters, np.where(words_features(letters) @ w.T > 0, 1.0, -1.0)[:, None]


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


def show(letters, codes, holds, longest):
    """Sequences in time, for holds up to `longest`: inputs x (T, ..., 5), targets d (T, ..., 3) and mask (T, ..., 1),
    1 where an answer is due.

    `letters` and `holds` (..., L), `codes` (..., K, 3). Several digits are given once the letters are over; a single
    code is due at the last step of the last letter.
    """
    n_out = codes.shape[-2]
    ends = holds.cumsum(axis=-1)
    start = ends[..., -1] - (n_out == 1)
    n_steps = letters.shape[-1] * longest + n_out - (n_out == 1)
    t = np.arange(n_steps).reshape(-1, *[1] * start.ndim)
    item = (t[..., None] >= ends).sum(axis=-1)  # (T, ...): which letter it is; the number of letters: off
    shown = np.concatenate([letters, np.full((*letters.shape[:-1], 1), N_LETTERS)], axis=-1)
    x = np.eye(N_LETTERS + 1)[np.take_along_axis(shown[None], item[..., None], axis=-1)[..., 0]][..., :N_LETTERS]
    k = t - start
    d = np.take_along_axis(codes[None], k.clip(0, n_out - 1)[..., None, None], axis=-2)[..., 0, :]
    return x, d, ((k >= 0) & (k < n_out))[..., None].astype(float)


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    H = config.hidden
    return {"Wx": (N_LETTERS, H), "Wh": (H, H), "Wy": (H, 3), "bh": (1, H), "by": (1, 3)}


def forward(params, x):
    """Outputs y (T, S, B, 3) and hidden states h (T + 1, S, B, H), h[0] = 0, for inputs `x` (T, S, B, 5)."""
    T, S, B, _ = x.shape
    h = np.zeros((T + 1, S, B, params["Wh"].shape[-1]))
    into = x @ params["Wx"] + params["bh"]
    for t in range(T):
        np.tanh(into[t] + h[t] @ params["Wh"], out=h[t + 1])
    return np.tanh(h[1:] @ params["Wy"] + params["by"]), h


def backward(params, x, d, mask, y, h, out):
    """Gradients of E = 1/2 sum (y - d)^2 where `mask` is 1, back through time, written into the views `out`."""
    dz = (y - d) * mask * (1 - y * y)
    dh = dz @ params["Wy"].transpose(0, 2, 1)  # what each step's own answer asks for
    slope = 1 - h[1:] * h[1:]
    back = params["Wh"].transpose(0, 2, 1)
    dh[-1] *= slope[-1]
    for t in range(len(x) - 2, -1, -1):  # dh[t] turns into the error at the input of the hidden units
        dh[t] += dh[t + 1] @ back
        dh[t] *= slope[t]
    # the sum over time is folded into the cases: (S, T B, units)
    flat = [a.transpose(1, 0, 2, 3).reshape(a.shape[1], -1, a.shape[3]) for a in (x, h[:-1], h[1:], dh, dz)]
    x_, before, after, dh_, dz_ = flat
    np.matmul(x_.transpose(0, 2, 1), dh_, out=out["Wx"])
    np.matmul(before.transpose(0, 2, 1), dh_, out=out["Wh"])
    np.matmul(after.transpose(0, 2, 1), dz_, out=out["Wy"])
    np.sum(dh_, axis=1, keepdims=True, out=out["bh"])
    np.sum(dz_, axis=1, keepdims=True, out=out["by"])
    return out


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rngs):
    """Starting parameters (S, P): normal weights, zero biases, each network from its own generator."""
    theta = np.zeros((len(rngs), n_parameters(layout(config))))
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


def right(y, d, mask, config):
    """Whether each sequence (S, B) is right: at every step that is due the strongest output is the digit's; of a code
    each output has the right sign."""
    if config.task == "table":
        return ((y.argmax(axis=3) == d.argmax(axis=3)) | (mask[..., 0] == 0)).all(axis=0)
    return ((y * d > 0) | (mask == 0)).all(axis=(0, 3))


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets) by full-batch descent.

    Returns theta (S, P), letters (S, 25, L), codes (S, 25, K, 3), loss (S,), learned_at (S,), the first sweep with
    every training sequence right. The hook gets the number of sweeps done and loss, train_accuracy, params, letters,
    codes. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    letters, codes = (np.stack(part) for part in zip(*[draw_task(config, r) for r in rngs], strict=True))
    theta = initial(config, rngs)
    grad, decay = np.empty_like(theta), np.zeros(theta.shape[1])
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    for name, w in unpack(decay, layout(config)).items():
        w[:] = {"Wx": config.weight_decay, "Wh": config.shared_decay, "Wy": config.shared_decay}.get(name, 0.0)
    adam, learned_at = Adam([theta], lr=config.lr, beta2=0.99), np.full(len(rngs), config.n_epochs)

    shown = show(letters[:, :N_TRAIN], codes[:, :N_TRAIN], np.ones_like(letters[:, :N_TRAIN]), config.longest)
    for epoch in range(config.n_epochs + 1):  # the extra round judges the last update
        if config.variable_timing:
            holds = draw_holds(config, rngs, "noise", (N_TRAIN, letters.shape[2]))
            shown = show(letters[:, :N_TRAIN], codes[:, :N_TRAIN], holds, config.longest)
        x, d, mask = shown
        y, h = forward(params, x)
        loss = 0.5 * sum((((y - d) * mask) ** 2).sum(axis=(2, 3)))  # step by step: the same alone and in a batch
        if not np.isfinite(loss).all():
            raise NonFiniteError(epoch)
        correct = right(y, d, mask, config)
        learned_at[correct.all(axis=1)] = np.minimum(learned_at[correct.all(axis=1)], epoch)
        if on_step:
            on_step(epoch, {"loss": loss, "train_accuracy": correct.mean(axis=1), "params": params,
                            "letters": letters, "codes": codes})
        if epoch == config.n_epochs:
            break
        backward(params, x, d, mask, y, h, grads)
        grad += decay * theta
        # the step falls to zero over the second half, so that the last weights do not hang on the last timings
        adam.lr = config.lr * min(1.0, 2 * (1 - epoch / config.n_epochs))
        adam.step([grad])
    return {"theta": theta, "letters": letters, "codes": codes, "loss": loss, "learned_at": learned_at}


# ---- evaluation ----------------------------------------------------------------------------------------------------


def score(config, theta, letters, codes, rng):
    """Share of timings under which each of the sequences (25,) of one network comes out right; timings are fresh."""
    n = 40 if config.variable_timing else 1
    holds = draw_holds(config, [rng], "test", (n, *letters.shape))
    many = [np.broadcast_to(a, (n, *a.shape)).reshape(1, -1, *a.shape[1:]) for a in (letters, codes)]
    x, d, mask = show(*many, holds.reshape(1, -1, letters.shape[1]), config.longest)
    y, _ = forward(unpack(theta[None], layout(config)), x)
    return right(y, d, mask, config).reshape(n, N_SEQUENCES).mean(axis=0)


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
        x, bits = words_features(letters), codes[:, 0]
        votes = [ideal_bits(x[:N_TRAIN], bits[:N_TRAIN, b], x[N_TRAIN:], rng["test"]) for b in range(3)]
        metrics["ideal_correct"] = int((np.stack(votes, axis=1) == bits[N_TRAIN:]).all(axis=1).sum())
    return metrics


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; one network, random holds."""
    rng = generators(seed)
    letters, codes = (a[None, :6] for a in draw_task(config, rng))
    x, d, mask = show(letters, codes, rng["test"].integers(1, 3, letters.shape), 2)
    theta = rng["test"].normal(size=(1, n_parameters(layout(config)))) * 0.3
    params, grads = unpack(theta, layout(config)), unpack(np.empty_like(theta), layout(config))
    backward(params, x, d, mask, *forward(params, x), grads)
    return gradcheck(lambda: 0.5 * np.sum(((forward(params, x)[0] - d) * mask) ** 2), params, grads, eps=3e-5), 1e-5


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
