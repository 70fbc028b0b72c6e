"""The helpers of shared/: each against numbers worked out by hand or a property that could fail."""

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass

import imageio.v3 as iio
import numpy as np
import pytest
from catalog import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shared import Adam, clip_global_norm, curves, figure, frame, generators, gradcheck, hinton, save_figure, save_gif
from shared.adam import CHUNK
from shared.experiment import Progress, command_line, judge, summarize, sweep, verdict, wilson, write_json
from shared.files import write_whole
from shared.options import InputError, NonFiniteError, Options, errors_in_one_line, option, parse_options

# ---- Adam ----------------------------------------------------------------------------------------------------------


def test_adam_first_two_steps_by_hand():
    p = {"w": np.array([1.0, -2.0])}
    adam = Adam(p, lr=0.1, beta1=0.9, beta2=0.99, eps=1e-8)
    adam.step({"w": np.array([0.5, -4.0])})
    # m_hat = g and v_hat = g^2 after one step: each coordinate moves by lr * g / (|g| + eps)
    np.testing.assert_allclose(p["w"], [1 - 0.1 * 0.5 / (0.5 + 1e-8), -2 + 0.1 * 4 / (4 + 1e-8)], rtol=1e-14)
    before = p["w"].copy()
    adam.step({"w": np.array([1.0, 0.0])})
    m = np.array([0.9 * 0.05 + 0.1 * 1.0, 0.9 * -0.4]) / (1 - 0.81)
    v = np.array([0.99 * 0.0025 + 0.01 * 1.0, 0.99 * 0.16]) / (1 - 0.9801)
    np.testing.assert_allclose(p["w"], before - 0.1 * m / (np.sqrt(v) + 1e-8), rtol=1e-12)


def test_adam_takes_a_list_works_in_place_and_leaves_gradients_alone():
    a = np.ones(3, dtype=np.float32)
    grads = [np.full(3, 2.0, dtype=np.float32)]
    Adam([a], lr=0.5).step(grads)
    np.testing.assert_allclose(a, 0.5, rtol=1e-6)
    assert a.dtype == np.float32
    np.testing.assert_array_equal(grads[0], 2)


def test_adam_step_is_bounded_by_lr_whatever_the_scale_of_the_gradient():
    for scale in (1e-6, 1.0, 1e6):
        p = [np.zeros(4)]
        Adam(p, lr=0.01).step([np.full(4, scale)])
        assert np.all(np.abs(p[0]) <= 0.01)
        np.testing.assert_allclose(p[0], -0.01, rtol=0.02)


def test_adam_moves_a_large_array_as_it_would_its_parts():
    rng = np.random.default_rng(0)
    whole, grads = rng.normal(size=(3, 40_000)).astype(np.float32), rng.normal(size=(2, 3, 40_000)).astype(np.float32)
    rows = list(whole.copy())
    adams = Adam({"w": whole}, lr=0.1), Adam(rows, lr=0.1)
    for g in grads:
        adams[0].step({"w": g})
        adams[1].step(list(g))
    assert whole.size > 3 * CHUNK > 0
    np.testing.assert_array_equal(whole, rows)
    with pytest.raises(ValueError, match="contiguous"):
        Adam([np.zeros((500, 500))[:, ::2]])


def test_adam_refuses_impossible_settings():
    with pytest.raises(ValueError, match="lr > 0"):
        Adam([np.zeros(1)], lr=0)


def test_clip_global_norm():
    grads = {"a": np.array([3.0]), "b": np.array([[4.0]])}
    assert clip_global_norm(grads, 10) == 5
    assert grads["a"] == 3
    assert clip_global_norm(grads, 1) == 5
    np.testing.assert_allclose([grads["a"][0], grads["b"][0, 0]], [0.6, 0.8])


# ---- gradcheck -----------------------------------------------------------------------------------------------------


def cubic(scale=1.0):
    rng = np.random.default_rng(0)
    params = {"a": rng.normal(size=(3, 2)), "big": rng.normal(size=500)}

    def loss():
        return float(np.sum(params["a"] ** 3) + np.sum(params["big"] ** 2))

    return loss, params, {"a": 3 * params["a"] ** 2, "big": 2 * scale * params["big"]}


def test_gradcheck_accepts_a_right_gradient_and_restores_the_parameters():
    loss, params, grads = cubic()
    before = {k: v.copy() for k, v in params.items()}
    assert max(gradcheck(loss, params, grads).values()) < 1e-6
    for name in params:
        np.testing.assert_array_equal(params[name], before[name])


