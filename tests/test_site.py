"""The site: what is gathered, the strict build, links and pictures, and its use in a real browser."""

import io
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import build_site
import pytest
from catalog import ROOT, folders, metadata
from PIL import Image, ImageChops

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGES = ["", "xor/", "xor/source/", "RESULTS/", "numbers/", "running/", "CONTRIBUTING/"]
FOUND = build_site.problems(ROOT)[0]


def need_mkdocs():
    """Skip where the packages of requirements-docs.txt are not installed."""
    missing = [name for name in ("mkdocs", "material", "latex2mathml") if not find_spec(name)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed (requirements-docs.txt)")


def build(root, out):
    """(exit status, printed text) of the build script in a process of its own."""
    need_mkdocs()
    command = [sys.executable, ROOT / "scripts" / "build_site.py", "--root", root, "--out", out]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The folder with the docs/ and the site/ of this catalog."""
    out = tmp_path_factory.mktemp("real")
    status, text = build(ROOT, out)
    assert status == 0, text
    return out


@pytest.fixture(scope="module")
def site(out):
    return out / "site"


@pytest.fixture
def small(tmp_path):
    """A catalog of three folders: xor, a copy without a record, one fresh from the template."""
    root = tmp_path / "catalog"
    for name in ("README.md", "CONTRIBUTING.md", "LICENSE"):
        root.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    (root / "RESULTS.md").write_text("# Results\n\n[xor](xor/README.md), [half](half-done/README.md)\n")
    shutil.copytree(ROOT / "xor", root / "xor", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("half-done", "just-begun"):
        (root / name).mkdir()
        (root / name / f"{name.replace('-', '_')}.py").write_text('"""Later."""\n')
    (root / "half-done" / "README.md").write_text((ROOT / "xor" / "README.md").read_text())
    return root


# ---- what is gathered ----------------------------------------------------------------------------------------------


def test_complete_folders_are_found_in_order_of_year_and_the_others_named(small):
    found, lacking = build_site.problems(small)
    assert [entry.slug for entry in found] == ["xor"]
    assert lacking == {"half-done": "no results.json", "just-begun": "no README.md"}
    years = [entry.about["year"] for entry in FOUND]
    assert years == sorted(years) and len(FOUND) >= 6
    assert {entry.slug for entry in FOUND} == {f.name for f in folders() if build_site.what_lacks(f) is None}


def test_a_folder_lacks_what_its_catalog_block_lacks(small):
    readme = small / "xor" / "README.md"
    text = readme.read_text()
    readme.write_text(text.replace("data: boolean", "data: TODO"))
    assert build_site.what_lacks(small / "xor") == "no data in the catalog block of its README.md"
    readme.write_text(text.replace("<!-- catalog", "<!-- other"))
    assert "has no <!-- catalog --> block" in build_site.what_lacks(small / "xor")
    (small / "xor" / "xor.gif").unlink()
    assert build_site.what_lacks(small / "xor") == "no xor.gif"


def test_what_a_card_says_comes_from_the_folder():
    entry = next(entry for entry in FOUND if entry.slug == "xor")
    about = metadata(ROOT / "xor")
    assert entry.title == "XOR by back-propagation" and entry.era == "1980s" and entry.kinds == ("back-propagation",)
    html = build_site.card(entry)
    for text in (about["authors"].replace("&", "&amp;"), about["year"], about["summary"], "all claims hold", "3 ms",
                 'alt="The output over the input plane, the weights and the error of one run, sweep by sweep"'):
        assert text in html


@pytest.mark.parametrize(("rule", "kinds"), [
    ("Boltzmann learning", ("Boltzmann",)),
    ("back-propagation through time, LSTM", ("back-propagation", "recurrent")),
    ("contrastive divergence", ("contrastive divergence",)),
    ("Forward-Forward", ("Forward-Forward",)),
    ("wake-sleep, two phases", ("wake-sleep",)),
])  # fmt: skip
def test_rules_are_filed_under_kinds(rule, kinds):
    assert build_site.kinds_of(rule) == kinds


def test_durations_for_people():
    given = (0.0001, 0.0532, 4.92, 29.9, 99.4, 150, 8000)
    assert [build_site.duration(s) for s in given] == ["1 ms", "53 ms", "4.9 s", "30 s", "99 s", "2.5 min", "2.2 h"]


def test_links_are_turned_to_what_the_site_has(small, tmp_path):
    docs, page = tmp_path / "docs", small / "xor" / "README.md"
    turned = {
        "[a](../README.md)": "[a](../index.md)",
        "[a](../RESULTS.md#x)": "[a](../RESULTS.md#x)",
        "[`a`](../LICENSE)": "[`a`](../LICENSE)",
        "[a](xor.py)": "[a](xor.py)",
        "[a](../half-done/README.md)": "a",
        "[a](../half-done/)": "a",
        "[a](missing.md)": "[a](missing.md)",
        "[a](https://x.org/y)": "[a](https://x.org/y)",
        "[a](#results)": "[a](#results)",
        "`[a](../README.md)`": "`[a](../README.md)`",
        "```\n[a](../README.md)\n```": "```\n[a](../README.md)\n```",
    }
    for given, wanted in turned.items():
        assert build_site.relinked(given, page, small, docs, {"half-done": ""}) == wanted
    assert (docs / "LICENSE").exists() and (docs / "xor" / "xor.py").exists()
    picture = build_site.relinked("![p](viz/basins.png)", page, small, docs, {})
    assert re.fullmatch(r"!\[p\]\(viz/basins.png\)\{ loading=lazy width=\d+ height=\d+ \}", picture)


def test_the_purpose_has_three_sentences():
    page = build_site.front_page(ROOT, FOUND)
    purpose = re.search(r'<div class="purpose" markdown>\s+(.*?)\s+</div>', page, re.S)[1]
    assert len(re.findall(r"[.!?](?=\s|$)", purpose)) == 3


def test_formulas_become_mathml_and_code_stays():
    need_mkdocs()
    from site_mathematics import on_page_content

    html = '<p><span class="arithmatex">\\(w_{ij} &lt; 1\\)</span> <code>\\(x\\)</code></p>'
    drawn = on_page_content(html)
    assert drawn.count("<math") == 1 and "<msub>" in drawn and "<code>\\(x\\)</code>" in drawn
    block = on_page_content('<div class="arithmatex">\\[\\frac{1}{2}\\]</div>')
    assert 'display="block"' in block and "<mfrac>" in block


# ---- the build -----------------------------------------------------------------------------------------------------


def test_a_broken_link_stops_the_build(small, tmp_path):
    readme = small / "xor" / "README.md"
    readme.write_text(readme.read_text() + "\n[nowhere](nowhere.md), [neither](#no-such-anchor)\n")
    status, printed = build(small, tmp_path / "out")
    assert status != 0
    for text in ("nowhere.md", "no-such-anchor", "half-done: left out: no results.json"):
        assert text in printed


def test_every_complete_problem_has_its_page_source_zip_and_card(site):
    front = (site / "index.html").read_text()
    for entry in FOUND:
        page = (site / entry.slug / "index.html").read_text()
        assert entry.command in page and f'href="{entry.slug}.zip"' in page
        assert (site / entry.slug / "source" / "index.html").exists()
        assert f'<a href="{entry.slug}/">' in front
    assert front.count('class="card"') == len(FOUND)


def test_the_neighbours_of_a_problem(site):
    def part(slug):
        page = (site / slug / "index.html").read_text()
        return page[page.index('class="neighbours"') :]

    for place, entry in enumerate(FOUND):
        near = FOUND[max(0, place - 1) : place] + FOUND[place + 1 : place + 2]
        same = [p for p in FOUND if p is not entry and p.about["data"] == entry.about["data"]]
        for other in near + same:
            assert f'href="../{other.slug}/"' in part(entry.slug), (entry.slug, other.slug)
    assert "temporal-order-4bit" in part("multiplication-problem")


class Page(HTMLParser):
    """Anchors, links and loaded files of an HTML page, and its pictures' attributes."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads, self.images = set(), [], [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs[key] for key in ("id", "name") if attrs.get(key)}
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        elif tag == "link" and attrs.get("href"):
            self.loads.append(attrs["href"])
        self.loads += [attrs[key] for key in ("src", "data-gif") if attrs.get(key)]
        if tag == "img":
            self.images.append(attrs)


def broken_links(site):
    """Every link, anchor or loaded file of the pages that is not there, or that is loaded from another host."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    broken = []
    for path, page in pages.items():
        for target in page.links + page.loads:
            parts = urlsplit(target)
            if parts.scheme in ("http", "https", "mailto") or parts.netloc:
                broken += [f"{path}: loads {target}"] if target in page.loads else []
                continue
            base = site if parts.path.startswith("/") else path.parent
            goal = Path(os.path.normpath(base / unquote(parts.path).lstrip("/"))) if parts.path else path
            goal = goal / "index.html" if goal.is_dir() else goal
            there = goal.exists() and goal.is_relative_to(site)
            if not there or (parts.fragment and goal in pages and unquote(parts.fragment) not in pages[goal].ids):
                broken.append(f"{path}: {target}")
    return broken


def test_no_link_anchor_or_picture_is_broken(site):
    assert broken_links(site) == []


def test_broken_links_are_seen(tmp_path):
    (tmp_path / "index.html").write_text(
        '<a href="b/">x</a><a href="#y">x</a><img src="z.png"><script src="https://x.org/a.js"></script>'
        '<a href="https://x.org">x</a><a id="ok" href="#ok">x</a>'
    )
    assert [line.split(": ", 1)[1] for line in broken_links(tmp_path)] == [
        "b/", "#y", "z.png", "loads https://x.org/a.js"]  # fmt: skip


def test_gifs_stand_still_load_lazily_and_are_described(site):
    pages = [site / "index.html", *(site / entry.slug / "index.html" for entry in FOUND)]
    for path in pages:
        images = [image for image in Page(path).images if not image["src"].endswith(".svg")]
        assert images
        for image in images:
            assert not image["src"].endswith(".gif")
            assert image["loading"] == "lazy" and int(image["width"]) and int(image["height"]), image
            assert len(image["alt"]) > 3, image
    for entry in FOUND:
        with Image.open(site / entry.slug / f"{entry.name}.webp") as still, \
                Image.open(entry.folder / f"{entry.name}.gif") as gif:  # fmt: skip
            difference = ImageChops.difference(still.convert("L"), gif.convert("L"))
            assert sum(difference.histogram()[40:]) < 0.02 * gif.width * gif.height, entry.slug


def test_the_zip_unpacks_and_its_script_runs(site, tmp_path, python):
    for entry in FOUND:
        with zipfile.ZipFile(site / entry.slug / f"{entry.slug}.zip") as archive:
            names = set(archive.namelist())
            assert {f"{entry.slug}/{p.name}" for p in entry.folder.glob("*.*") if p.name[0] != "."} <= names
            assert not [name for name in names if "__pycache__" in name or not name.startswith(f"{entry.slug}/")]
            archive.extractall(tmp_path)
    quickest = min(FOUND, key=lambda entry: entry.wallclock_s)
    done = python(*quickest.command.split()[1:], "--quick", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout, done.stderr


def test_the_same_folder_gives_the_same_zip(tmp_path):
    for name in ("a.zip", "b.zip"):
        build_site.write_zip(ROOT / "xor", tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_sources_are_not_in_the_search_index(site):
    index = (site / "search" / "search_index.json").read_text()
    assert '"location":"xor/' in index and "xor/source/" not in index


def test_workflows_and_requirements_name_what_is_there():
    pages = (ROOT / ".github" / "workflows" / "pages.yml").read_text()
    test = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    for path in re.findall(r"(?:^|\s)([\w./-]+\.(?:py|txt))\b", pages, re.M):
        assert (ROOT / path).exists(), path
    assert "scripts/build_site.py" in pages and "actions/deploy-pages@" in pages and "run: .ci/run" in test
    lines = (ROOT / "requirements-docs.txt").read_text().splitlines()
    assert all(re.fullmatch(r"-r requirements.txt|[\w-]+==[\d.]+", line) for line in lines) and len(lines) > 3


# ---- in a browser --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium, without a window."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright not installed (requirements-docs.txt)")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(site):
    """(address of the site, list of the paths that were asked for)."""
    asked = []

    class Noting(build_site.Handler):
        def log_request(self, *_):
            asked.append(self.path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_site, "Handler", Noting)
        running = build_site.server(site, 0)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/", asked
    running.shutdown()
    running.server_close()


@pytest.fixture
def open_page(browser, served):
    """Open a page of the site in a fresh window; complaints and other hosts fail the test at its end."""
    contexts, complaints = [], []

    def opened(path="", width=1440, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: complaints.append(r.url) if not r.url.startswith((served[0], "blob:")) else None)
        page.goto(served[0] + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def expect(browser):
    """Playwright's waiting assertions."""
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    return expect


def visible(page):
    """The slugs of the cards that are shown."""
    return page.eval_on_selector_all(".card:not([hidden]) h3 a", "links => links.map(a => a.getAttribute('href'))")


def first_player(page):
    """The player of the gallery's first card."""
    return page.locator(".card .player").first


def playing(expect, player):
    """Wait until the picture moves."""
    expect(player).to_have_attribute("data-state", "playing")
    expect(player.locator("img")).to_have_attribute("src", re.compile(r"\.gif$"))


def still(expect, player):
    """Wait until the picture stands."""
    expect(player).to_have_attribute("data-state", "still")
    expect(player.locator("img")).to_have_attribute("src", re.compile(r"\.webp$"))


@pytest.mark.parametrize(("words", "there", "not_there"), [
    ("sejnowski", "encoder-4-2-4/", "xor/"),
    ("Contrastive Divergence", "bars-rbm/", "xor/"),
    ("backpropagation 1986", "xor/", "encoder-4-2-4/"),
    ("4-2-4", "encoder-4-2-4/", "xor/"),
])  # fmt: skip
def test_the_gallery_is_searched(open_page, expect, words, there, not_there):
    page = open_page()
    assert len(visible(page)) == len(FOUND)
    page.locator(".filters").get_by_label("Search").fill(words)
    expect(page.locator(".card", has=page.locator(f'a[href="{not_there}"]'))).to_be_hidden()
    assert there in visible(page)
    expect(page.locator(".filters output")).to_have_text(f"{len(visible(page))} of {len(FOUND)} problems")
    page.locator(".filters").get_by_label("Search").fill("no such thing")
    expect(page.locator(".gallery__none")).to_be_visible()
    assert visible(page) == []


@pytest.mark.parametrize(("words", "slug"), [("Sejnowski", "encoder-4-2-4"), ("contrastive", "bars-rbm")])
def test_the_search_of_the_whole_site_finds_author_and_rule(open_page, expect, words, slug):
    page = open_page("numbers/")
    page.wait_for_load_state("networkidle")
    page.locator("[data-md-component=search-query]").click()
    page.keyboard.type(words)
    expect(page.locator(f'.md-search-result__item a[href*="/{slug}/"]').first).to_be_visible()


def test_filters_combine_survive_a_reload_and_are_taken_back(open_page, expect):
    page = open_page()
    form = page.locator(".filters")
    form.get_by_label("1980s").check()
    assert {"xor/", "encoder-4-2-4/"} <= set(visible(page))
    assert "bars-rbm/" not in visible(page)
    form.get_by_label("back-propagation", exact=True).check()
    assert "xor/" in visible(page) and "encoder-4-2-4/" not in visible(page)
    form.get_by_label("Boltzmann", exact=True).check()
    form.get_by_label("some claims hold").check()
    form.get_by_label("Search").fill("ackley")
    shown = visible(page)
    assert "encoder-4-2-4/" in shown and "xor/" not in shown
    wanted = "?words=ackley&era=1980s&rule=boltzmann&rule=back-propagation&verdict=partial"
    assert page.url.endswith(f"/{wanted}")
    page.reload()
    expect(form.get_by_label("some claims hold")).to_be_checked()
    expect(page.locator(".filters output")).to_have_text(f"{len(shown)} of {len(FOUND)} problems")
    assert visible(page) == shown and page.url.endswith(f"/{wanted}")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".filters output")).to_have_text(f"{len(FOUND)} of {len(FOUND)} problems")
    assert "?" not in page.url and not form.get_by_label("1980s").is_checked()


