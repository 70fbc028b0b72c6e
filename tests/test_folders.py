"""What every problem folder promises: layout, command line, copies, equal seeds, gradients, bad input, records."""

import dataclasses
import json
import shutil

import layout
import numpy as np
import pytest
from catalog import load, module_name, records

from shared.experiment import changed, environment, summarize, verdict


def listing(folder):
    return {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*") if "__pycache__" not in p.parts}


# ---- layout --------------------------------------------------------------------------------------------------------


def test_files_are_there(folder):
    assert layout.missing_files(folder) == []


def test_readme(folder):
    assert layout.readme_complaints(folder) == []
    assert "TODO" not in (folder / "README.md").read_text()


def test_imports(folder):
    assert layout.import_complaints(folder) == []


def test_house_style(folder):
    assert layout.style_complaints(folder) == []


def test_pictures(folder):
    assert layout.picture_complaints(folder) == []


# ---- command line --------------------------------------------------------------------------------------------------


def test_help_names_every_option_and_hides_the_aliases(folder, module, script, python, tmp_path):
    done = python(script, "--help", cwd=tmp_path)
    assert done.returncode == 0
    for f in dataclasses.fields(module.Config):
        assert f"--{f.name.replace('_', '-')}" in done.stdout
        assert not any(f"{alias} " in done.stdout for alias in f.metadata["alias"])


def test_the_bare_script_needs_numpy_alone_and_writes_nothing(folder, script, python, tmp_path):
    """`--quick` from another directory, in an interpreter in which the drawing packages cannot be imported."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    for name in layout.DRAWING:
        (blocked / f"{name}.py").write_text("raise ImportError('not needed to train')\n")
    before, elsewhere = listing(folder), tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = python(script, "--quick", "--seed", "0", cwd=elsewhere, PYTHONPATH=str(blocked))
    assert done.returncode == 0, done.stderr
    assert {"metric", "ours", "paper", "holds"} <= set(done.stdout.split())
    assert done.stderr == ""
    assert listing(folder) == before
    assert listing(elsewhere) == {}


def test_the_folder_alone_runs(folder, script, python, tmp_path):
    ignore = shutil.ignore_patterns("viz", "*.gif", "__pycache__")
    copy = shutil.copytree(folder, tmp_path / "somewhere" / folder.name, ignore=ignore)
    done = python(copy / script.name, "--quick", "--seed", "0", "--json", "record.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["slug"] == folder.name
    assert record["claims"] == []
    here = load(folder).run(0, **record["config"])
    assert here == record["runs"][0]["metrics"]


def test_plotting_scripts_run_and_write_where_told(folder, python, tmp_path):
    name = module_name(folder.name)
    before = listing(folder)
    done = python(folder / f"visualize_{name}.py", "--quick", "--outdir", tmp_path / "viz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in (tmp_path / "viz").iterdir()} == {p.name for p in (folder / "viz").iterdir()}
    out = tmp_path / "quick.gif"
    done = python(folder / f"make_{name}_gif.py", "--quick", "--out", out, "--fps", "5", "--snapshot-every", "50",
                  cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes()[:4] == b"GIF8"
    assert listing(folder) == before


# ---- equal seeds ---------------------------------------------------------------------------------------------------


def test_equal_seeds_give_equal_metrics(module):
    assert module.run(1, **module.QUICK) == module.run(1, **module.QUICK)


def test_different_seeds_differ(module):
    assert len({json.dumps(module.run(seed, **module.QUICK)) for seed in range(4)}) > 1


def test_a_batch_equals_its_single_runs(module):
    if not hasattr(module, "run_batch"):
        pytest.skip("this problem trains its seeds one by one")
    together = module.run_batch([0, 1, 2, 5], **module.QUICK)
    assert together == [module.run(seed, **module.QUICK) for seed in (0, 1, 2, 5)]


def test_a_sweep_over_processes_equals_single_runs(folder, module, script, python, tmp_path):
    path = tmp_path / "sweep.json"
    done = python(script, "--sweep", "3", "--jobs", "2", "--quick", "--json", path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    runs = json.loads(path.read_text())["runs"]
    assert [run["metrics"] for run in runs] == [module.run(seed, **module.QUICK) for seed in range(3)]


def test_metrics_are_plain_numbers_and_booleans(module):
    metrics = module.run(0, **module.QUICK)
    assert all(type(value) in (bool, int, float) for value in metrics.values())
    assert all(np.isfinite(value) for value in metrics.values())


# ---- gradients -----------------------------------------------------------------------------------------------------


def test_gradcheck_passes(module, capsys):
    assert module.main(["--gradcheck"]) == 0
    assert "passed" in capsys.readouterr().out


def test_gradcheck_catches_a_wrong_factor_in_each_parameter(module, monkeypatch, capsys):
    function = "backward" if hasattr(module, "backward") else "gradient"
    right = getattr(module, function)
    names = list(module.gradient_check(module.Config(), 0)[0])
    for wrong in names:

        def planted(*args, wrong=wrong, **kwargs):
            grads = right(*args, **kwargs)
            grads[wrong] *= 1.001
            return grads

        monkeypatch.setattr(module, function, planted)
        assert module.main(["--gradcheck"]) == 1, wrong
        errors, tolerance = module.gradient_check(module.Config(), 0)
        assert [name for name, error in errors.items() if error > tolerance] == [wrong]
    assert "FAILED" in capsys.readouterr().out


# ---- bad input -----------------------------------------------------------------------------------------------------


def wrong_values(f):
    """Texts that a Config field must refuse."""
    if f.type is bool:
        return []
    if f.metadata["choices"]:
        return ["no-such-choice"]
    limits = f.metadata["limits"]
    step = 1 if f.type is int else 1e-3
    bad = {"": "abc"}
    bad |= {">=": str(limits[">="] - step)} if ">=" in limits else {}
    bad |= {">": str(limits[">"])} if ">" in limits else {}
    bad |= {"<=": str(limits["<="] + step)} if "<=" in limits else {}
    bad |= {"<": str(limits["<"])} if "<" in limits else {}
    return [*bad.values(), *(["nan", "inf"] if f.type is float else ["1.5"])]


def refused(main, argv, named, capsys):
    """Assert that `main(argv)` ends with exit 2 and one line that holds every text of `named`."""
    assert main(argv) == 2, argv
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1, printed.err
    for text in named:
        assert text in printed.err, (argv, printed.err)


def test_every_option_refuses_values_outside_its_range(module, capsys):
    for f in dataclasses.fields(module.Config):
        flag = f"--{f.name.replace('_', '-')}"
        for value in wrong_values(f):
            refused(module.main, [flag, value], [flag, value, "must be"], capsys)
            refused(module.main, ["--gradcheck", flag, value], [flag, value], capsys)


def test_every_number_has_a_lower_limit(module):
    for f in dataclasses.fields(module.Config):
        if f.type in (int, float):
            assert {">=", ">"} & f.metadata["limits"].keys(), f.name


@pytest.mark.parametrize("argv, named", [
    (["--seed", "-1"], ["--seed", "-1", ">= 0"]),
    (["--seed", "one"], ["--seed", "one", "whole number"]),
    (["--sweep", "0"], ["--sweep", "0", ">= 1"]),
    (["--jobs", "-2", "--sweep", "2"], ["--jobs", "-2", ">= 1"]),
    (["--sweep", "2", "--seed", "1"], ["--sweep", "--seed"]),
    (["--json", "/no/such/folder/r.json"], ["--json", "/no/such/folder/r.json", "can be written"]),
    (["--json", "."], ["--json", "."]),
    (["--no-such-flag"], ["--no-such-flag"]),
    (["--see", "1"], ["--see"]),
    (["--seed"], ["--seed"]),
])  # fmt: skip
def test_common_flags_refuse_bad_input(module, argv, named, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(module.main, argv, named, capsys)
    assert listing(tmp_path) == {}


def test_plotting_scripts_refuse_bad_input(folder, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = module_name(folder.name)
    pictures, gif = load(folder, f"visualize_{name}"), load(folder, f"make_{name}_gif")
    refused(pictures.main, ["--outdir", "/no/such/folder/viz"], ["--outdir", "/no/such/folder/viz"], capsys)
    refused(pictures.main, ["--seed", "-3"], ["--seed", "-3"], capsys)
    refused(gif.main, ["--out", "/no/such/folder/x.gif"], ["--out", "/no/such/folder/x.gif"], capsys)
    refused(gif.main, ["--fps", "0"], ["--fps", "0", ">= 1"], capsys)
    refused(gif.main, ["--snapshot-every", "0"], ["--snapshot-every", "0", ">= 1"], capsys)
    assert listing(tmp_path) == {}


def test_bad_input_in_a_real_process_shows_no_traceback(script, python, tmp_path):
    done = python(script, "--seed", "-1", "--json", "record.json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{script.name}: --seed -1: must be")
    assert done.stderr.count("\n") == 1
    assert listing(tmp_path) == {}


def test_run_checks_its_settings(module):
    with pytest.raises(TypeError, match="no_such_setting"):
        module.run(0, no_such_setting=1)


# ---- records -------------------------------------------------------------------------------------------------------

KEYS = ["slug", "command", "config", "environment", "wallclock_s", "runs", "summary", "claims", "verdict"]


def test_records_are_whole(folder, module):
    for file, record in records(folder).items():
        assert list(record) == KEYS, file
        assert record["slug"] == folder.name
        assert list(record["environment"]) == ["python", "numpy", "blas", "cpu", "threads", "platform"]
        assert [run["seed"] for run in record["runs"]] == list(range(len(record["runs"])))
        assert len({tuple(run["metrics"]) for run in record["runs"]}) == 1
    assert len(records(folder)["results.json"]["runs"]) >= getattr(module, "N_SEEDS", 30)


def test_records_recompute(folder, module):
    """Summary, claims and verdict follow from the runs; the claims are those that the script makes today."""
    for file, record in records(folder).items():
        assert summarize(record["runs"]) == record["summary"], file
        assert verdict(record["claims"]) == record["verdict"], file
        for claim in record["claims"]:
            statistic = record["summary"][claim["metric"]][claim["statistic"]]
            assert claim["ours"] == statistic
            holds = {">=": statistic >= claim["threshold"], "<=": statistic <= claim["threshold"]}[claim["op"]]
            assert claim["holds"] == holds
            assert {k: v for k, v in claim.items() if k not in ("ours", "holds")} in module.CLAIMS
    made = [claim["claim"] for record in records(folder).values() for claim in record["claims"]]
    assert sorted(made) == sorted(claim["claim"] for claim in module.CLAIMS), "each claim is judged in one record"


def test_records_belong_to_todays_defaults(folder, module):
    """The command of a record, with the defaults of today, gives the settings that were recorded."""
    for file, record in records(folder).items():
        config = module.Config(**record["config"])
        flags = " ".join(record["command"].split()[4:])
        for name, value in changed(config).items():
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                assert (f"--{flag}" if value else f"--no-{flag}") in flags.split()
            else:
                assert f"--{flag} {value}" in flags
        assert flags.count("--") == len(changed(config)), file
    assert changed(module.Config(**records(folder)["results.json"]["config"])) == {}


def test_a_recorded_seed_comes_out_again(folder, module):
    """Bit for bit on the machine of the record; within rounding on another, where the sweep may still differ."""
    record = records(folder)["results.json"]
    run = record["runs"][0]
    if run["wallclock_s"] > 10:
        pytest.skip("a headline run takes longer than a test may; scripts/reproduce.py does this")
    again = module.run(run["seed"])
    assert again.keys() == run["metrics"].keys()
    if record["environment"] == environment():
        assert again == run["metrics"]