@pytest.mark.parametrize("factor", [0.999, 2.0, -1.0])
def test_gradcheck_finds_a_wrong_factor_and_names_the_parameter(factor):
    loss, params, grads = cubic(factor)
    errors = gradcheck(loss, params, grads)
    assert errors["big"] > 1e-4 > 1e-6 > errors["a"]


def test_gradcheck_finds_nan_and_one_wrong_coordinate():
    loss, params, grads = cubic()
    grads["a"][1, 1] = np.nan
    assert gradcheck(loss, params, grads)["a"] == np.inf
    loss, params, grads = cubic()
    grads["a"][2, 0] += 0.01
    assert gradcheck(loss, params, grads)["a"] > 1e-4


def test_gradcheck_counts_two_zeros_as_right_and_refuses_other_shapes():
    params = {"unused": np.ones(2)}
    assert gradcheck(lambda: 1.0, params, {"unused": np.zeros(2)})["unused"] == 0
    with pytest.raises(ValueError, match="do not match"):
        gradcheck(lambda: 1.0, params, {"other": np.zeros(2)})
    with pytest.raises(ValueError, match="float64"):
        gradcheck(lambda: 1.0, {"p": np.ones(2, np.float32)}, {"p": np.zeros(2, np.float32)})


# ---- statistics, claims, randomness --------------------------------------------------------------------------------


def test_wilson_against_published_values():
    # Newcombe 1998, table 1: 81/263 -> 0.2553 to 0.3662; 0/20 -> 0 to 0.1611; 1/29 -> 0.0061 to 0.1718
    for k, n, low, high in ((81, 263, 0.2553, 0.3662), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)):
        np.testing.assert_allclose(wilson(k, n), [low, high], atol=5e-5)


@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_rate_and_is_symmetric(n, data):
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    np.testing.assert_allclose(wilson(n - k, n), [1 - high, 1 - low], atol=1e-12)


def test_summarize_booleans_and_numbers():
    runs = [{"metrics": {"ok": ok, "x": x}} for ok, x in ((True, 1), (False, 2), (True, 6))]
    summary = summarize(runs)
    assert summary["ok"]["rate"] == 2 / 3
    assert summary["x"] == {"n": 3, "mean": 3.0, "std": pytest.approx(7**0.5), "median": 2.0, "min": 1.0, "max": 6.0}


def test_claims_are_judged_by_settings_and_the_verdict_is_computed():
    claims = [
        {"claim": "a", "metric": "x", "statistic": "median", "op": "<=", "threshold": 2},
        {"claim": "b", "metric": "x", "statistic": "mean", "op": ">=", "threshold": 4},
        {"claim": "c", "metric": "x", "statistic": "max", "op": ">=", "threshold": 1, "config": {"arch": "other"}},
    ]
    summary = summarize([{"metrics": {"x": x}} for x in (1, 2, 6)])
    judged = judge(claims, summary, {})
    assert [(c["claim"], c["ours"], c["holds"]) for c in judged] == [("a", 2, True), ("b", 3, False)]
    assert [c["claim"] for c in judge(claims, summary, {"arch": "other"})] == ["c"]
    assert judge(claims, summary, {"arch": "third"}) == []
    assert [verdict(v) for v in (judged, judged[:1], judged[1:], [])] == ["partial", "yes", "no", None]


def test_generators_are_independent_of_each_other_and_repeat():
    a, b = generators(3), generators(3)
    draws = {role: rng.random(4).tolist() for role, rng in a.items()}
    assert draws == {role: rng.random(4).tolist() for role, rng in b.items()}
    assert len({tuple(d) for d in draws.values()}) == 4
    assert draws["data"] != generators(4)["data"].random(4).tolist()


# ---- options -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample(Options):
    """Options for these tests."""

    n_steps: int = option(10, "updates", low=1, alias=("--iters",))
    lr: float = option(0.1, "100 % of the rate", above=0, below=1)
    mode: str = option("a", "which", choices=("a", "b"))
    noisy: bool = option(True, "noise or none")


def test_parse_options_defaults_values_aliases_and_quick():
    assert parse_options([], "", Sample) == [Sample()]
    argv = ["--iters", "5", "--lr", "1e-3", "--mode", "b", "--no-noisy"]
    assert parse_options(argv, "", Sample) == [Sample(5, 1e-3, "b", False)]

    @dataclass(frozen=True)
    class Quick(Options):
        """The one flag."""

        quick: bool = option(False, "smoke run")

    assert parse_options(["--quick"], "", Quick, Sample, quick={"n_steps": 2})[1].n_steps == 2
    assert parse_options(["--quick", "--n-steps", "7"], "", Quick, Sample, quick={"n_steps": 2})[1].n_steps == 7


