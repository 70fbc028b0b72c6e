"""Digits by Forward-Forward learning, the label written into the image (Hinton 2022, section 3.3).

The first ten pixels of an image are replaced by a label, one-hot. A positive case has the right label, a negative one
a wrong label. Each layer learns by itself to have a high goodness for the first and a low one for the second:

    h = relu(x W + b),    g = mean of h^2,    and the next layer sees h / sqrt(g): its direction, not its goodness

Nothing is propagated backwards: what a layer learns from stops at its own input. To classify, every label is tried, and
the one with the highest sum of goodnesses wins.

What makes it fast: the pixels are the same for every label, so the first layer computes x W once and adds a row of W
for each label; positive and negative cases go through one product; large arrays are moved by Adam piece by piece.

Left out: unsupervised Forward-Forward, locally connected layers, the recurrent net with top-down input.
"""

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np

from shared import (
    Adam, InputError, NonFiniteError, Options, check_checkpoint, checkpoint_of, checkpoint_option, command_line,
    drawn_digits, generators, gradcheck, load_mnist, n_parameters, option, resume, save_checkpoint, scale_images,
    unpack,
)

DTYPE = np.float32
N_SEEDS = 5  # of the record: a seed takes minutes
PRESETS = {  # what the options below stand for when they are not given
    "laptop": {"layer_sizes": "784,500,500", "objective": "pairwise", "batch_size": 128, "lr": 0.002, "steepness": 4.0,
               "label_scale": 6.0, "drop_pixels": 0.2},
    "paper": {"layer_sizes": "784,2000,2000,2000,2000", "objective": "threshold", "batch_size": 128, "lr": 0.001,
              "steepness": 100.0, "label_scale": 2.0, "drop_pixels": 0.2},
}


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run. What is None is set by the preset."""

    preset: str = option("laptop", "two layers of 500; paper: four layers of 2000, thresholded objective",
                         choices=tuple(PRESETS))
    layer_sizes: str = option(None, "pixels, then units of each layer, with commas; set by the preset")
    objective: str = option(None, "a threshold for each case, or positive against negative; set by the preset",
                            choices=("threshold", "pairwise"))
    n_epochs: int = option(60, "passes over the training images", low=1, alias=("--epochs",))
    batch_size: int = option(None, "images per update; set by the preset", low=1)
    lr: float = option(None, "learning rate of Adam; set by the preset", above=0)
    decay: float = option(0.5, "share of the updates, at the end, over which lr falls to zero", low=0, high=1)
    steepness: float = option(None, "of the logistic function of the goodness; set by the preset", above=0)
    threshold: float = option(1.0, "goodness that a positive case should exceed, a negative one not", above=0)
    label_scale: float = option(None, "value of the pixel that is the label; set by the preset", above=0)
    negatives: str = option("hard", "wrong labels drawn uniformly, or by the goodness of the first layer for them",
                            choices=("uniform", "hard"))
    drop_pixels: float = option(None, "share of the pixels left out, drawn anew every time; set by the preset", low=0,
                                below=1)
    jitter: bool = option(False, "shift every image by up to two pixels each way, drawn anew every time")
    goodness_layers: str = option("all", "layers whose goodness counts in the classification",
                                  choices=("all", "skip-first", "first", "last"))
    data: str = option("mnist", "MNIST, or drawn glyphs that need no download", choices=("mnist", "glyphs"))
    n_train: int = option(60000, "training images", low=20, high=60000, alias=("--train-subset",))
    n_validation: int = option(0, "of them held out, and tested on in place of the test images", low=0)
    n_eval: int = option(2000, "training images that train_error is measured on", low=1, alias=("--eval-subset",))
    full_test: bool = option(True, "test on all 10,000 images, or else on the first 2,000")
    checkpoint: str = checkpoint_option("--save")

    def __post_init__(self):
        super().__post_init__()
        c = self.filled()
        try:
            fits = c.sizes[0] == 784 and min(c.sizes[1:], default=0) >= 1
        except ValueError:
            fits = False
        if not fits:
            raise InputError(f"--layer-sizes {c.layer_sizes}: must be 784 and one or more widths >= 1, with commas")
        if self.n_validation + c.batch_size > self.n_train:
            raise InputError(f"--n-train {self.n_train}: must be at least --n-validation and a batch together, "
                             f"{self.n_validation} + {c.batch_size}")
        if len(c.sizes) == 2 and self.goodness_layers == "skip-first":
            raise InputError("--goodness-layers skip-first: must be another one for a net of one layer")
        check_checkpoint(self.checkpoint)

    def filled(self):
        """This configuration with the preset's values in place of None."""
        absent = {k: v for k, v in PRESETS[self.preset].items() if getattr(self, k) is None}
        return replace(self, **absent) if absent else self

    @property
    def sizes(self):
        """Units of each layer, the pixels first."""
        return [int(size) for size in self.layer_sizes.split(",")]


