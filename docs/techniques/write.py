"""Write the pages of this folder from the code; `make docs` runs it, and a test fails where they differ."""

from __future__ import annotations

from pathlib import Path

from taut.techniques import TECHNIQUES
from taut.techniques.base import markdown

for technique in TECHNIQUES:
    path = Path(__file__).parent / f"{technique.name}.md"
    path.write_text(markdown(technique), encoding="utf-8")
    print(path)