@pytest.mark.parametrize("values", [
    {"n_steps": 0}, {"n_steps": 1.5}, {"n_steps": True}, {"lr": 0.0}, {"lr": 1.0}, {"lr": float("nan")},
    {"lr": "0.1"}, {"mode": "c"}, {"noisy": 1},
])  # fmt: skip
def test_options_refuse_values_outside_their_range(values):
    (name, value), = values.items()
    with pytest.raises(InputError, match=f"--{name.replace('_', '-')} {value}: must be"):
        Sample(**values)


@settings(max_examples=50)
@given(st.integers(-5, 5), st.floats(allow_nan=True, allow_infinity=True))
def test_options_accept_exactly_their_range(n_steps, lr):
    if n_steps >= 1 and 0 < lr < 1:
        assert Sample(n_steps, lr) == Sample(n_steps=n_steps, lr=lr)
    else:
        with pytest.raises(InputError):
            Sample(n_steps, lr)


def test_errors_end_in_one_line(capsys):
    for error, status in ((InputError("--lr 0: must be > 0"), 2), (NonFiniteError(7), 1), (KeyboardInterrupt(), 130),
                          (PermissionError(13, "Permission denied", "x.json"), 2)):

        @errors_in_one_line
        def main(error=error):
            raise error

        assert main() == status
        assert capsys.readouterr().err.count("\n") == 1


# ---- running -------------------------------------------------------------------------------------------------------


def diverging(seed, on_step=None, **settings):
    raise NonFiniteError(12)


def test_a_run_that_diverges_exits_1_names_the_step_and_writes_nothing(tmp_path, capsys):
    path = tmp_path / "r.json"
    for argv in (["--json", str(path)], ["--json", str(path), "--sweep", "2", "--jobs", "2"]):
        status = command_line(argv, slug="x", doc="", config_class=Sample, claims=[], quick={}, run=diverging)
        assert status == 1
        assert "step 12" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def square(seed, on_step=None, n_steps=1, **settings):
    if on_step:
        on_step(n_steps, {"loss": 0.5})
    return {"value": seed**2 * n_steps, "even": seed % 2 == 0}


def squares(seeds, on_step=None, **settings):
    return [square(seed, **settings) for seed in seeds]


@pytest.mark.parametrize("jobs, batch", [(1, None), (1, squares), (2, None), (2, squares), (3, squares)])
def test_a_sweep_is_in_order_however_it_is_divided(jobs, batch):
    runs = list(sweep(7, jobs, square, batch, {"n_steps": 3}))
    assert [(r["seed"], r["metrics"]["value"]) for r in runs] == [(i, 3 * i * i) for i in range(7)]


def test_the_record_of_a_sweep(tmp_path, capsys):
    path = tmp_path / "r.json"
    claims = [{"claim": "large", "source": "s", "paper": 4, "metric": "value", "statistic": "max", "op": ">=",
               "threshold": 90}]
    argv = ["--sweep", "4", "--jobs", "1", "--json", str(path)]
    keep = {"slug": "some-slug", "doc": "", "config_class": Sample, "claims": claims, "quick": {}, "run": square}
    assert command_line(argv, **keep) == 0
    record = json.loads(path.read_text())
    assert record["command"] == "python3 some-slug/some_slug.py --sweep 4"
    assert record["claims"][0]["ours"] == 90 and record["claims"][0]["holds"] is True and record["verdict"] == "yes"
    assert record["config"] == {"n_steps": 10, "lr": 0.1, "mode": "a", "noisy": True}
    assert command_line([*argv, "--no-noisy", "--n-steps", "2"], **keep) == 0
    record = json.loads(path.read_text())
    assert record["command"] == "python3 some-slug/some_slug.py --sweep 4 --n-steps 2 --no-noisy"
    assert record["claims"] == [] and record["verdict"] is None
    assert "rate 0.500" in capsys.readouterr().out


def test_progress_prints_only_when_a_line_is_due(capsys):
    progress = Progress(10)
    progress(1, {"loss": 1.0})
    assert capsys.readouterr().out == ""
    progress.due = 0
    progress(5, {"loss": np.array([1.0, 3.0]), "params": {"w": np.ones(3)}, "y": np.ones((2, 2, 2)),
                 "stage": "relearning"})
    line = capsys.readouterr().out
    assert line.startswith("step 5/10  loss 2  ") and "left" in line and "params" not in line and "stage" not in line
    progress.due = 0
    progress(1 / 3, {})  # epochs, of which a large net does less than one in a second
    assert capsys.readouterr().out.startswith("step 0.333333/10  ")


# ---- files ---------------------------------------------------------------------------------------------------------