QUICK = {"data": "glyphs", "n_train": 2000, "n_epochs": 3, "layer_sizes": "784,60,60", "batch_size": 50,
         "full_test": False}

PAPER = "Hinton 2022, section 3.3"
AT_PAPER_SIZE = {"preset": "paper"}
CLAIMS = [
    {"claim": "two layers of 500: test error, mean over the seeds", "source": PAPER + " (four layers of 2000)",
     "paper": 0.0136, "earlier": 0.036, "metric": "test_error", "statistic": "mean", "op": "<=", "threshold": 0.0136},
    {"claim": "two layers of 500: test error of the worst seed", "source": "our own", "paper": None, "earlier": None,
     "metric": "test_error", "statistic": "max", "op": "<=", "threshold": 0.0155},
    {"claim": "four layers of 2000, thresholded: test error", "source": PAPER, "paper": 0.0136, "earlier": None,
     "metric": "test_error", "statistic": "max", "op": "<=", "threshold": 0.0136, "config": AT_PAPER_SIZE},
    {"claim": "four layers of 2000, thresholded: within a quarter of a per cent of it", "source": "our own",
     "paper": None, "earlier": None, "metric": "test_error", "statistic": "max", "op": "<=", "threshold": 0.0160,
     "config": AT_PAPER_SIZE},
]

# ---- data ----------------------------------------------------------------------------------------------------------

N_CLASSES = 10  # and as many pixels, the first ones, hold the label; in MNIST they lie in the border and are black
N_GLYPHS_HELD_OUT = 10000


def load(config, rng):
    """The data: namespaces `train` and `held_out` of images x (n, 784) float32, label pixels black, and labels y (n,).

    Held out are the test images, or with --n-validation the last of the training images.
    """
    if config.data == "mnist":
        images, labels, held_images, held_labels = load_mnist()
    else:
        images, labels = drawn_digits(rng["data"], config.n_train)
        held_images, held_labels = drawn_digits(rng["test"], N_GLYPHS_HELD_OUT)
    if not config.full_test:
        held_images, held_labels = held_images[:2000], held_labels[:2000]
    cut = config.n_train - config.n_validation
    if config.n_validation:
        held_images, held_labels = images[cut : config.n_train], labels[cut : config.n_train]
    sets = []
    for pixels, y in ((images[:cut], labels[:cut]), (held_images, held_labels)):
        x = scale_images(pixels)
        x[:, :N_CLASSES] = 0
        sets.append(SimpleNamespace(x=x, y=y.astype(np.intp)))
    return SimpleNamespace(train=sets[0], held_out=sets[1])


def encode(x, labels, config):
    """Images x (B, 784) with the labels (B,) in their first ten pixels: what the first layer is said to see."""
    return np.concatenate([config.label_scale * np.eye(N_CLASSES, dtype=x.dtype)[labels], x[:, N_CLASSES:]], axis=1)