def test_a_card_opens_its_page_and_its_rule_leads_back(open_page, expect):
    page = open_page()
    page.locator(".card", has_text="XOR by back-propagation").locator(".card__text").click()
    expect(page).to_have_url(re.compile(r"/xor/$"))
    expect(page.locator("h1")).to_contain_text("XOR by back-propagation")
    page.locator(".facts").get_by_role("link", name="back-propagation").click()
    expect(page.locator(".filters").get_by_label("back-propagation", exact=True)).to_be_checked()
    assert "xor/" in visible(page) and "bars-rbm/" not in visible(page)


def test_the_copy_button_copies_the_command(open_page, expect):
    page = open_page("xor/", permissions=["clipboard-read", "clipboard-write"])
    page.locator(".run").get_by_role("button").click()
    expect(page.locator(".md-dialog")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").strip() == "python3 xor/xor.py --seed 0"


def test_the_gif_plays_on_hover_and_stops(open_page, expect):
    page = open_page()
    player = first_player(page)
    assert player.get_attribute("data-state") is None
    player.hover()
    playing(expect, player)
    page.mouse.move(1, 1)
    still(expect, player)
    player.hover()
    playing(expect, player)
    player.click()
    still(expect, player)
    page.mouse.move(1, 1)
    other = page.locator(".card .player").nth(1)
    other.hover()
    playing(expect, other)
    still(expect, player)


def test_the_gif_plays_on_a_tap_and_stops(open_page, expect):
    page = open_page("xor/", width=360, has_touch=True, is_mobile=True)
    player = page.locator(".player")
    player.tap()
    playing(expect, player)
    player.tap()
    still(expect, player)


def test_the_keyboard_reaches_player_and_card(open_page, expect):
    page = open_page()
    page.locator(".filters").get_by_label("Search").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('player')"):
            break
    player = first_player(page)
    expect(player).to_be_focused()
    playing(expect, player)
    page.keyboard.press("Enter")
    still(expect, player)
    page.keyboard.press("Enter")
    playing(expect, player)
    page.keyboard.press("Tab")
    still(expect, player)
    expect(page.locator(".card h3 a").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/{FOUND[0].slug}/$"))


def test_with_reduced_motion_only_a_click_plays(open_page, expect):
    page = open_page(reduced_motion="reduce")
    player = first_player(page)
    player.hover()
    assert player.get_attribute("data-state") is None
    player.click()
    playing(expect, player)
    player.click()
    still(expect, player)


def test_the_gallery_is_light_before_a_gif_plays(open_page, served, site):
    seen = len(served[1])
    page = open_page(width=1440)
    for card in page.locator(".card").all():
        card.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth)")
    page.wait_for_load_state("networkidle")
    paths = {urlsplit(path).path.lstrip("/") or "index.html" for path in served[1][seen:]}
    sizes = {path: (site / path).stat().st_size for path in paths}
    assert {f"{entry.slug}/{entry.name}.webp" for entry in FOUND} <= paths
    assert not [path for path in paths if path.endswith(".gif")]
    assert 100_000 < sum(sizes.values()) < 1_500_000, sizes


def test_results_are_sorted_by_a_click_and_back(open_page, expect):
    page = open_page("RESULTS/")
    table = page.locator(".sortable table").last
    column = table.locator("th", has_text="Seconds per seed")
    place = table.locator("th").all_inner_texts().index(column.inner_text())

    def values():
        return [float(text) for text in table.locator(f"td:nth-child({place + 1})").all_inner_texts()]

    given = values()
    column.get_by_role("button").click()
    expect(column).to_have_attribute("aria-sort", "ascending")
    assert values() == sorted(given) != given
    column.get_by_role("button").click()
    expect(column).to_have_attribute("aria-sort", "descending")
    assert values() == sorted(given, reverse=True)
    table.locator("th", has_text="Claim").get_by_role("button").click()
    expect(column).not_to_have_attribute("aria-sort", re.compile("."))
    claims = [text.lower() for text in table.locator("td:nth-child(2)").all_inner_texts()]
    letters = [claim for claim in claims if claim[0].isalpha()]
    assert [claim[0] for claim in letters] == sorted(claim[0] for claim in letters)


@pytest.mark.parametrize("width", [360, 1440])
def test_pages_fit_and_do_not_complain(open_page, served, width):
    page = open_page(width=width)
    every = [f"{entry.slug}/" for entry in FOUND if width == 360]
    for path in [*PAGES, *every]:
        page.goto(served[0] + path, wait_until="domcontentloaded" if path in every else "load")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory):
    """The folder of the screenshots, outside the repository."""
    folder = Path(os.environ.get("SITE_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    assert not folder.resolve().is_relative_to(ROOT)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_screenshots_in_light_and_dark(open_page, screenshots, width, scheme):
    shades = {}
    for name, path in {"front": "", "problem": "xor/"}.items():
        page = open_page(path, width=width, color_scheme=scheme)
        page.wait_for_load_state("networkidle")
        file = screenshots / f"{name}-{width}-{scheme}.png"
        shot = Image.open(io.BytesIO(page.screenshot(path=file))).convert("L")
        shades[name] = shot.getpixel((2, shot.height // 2))
        assert shot.width == width and file.exists()
    assert all(shade > 200 if scheme == "light" else shade < 60 for shade in shades.values()), shades