def test_write_whole_leaves_the_old_file_and_no_rest_when_writing_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise RuntimeError("out of paper")

    with pytest.raises(RuntimeError):
        write_whole(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    write_whole(path, lambda temporary: temporary.write_text("new"))
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_run_killed_while_writing_its_record_leaves_the_old_record_whole(tmp_path, where):
    """The process is killed with half of the record on disk, and again just before the rename."""
    path = tmp_path / "results.json"
    write_json(path, {"runs": [{"seed": 0}]})
    old = path.read_text()
    code = textwrap.dedent(f"""
        import os, pathlib, signal
        from shared.experiment import write_json
        whole = pathlib.Path.write_text
        if {where == "fsync"}:  # half of the text reaches the disk
            pathlib.Path.write_text = lambda path, text: (whole(path, text[: len(text) // 2]), die())
        def die(*ignored):
            os.kill(os.getpid(), signal.SIGKILL)
        os.{where} = die
        write_json({str(path)!r}, {{"runs": [{{"seed": i}} for i in range(1000)]}})
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == old
    assert len(list(tmp_path.iterdir())) == 2  # the unfinished file is the proof that the kill came in between


def test_write_json_is_one_line_per_run_and_refuses_nan(tmp_path):
    path = tmp_path / "r.json"
    record = {"slug": "x", "runs": [{"seed": i, "metrics": {"a": i / 3}} for i in range(3)], "verdict": None}
    write_json(path, record)
    assert json.loads(path.read_text()) == record
    assert sum('"seed"' in line for line in path.read_text().splitlines()) == 3
    with pytest.raises(ValueError):
        write_json(path, {"runs": [{"seed": float("nan")}]})
    assert json.loads(path.read_text()) == record


# ---- figures -------------------------------------------------------------------------------------------------------


def test_hinton_area_is_proportional_and_colour_is_the_sign():
    _, (left, right) = figure(1, 2)
    hinton(left, [[1.0, -0.25], [0.0, 0.5]])
    hinton(right, [[1.0, -0.25], [0.0, 0.5]], root=True)
    area = [p.get_width() * p.get_height() for p in left.patches]
    np.testing.assert_allclose(np.array(area) / area[0], [1, 0.25, 0, 0.5])
    root = [p.get_width() * p.get_height() for p in right.patches]
    np.testing.assert_allclose(np.array(root) / root[0], [1, 0.5, 0, 0.5**0.5])
    colors = [p.get_facecolor() for p in left.patches]
    assert colors[0] == colors[3] != colors[1]


def test_hinton_scale_clips_and_survives_all_zero():
    _, ax = figure()
    hinton(ax, [[4.0]], scale=1.0)
    assert ax.patches[0].get_width() == pytest.approx(0.92)
    hinton(ax, [[0.0, 0.0]])
    assert ax.patches[0].get_width() == 0


def test_curves_draw_up_to_a_point_and_name_marks_once():
    _, ax = figure()
    marks = [(2, "shaken", "red"), (3, "shaken", "red"), (9, "done", "green")]
    curves(ax, range(11), {"E": (np.arange(11), "blue")}, xlabel="x", ylabel="y", marks=marks, upto=5)
    assert list(ax.lines[0].get_xdata()) == [0, 1, 2, 3, 4, 5]
    assert ax.get_xlim() == (0, 10)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["shaken"]
    curves(ax, [0, 1], {"E": ([1, 0], "blue"), "F": ([1, 1], "red")}, xlabel="x", ylabel="y")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["E", "F"]


def test_save_figure_writes_a_png(tmp_path):
    fig, _ = figure()
    save_figure(fig, tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size[0] > 400
    assert len(list(tmp_path.iterdir())) == 1


def test_save_gif_keeps_frames_colours_and_timing(tmp_path):
    fig, ax = figure(width=3, height=2)
    frames = []
    for i in range(5):
        ax.plot([0, i], [0, 1], color="#009E73", linewidth=6)
        frames.append(frame(fig))
    save_gif(tmp_path / "a.gif", frames, fps=10, hold=1.5)
    back = iio.imread(tmp_path / "a.gif", index=None)
    assert back.shape == (5, *frames[0].shape)
    assert np.abs(back.astype(int) - np.array(frames)).mean() < 4
    line = (frames[-1] == (0, 0x9E, 0x73)).all(axis=2)
    assert line.any() and (back[-1][line] == (0, 0x9E, 0x73)).all()
    image = Image.open(tmp_path / "a.gif")
    durations = []
    for i in range(image.n_frames):
        image.seek(i)
        durations.append(image.info["duration"])
    assert durations == [100] * 4 + [1500] and image.info["loop"] == 0


def test_frames_are_plain_images():
    fig, _ = figure(width=2, height=1)
    image = frame(fig)
    assert image.dtype == np.uint8 and image.shape == (100, 200, 3)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    assert buffer.tell() > 0
