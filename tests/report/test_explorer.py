"""The interactive page: its grid reads back, bad grids are refused, and a browser runs it where there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nanosieve.errors import SettingsError
from nanosieve.report.explorer import write_explorer

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def grid() -> dict[str, object]:
    """Physics and cost are linear in all axes, so that interpolation is exact; B costs twice as much."""
    axes = {"rate": [1.0, 2.0], "pileup": [50.0, 60.0], "nodes": [0.5, 1.5], "time_out": [1.0, 100.0]}
    points = [(r, p, n, t) for r in (1, 2) for p in (50, 60) for n in (0.5, 1.5) for t in (1, 100)]
    designs = {
        name: {
            "letter": letter,
            "title": f"farm </script> {letter}",
            "nodes": 100,
            "physics": [factor * (r + n) for r, _, n, _ in points],
            "error": [0.1 * n for _, _, n, _ in points],
            "physics_band": [[r + n, (2 * factor - 1) * (r + n)] for r, _, n, _ in points],
            "lost": [p / 10 for _, p, _, _ in points],
            "stable": [r == 1 for r, _, _, _ in points],
            "power": [factor * 100 * n for _, _, n, _ in points],
            "power_band": [[factor * 90 * n, factor * 120 * n] for _, _, n, _ in points],
            "cost": [[factor * n, factor * 3 * n] for _, _, n, _ in points],
            "cost_band": [
                [[factor * n - 0.2, factor * n + 1], [factor * 3 * n - 0.2, factor * 3 * n + 1]]
                for _, _, n, _ in points
            ],
        }
        for name, letter, factor in (("a", "A", 1), ("b", "B", 2))
    }
    return {"axes": axes | {"price": [0.0, 1.0]}, "order": list(axes), "designs": designs}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_explorer(tmp_path_factory.mktemp("page"), grid(), title="Which farm?", note="a note")


def test_the_grid_in_the_page_is_the_grid(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="grid">(.*?)</script>', text, flags=re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == grid()


def test_the_page_needs_no_network(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"https?://|<link|src=|@import|fetch\(", text)


def test_lists_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    short = json.loads(json.dumps(grid()))
    short["designs"]["a"]["physics"].pop()
    with pytest.raises(SettingsError, match=r"'a' has 15 values of physics for 16 points"):
        write_explorer(tmp_path, short, title="")
    falling = json.loads(json.dumps(grid()))
    falling["axes"]["rate"] = [2.0, 1.0]
    with pytest.raises(SettingsError, match=r"axis 'rate' of the grid .* rising"):
        write_explorer(tmp_path, falling, title="")
    priceless = json.loads(json.dumps(grid()))
    priceless["designs"]["b"]["cost"][3] = [1.0]
    with pytest.raises(SettingsError, match="not as many as prices"):
        write_explorer(tmp_path, priceless, title="")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
class TestInABrowser:
    def opened(self, page: Path, conditions: str) -> str:
        """The page as a browser has made it; `conditions` are those of the sliders."""
        address = f"{page.as_uri()}#{conditions}"
        command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", address]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        return done.stdout

    def cells(self, dom: str, name: str) -> list[float]:
        """The numbers of a column, without bands and errors."""
        return [float(found.split()[0]) for found in self.texts(dom, name)]

    def texts(self, dom: str, name: str) -> list[str]:
        return re.findall(rf'data-label="{re.escape(name)}"><span>([^<]*)<', dom)

    def test_a_point_of_the_grid_is_shown_as_simulated(self, page: Path) -> None:
        dom = self.opened(page, "rate=1&pileup=50&nodes=0.5&time_out=100&price=0")
        assert 'data-state="simulated"' in dom
        assert self.cells(dom, "Physics") == [1.5, 3.0]
        assert self.cells(dom, "Cost [MUSD]") == [0.5, 1.0]
        assert dom.count("keeps up") >= 2
        assert self.texts(dom, "Physics") == ["1.500 ± 0.050", "3.000 [1.500, 4.500]"]
        assert self.texts(dom, "Cost [MUSD]") == ["0.5 [0.3, 1.5]", "1.0 [0.8, 2.0]"]
        assert self.texts(dom, "Power [kW]") == ["50 [45, 60]", "100 [90, 120]"]
        for drawn in (r'<rect class="box" x="\d', r'<path class="bar" stroke="#'):
            assert len(re.findall(drawn, dom)) == 4

    def test_between_points_it_interpolates_and_says_in_what(self, page: Path) -> None:
        dom = self.opened(page, "rate=1.5&pileup=55&nodes=1&time_out=100&price=0.5")
        assert 'data-state="interpolated"' in dom
        assert "Interpolated between simulated points in: rate" in dom
        assert self.cells(dom, "Physics") == [2.5, 5.0]
        assert self.cells(dom, "Cost [MUSD]") == [2.0, 4.0]
        assert self.cells(dom, "Lost [%]") == [5.5, 5.5]
        assert "overloaded at some points around" in dom
        assert self.texts(dom, "Physics")[1] == "5.000 [2.500, 7.500]"
        assert self.texts(dom, "Cost [MUSD]")[1] == "4.0 [3.8, 5.0]"

    def test_beyond_the_grid_it_refuses(self, page: Path) -> None:
        dom = self.opened(page, "rate=2.5&pileup=55&nodes=1&time_out=100&price=0.5")
        assert 'data-state="refused"' in dom
        assert "Nothing is extrapolated" in dom
        assert self.cells(dom, "Physics") == []
