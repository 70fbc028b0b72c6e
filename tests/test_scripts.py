"""The scripts over the whole catalog: copies and tables up to date, new folders, reproduction, benchmark."""

import copy
import json
import re
import shutil
from dataclasses import fields

import benchmark
import layout
import new_problem
import pytest
import reproduce
import tables
import vendor
from catalog import ROOT, choose, folders, load, metadata, module_name, records

from shared.options import flag_of


@pytest.fixture(scope="module")
def small_catalog(tmp_path_factory):
    """A catalog of its own: shared/, the pages, and one folder fresh from the template with its results made."""
    root = tmp_path_factory.mktemp("catalog")
    shutil.copytree(ROOT / "shared", root / "shared", ignore=shutil.ignore_patterns("__pycache__"))
    for page in ("README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / page, root / page)
    folder = new_problem.create("half-adder-2", root)
    module = load(folder)
    assert module.main(["--sweep", "30", "--jobs", "1", "--json", str(folder / "results.json")]) == 0
    assert load(folder, "visualize_half_adder_2").main([]) == 0
    assert load(folder, "make_half_adder_2_gif").main([]) == 0
    readme = folder / "README.md"
    readme.write_text(readme.read_text() + "\n![curve](viz/training_curve.png)\n")
    assert tables.main(["--root", str(root)]) == 0
    return root


# ---- copies of the helpers -----------------------------------------------------------------------------------------


def test_vendored_copies_are_up_to_date():
    assert vendor.main(["--check"]) == 0


def test_vendor_finds_drift_writes_it_away_and_removes_a_copy_that_nothing_needs(small_catalog, capsys):
    target = small_catalog / "half-adder-2" / "shared.py"
    right = target.read_text()
    target.write_text(right.replace("1 - self.beta1", "1 + self.beta1") + "\n# edited by hand\n")
    assert vendor.main(["--check", "--root", str(small_catalog)]) == 1
    assert "half-adder-2/shared.py" in capsys.readouterr().out
    assert vendor.main(["--root", str(small_catalog)]) == 0
    assert target.read_text() == right
    assert vendor.main(["--check", "--root", str(small_catalog)]) == 0


def test_vendor_takes_only_what_is_imported_and_names_what_is_not_there(tmp_path):
    folder = tmp_path / "some-problem"
    folder.mkdir()
    (folder / "some_problem.py").write_text('"""Doc."""\n\nfrom shared import Adam\n')
    text = vendor.vendored(folder, ROOT / "shared")
    assert "class Adam" in text and "def gradcheck" not in text and "matplotlib" not in text
    compile(text, "shared.py", "exec")
    (folder / "some_problem.py").write_text('"""Doc."""\n\nfrom shared import Adagrad\n')
    with pytest.raises(ValueError, match=r"has no Adagrad; it has Adam"):
        vendor.vendored(folder, ROOT / "shared")
    (folder / "some_problem.py").write_text('"""Doc."""\n\nimport shared\n')
    with pytest.raises(ValueError, match="from shared import NAME"):
        vendor.vendored(folder, ROOT / "shared")
    (folder / "some_problem.py").write_text('"""Doc."""\n\nimport numpy\n')
    assert vendor.vendored(folder, ROOT / "shared") is None


def test_two_folders_in_one_process_keep_their_own_helpers(small_catalog):
    first = load(small_catalog / "half-adder-2")
    second = load(folders()[0])
    assert first.Options is not second.Options
    assert first.run.__globals__["command_line"].__globals__ is not second.run.__globals__["command_line"].__globals__


# ---- tables --------------------------------------------------------------------------------------------------------


def test_every_table_matches_its_record():
    assert tables.main(["--check"]) == 0


def test_tables_notice_a_changed_record_and_a_typed_number(small_catalog, capsys):
    root, folder = small_catalog, small_catalog / "half-adder-2"
    assert tables.main(["--check", "--root", str(root)]) == 0
    path = folder / "results.json"
    text = path.read_text()
    record = json.loads(text)
    record["claims"][0]["ours"], record["claims"][0]["holds"] = 0.25, False
    path.write_text(json.dumps(record))
    assert tables.main(["--check", "--root", str(root)]) == 1
    printed = capsys.readouterr().out
    assert "RESULTS.md" in printed and "half-adder-2/README.md" in printed
    path.write_text(text)
    readme = folder / "README.md"
    right = readme.read_text()
    readme.write_text(right.replace("| yes |", "| no |", 1))
    assert tables.main(["--check", "--root", str(root)]) == 1
    assert tables.main(["--root", str(root)]) == 0
    assert readme.read_text() == right


def test_the_verdict_of_a_problem_covers_all_its_records(small_catalog):
    found = copy.deepcopy(records(small_catalog / "half-adder-2"))
    assert tables.verdict_of(found) == "yes"
    found["results-variant.json"] = copy.deepcopy(found["results.json"])
    found["results-variant.json"]["claims"][0]["holds"] = False
    assert tables.verdict_of(found) == "partial"
    assert tables.verdict_of({}) is None


def test_numbers_in_tables():
    assert [tables.number(v) for v in (512.0, 0.23513559, 3, True, 1e-7, 1810.0)] == [
        "512", "0.2351", "3", "yes", "1e-07", "1810"]  # fmt: skip


# ---- vocabulary ----------------------------------------------------------------------------------------------------


def test_contributing_lists_the_flags_of_all_folders():
    """The list is generated; here it is compared with the Configs by other means than the generator's."""
    listed = set(re.findall(r"^\| `(--[\w-]+)`", (ROOT / "CONTRIBUTING.md").read_text(), re.M))
    used = {flag_of(f) for folder in folders() for f in fields(load(folder).Config)}
    assert used <= listed
    common = {"--seed", "--sweep", "--jobs", "--quick", "--json", "--gradcheck", "--outdir", "--out", "--fps",
              "--snapshot-every"}
    assert common <= listed


def test_no_folder_has_a_second_name_for_a_common_flag():
    other_names = {"--iters", "--n-iters", "--max-iters", "--epochs", "--max-epochs", "--sweeps", "--n-sweeps",
                   "--steps", "--cycles", "--n-cycles", "--hidden", "--learning-rate", "--eta", "--alpha", "--wd",
                   "--batch", "--bs"}
    for folder in folders():
        assert not other_names & {flag_of(f) for f in fields(load(folder).Config)}, folder.name


# ---- new folders ---------------------------------------------------------------------------------------------------


def test_a_new_folder_passes_the_layout_tests_apart_from_its_results(tmp_path):
    shutil.copytree(ROOT / "shared", tmp_path / "shared")
    folder = new_problem.create("four-bit-thing", tmp_path)
    assert layout.missing_files(folder, with_results=False) == []
    assert layout.readme_complaints(folder) == ["four_bit_thing.gif does not exist"]
    assert layout.import_complaints(folder) == []
    assert layout.style_complaints(folder) == []
    assert sorted(layout.missing_files(folder)) == ["four_bit_thing.gif", "results.json", "viz/*.png"]
    assert "template" not in "".join(p.read_text() for p in folder.iterdir()).replace("from the template", "")


def test_a_new_folder_runs_from_the_first_minute(small_catalog, python, tmp_path):
    folder = small_catalog / "half-adder-2"
    assert layout.missing_files(folder) == []
    assert layout.picture_complaints(folder) == []
    assert layout.readme_complaints(folder) == []
    done = python(folder / "half_adder_2.py", "--gradcheck", cwd=tmp_path)
    assert done.returncode == 0 and "passed" in done.stdout
    assert metadata(folder)["year"] == "1986"


@pytest.mark.parametrize("slug", ["", "Upper", "under_score", "-dash", "dot.dot", "../up", "xor"])
def test_a_new_folder_needs_a_good_name_of_its_own(slug, capsys):
    before = sorted(ROOT.iterdir())
    with pytest.raises(SystemExit) as stopped:
        new_problem.main(["--", slug])
    assert stopped.value.code == 2
    assert "slug" in capsys.readouterr().err
    assert sorted(ROOT.iterdir()) == before


# ---- reproduction --------------------------------------------------------------------------------------------------


def test_reproduce_agrees_with_an_honest_record(small_catalog, capsys):
    assert reproduce.main(["half-adder-2", "--root", str(small_catalog)]) == 0
    assert "3 of 3 agree" in capsys.readouterr().out


def test_reproduce_finds_a_forged_number_and_a_forged_claim(small_catalog, capsys):
    path = small_catalog / "half-adder-2" / "results.json"
    honest = path.read_text()
    record = json.loads(honest)
    record["summary"]["loss"]["mean"] *= 0.5
    path.write_text(json.dumps(record))
    assert reproduce.main(["half-adder-2", "--root", str(small_catalog), "--sweep", "5"]) == 1
    assert re.search(r"loss \(mean\).* no$", capsys.readouterr().out, re.M)
    record = json.loads(honest)
    record["claims"][0]["holds"] = False
    path.write_text(json.dumps(record))
    assert reproduce.main(["--all", "--root", str(small_catalog), "--sweep", "5"]) == 1
    record = json.loads(honest)
    record["command"] += " --no-such-flag"
    path.write_text(json.dumps(record))
    assert reproduce.main(["half-adder-2", "--root", str(small_catalog)]) == 1
    assert "exit 2" in capsys.readouterr().out
    path.write_text(honest)


def test_agreement_of_summaries():
    rate = {"rate": 0.9, "n": 100, "ci95": [0.82, 0.94]}
    assert reproduce.agrees(rate, {"rate": 1.0, "n": 5, "ci95": [0.56, 1.0]})
    assert not reproduce.agrees(rate, {"rate": 0.5, "n": 100, "ci95": [0.4, 0.6]})
    number = {"n": 30, "mean": 10.0, "std": 1.0}
    assert reproduce.agrees(number, {"n": 30, "mean": 10.5, "std": 1.0})
    assert not reproduce.agrees(number, {"n": 30, "mean": 12.0, "std": 1.0})
    constant = {"n": 30, "mean": 1.0, "std": 0.0}
    assert reproduce.agrees(constant, constant)
    assert not reproduce.agrees(constant, {"n": 30, "mean": 1.01, "std": 0.0})


def test_reproduce_wants_to_know_what(capsys):
    for argv in ([], ["xor", "--all"], ["xor", "--sweep", "0"]):
        with pytest.raises(SystemExit) as stopped:
            reproduce.main(argv)
        assert stopped.value.code == 2
    with pytest.raises(SystemExit, match="no such problem; there are"):
        choose(["no-such-problem"])


def test_benchmark_prints_a_row_per_problem(capsys):
    slug = folders()[0].name
    assert benchmark.main([slug, "--seconds", "0.2"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(slug))
    assert float(row.split()[1]) > 0


def test_slugs_are_module_names():
    for folder in folders():
        assert module_name(folder.name).isidentifier()