def shifted(x, rng):
    """Images x (B, 784), each shifted by up to two pixels each way: one of 25 offsets; the label pixels stay black."""
    padded = np.pad(x.reshape(-1, 28, 28), ((0, 0), (2, 2), (2, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(1, 2))
    offsets = rng.integers(0, 5, size=(2, len(x)))
    x = windows[np.arange(len(x)), offsets[0], offsets[1]].reshape(len(x), -1)
    x[:, :N_CLASSES] = 0
    return x


def dropped(x, share, rng):
    """Images x (B, 784) without a random `share` of their pixels, the others brightened to keep the mean input."""
    kept = rng.random(x.shape, dtype=x.dtype) >= share
    return x * (kept * x.dtype.type(1 / (1 - share)))


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters: W1 (784, H1), b1 (H1,), W2 (H1, H2), ..."""
    shapes = {}
    for k, (n_in, n_out) in enumerate(zip(config.sizes, config.sizes[1:], strict=False), 1):
        shapes |= {f"W{k}": (n_in, n_out), f"b{k}": (n_out,)}
    return shapes


def normalized(h, g):
    """The vectors h (N, H) at a mean square of one: their length, the goodness g (N,), is not passed on."""
    return h / np.sqrt(g + h.dtype.type(1e-8))[:, None]


def unlabelled(params, x):
    """Summed inputs (B, H1) of the first layer for images x (B, 784) before any label is on: x W1 + b1."""
    return x @ params["W1"] + params["b1"]


def forward(params, a, labels, config):
    """Goodness of every layer for images, given as a (B, H1) by `unlabelled`, with each of the labellings (C, B).

    Returns per layer (input, h, g): h (C B, H), g (C B,), one labelling after another. The input of the first layer is
    left out (None): its product with W1 is the same for all labellings, plus the row of W1 that the label selects.
    """
    z = (a + a.dtype.type(config.label_scale) * params["W1"][labels]).reshape(labels.size, -1)
    states, u, h, g = [], None, None, None
    for k in range(1, len(config.sizes)):
        if k > 1:
            u = normalized(h, g)
            z = u @ params[f"W{k}"]
            z += params[f"b{k}"]
        h = np.maximum(z, 0, out=z)
        g = np.einsum("ij,ij->i", h, h) / h.dtype.type(h.shape[1])
        states.append((u, h, g))
    return states


def sigmoid(x):
    """1 / (1 + exp(-x)), as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def local_loss(g, config):
    """The loss of one layer, and its slope by the goodness g (2 B,): positive cases, then negative ones.

    threshold: log(1 + exp(s (theta - g+))) + log(1 + exp(s (g- - theta))), equation 1 of the paper as a likelihood;
    pairwise: log(1 + exp(-s (g+ - g-))). Means over the batch; s is the steepness.
    """
    s, positive, negative = config.steepness, *np.split(g, 2)
    if config.objective == "threshold":
        margin = s * np.concatenate([positive - config.threshold, config.threshold - negative])
        slope = -s * sigmoid(-margin)
        slope[len(positive) :] *= -1
    else:
        margin = s * (positive - negative)
        slope = np.concatenate([-s * sigmoid(-margin), s * sigmoid(-margin)])
    return np.logaddexp(0, -margin).sum() / len(positive), (slope / len(positive)).astype(g.dtype)


def backward(x, labels, states, config, grads):
    """Gradients of each layer's own loss, into the arrays `grads` by name.

    Nothing passes from a layer to the one below: dz = dL/dg dg/dz = slope 2 h / H, zero where h is.
    """
    for k, (u, h, g) in enumerate(states, 1):
        _, slope = local_loss(g, config)
        dz = h * (slope * h.dtype.type(2 / h.shape[1]))[:, None]
        dW = grads[f"W{k}"]
        if k == 1:
            np.dot(x.T, dz.reshape(*labels.shape, -1).sum(axis=0), out=dW)
            chosen = np.eye(N_CLASSES, dtype=x.dtype)[labels.reshape(-1)]
            dW[:N_CLASSES] = x.dtype.type(config.label_scale) * (chosen.T @ dz)
        else:
            np.dot(u.T, dz, out=dW)
        np.sum(dz, axis=0, out=grads[f"b{k}"])
    return grads


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rng, dtype=DTYPE):
    """Starting parameters (P,): normal weights, zero biases. Pixels have a mean square near 0.1, other inputs of 1."""
    theta = np.zeros(n_parameters(layout(config)), dtype)
    for name, value in unpack(theta, layout(config)).items():
        if name.startswith("W"):
            value[...] = rng.standard_normal(value.shape, dtype) * dtype(0.1 if name == "W1" else len(value) ** -0.5)
    return theta


def wrong_labels(params, a, y, config, rng):
    """A wrong label for every image: uniformly drawn, or in proportion to exp(s g) of the first layer for it.

    The second finds the labels that the image is still mistaken for. From a (B, H1), which `unlabelled` gives and
    `forward` needs as well, all ten cost ten additions and no product.
    """
    if config.negatives == "uniform":
        return (y + rng.integers(1, N_CLASSES, size=len(y))) % N_CLASSES
    h, score = np.empty_like(a), np.empty((N_CLASSES, len(y)), a.dtype)
    for label, row in enumerate(params["W1"][:N_CLASSES]):
        np.maximum(np.add(a, row * a.dtype.type(config.label_scale), out=h), 0, out=h)
        np.einsum("ij,ij->i", h, h, out=score[label])
    score *= config.steepness / h.shape[1]
    score += rng.gumbel(size=score.shape)  # the largest of these is a draw from the softmax
    score[y, np.arange(len(y))] = -np.inf
    return score.argmax(axis=0)


def train(config, rng, *, on_step=None):
    """Train one net from the generators `rng`; returns its parameters by name, and a log of the run.

    The hook gets the epochs done and, as they were before the update: loss and, per layer, goodness of the positive and
    the negative cases; and params. Raises NonFiniteError.
    """
    config = config.filled()
    data, theta = load(config, rng).train, initial(config, rng["init"])
    grad = np.zeros_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    adam = Adam({"theta": theta}, lr=config.lr)
    log = resume(config, rng, theta, adam, {"epoch": 0})
    n_batches = len(data.x) // config.batch_size
    total = config.n_epochs * n_batches
    falling = max(config.decay * total, 1)

    while log["epoch"] < config.n_epochs:
        order = rng["data"].permutation(len(data.x))
        for i in range(n_batches):
            step = log["epoch"] * n_batches + i
            batch = order[i * config.batch_size : (i + 1) * config.batch_size]
            x, y = data.x[batch], data.y[batch]
            if config.jitter:
                x = shifted(x, rng["noise"])
            if config.drop_pixels:
                x = dropped(x, config.drop_pixels, rng["noise"])
            a = unlabelled(params, x)
            labels = np.stack([y, wrong_labels(params, a, y, config, rng["noise"])])
            states = forward(params, a, labels, config)
            backward(x, labels, states, config, grads)
            loss = sum(float(local_loss(g, config)[0]) for _, _, g in states)
            if not math.isfinite(loss):
                raise NonFiniteError(step)
            if on_step:
                goodness = np.array([g.reshape(2, -1).mean(axis=1) for _, _, g in states])
                on_step(step / n_batches, {"loss": loss, "positive": goodness[:, 0], "negative": goodness[:, 1],
                                           "params": params})
            adam.lr = config.lr * min(1.0, (total - step) / falling)
            adam.step({"theta": grad})
        log["epoch"] += 1
        save_checkpoint(config, rng, theta, adam, log)
    return params, log


def step_flops(config):
    """Floating-point operations of the matrix products of one update: two per weight, case and product."""
    config = config.filled()
    first, *others = [n_in * n_out for n_in, n_out in zip(config.sizes, config.sizes[1:], strict=False)]
    products = 2 * first + 4 * sum(others)  # forward and gradient; in the first layer of all labels at once
    return 2 * config.batch_size * products


# ---- evaluation ----------------------------------------------------------------------------------------------------

AGGREGATIONS = {"all": slice(None), "skip-first": slice(1, None), "first": slice(1), "last": slice(-1, None)}


def label_goodness(params, x, config, n_at_once=250):
    """Goodness (L, n, 10) of every layer for every candidate label of the images x (n, 784)."""
    config = config.filled()
    goodness = np.empty((len(config.sizes) - 1, len(x), N_CLASSES), x.dtype)
    for start in range(0, len(x), n_at_once):
        part = x[start : start + n_at_once]
        labels = np.repeat(np.arange(N_CLASSES)[:, None], len(part), axis=1)
        for k, (_, _, g) in enumerate(forward(params, unlabelled(params, part), labels, config)):
            goodness[k, start : start + len(part)] = g.reshape(N_CLASSES, -1).T
    return goodness


def error(goodness, y, layers):
    """The share of images whose label y (n,) is not the one of the highest goodness, summed over `layers`."""
    return float(np.mean(goodness[AGGREGATIONS[layers]].sum(axis=0).argmax(axis=1) != y))


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; float64, a small net.

    The loss is the sum of the layers' own losses with the input of each layer held: learning is local.
    """
    config = replace(config.filled(), layer_sizes="784,7,6,5")
    rng = generators(seed)
    x, labels = 0.3 * rng["data"].random((6, 784)), rng["data"].integers(0, N_CLASSES, (2, 6))  # goodness of order one
    x[:, :N_CLASSES] = 0
    theta = initial(config, rng["init"], np.float64)
    params, grads = unpack(theta, layout(config)), unpack(np.zeros_like(theta), layout(config))
    states = forward(params, unlabelled(params, x), labels, config)
    inputs = [np.concatenate([encode(x, y, config) for y in labels])] + [u for u, _, _ in states[1:]]

    def loss():
        outputs = [np.maximum(u @ params[f"W{k}"] + params[f"b{k}"], 0) for k, u in enumerate(inputs, 1)]
        return sum(local_loss((h**2).mean(axis=1), config)[0] for h in outputs)

    return gradcheck(loss, params, backward(x, labels, states, config, grads), eps=1e-4), 1e-5


# ---- running -------------------------------------------------------------------------------------------------------


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config. The held-out images are read once, when all is learned."""
    config = checkpoint_of(Config(**settings), seed).filled()
    params, _ = train(config, generators(seed), on_step=on_step)
    data = load(config, generators(seed))
    goodness, name = label_goodness(params, data.held_out.x, config), "validation" if config.n_validation else "test"
    metrics = {f"{name}_error": error(goodness, data.held_out.y, config.goodness_layers)}
    seen = label_goodness(params, data.train.x[: config.n_eval], config)
    metrics["train_error"] = error(seen, data.train.y[: config.n_eval], config.goodness_layers)
    for layers in AGGREGATIONS:
        if layers != "skip-first" or len(goodness) > 1:
            metrics[f"{name}_error_{layers.replace('-', '_')}"] = error(goodness, data.held_out.y, layers)
    return metrics


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="ff-label-in-input", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
