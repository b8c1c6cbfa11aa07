"""The example of the documentation runs as it stands there."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "report.md"


def test_the_example_of_the_report_page(tmp_path, monkeypatch):
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(examples) == 1
    monkeypatch.chdir(tmp_path)
    exec(compile(examples[0], str(PAGE), "exec"), {})
    assert "A trigger of mine" in (tmp_path / "out" / "mine" / "report.html").read_text(encoding="utf-8")
