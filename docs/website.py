"""Build the documentation as a static site: ``make site``, or ``python docs/website.py FOLDER``.

The pages are copied as they lie in the repository, README.md first and then whatever links lead to, so that
every link that works there works here too. Zensical builds them, strictly: a broken link ends it. Then the
HTML is read: every link inside has to lead to a file and an anchor, and no page may load anything from
elsewhere.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(\]\(|(?:src|href)=\")([^)#\s\"]+)")
NAVIGATION = (
    ("Learn", "docs/learn/"),
    ("Use", "docs/"),
    ("Techniques", "docs/techniques/"),
    ("More", ""),
)
CONFIG = """[project]
site_name = "taut"
site_description = "Regularized neural networks for tables: which technique, how strong, and how sure."
docs_dir = "pages"
site_dir = "html"
use_directory_urls = false
nav = {nav}

[project.theme]
font = false
features = ["content.code.copy", "navigation.footer", "navigation.sections", "navigation.top"]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
"""


class Links(HTMLParser):
    """What a page loads, where it leads, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.leads: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value is not None}
        if "id" in found:
            self.anchors.add(found["id"])
        if "src" in found:
            self.loads.add(found["src"])
        if "href" in found and tag == "link" and found.get("rel") not in ("canonical", "next", "prev"):
            self.loads.add(found["href"])
        elif "href" in found and tag == "a":
            self.leads.add(found["href"])


def main(build: Path) -> None:
    try:
        import zensical  # noqa: F401
    except ImportError:
        sys.exit(
            "The site needs Zensical, which is not installed: pip install -c constraints.txt -e '.[docs]'."
        )
    pages = build / "pages"
    for left_over in (pages, build / "html"):
        shutil.rmtree(left_over, ignore_errors=True)
    order = gathered(ROOT, pages)
    if missing := sorted({str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md")} - set(order)):
        sys.exit(f"No link leads to {', '.join(missing)}.")
    (build / "zensical.toml").write_text(CONFIG.format(nav=navigation(order)), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "zensical", "build", "--strict"], cwd=build, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    if wrong := wrong_links(build / "html"):
        sys.exit("\n".join(wrong))
    print(build / "html" / "index.html")


def gathered(root: Path, pages: Path) -> list[str]:
    """Copy README.md and what its links lead to, and so on; a folder gets a page that lists its files.

    Returns
    -------
    list of str
        The pages, in the order in which links name them.
    """
    order, queue, seen = [], [root / "README.md"], {root / "README.md"}
    for file in queue:
        name = file.relative_to(root).as_posix()
        copy = pages / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix != ".md":
            shutil.copy2(file, copy)
            continue
        order.append(name)
        text = file.read_text(encoding="utf-8") if file.exists() else listing(file.parent)
        for _, link in LINK.findall(without_code(text)):
            if urlsplit(link).scheme:
                continue
            target = Path(os.path.normpath(file.parent / link))
            target = target / "index.md" if target.is_dir() else target
            if target not in seen:
                seen.add(target)
                queue.append(target)
        copy.write_text(with_files(text, file.parent), encoding="utf-8")
    return order


def with_files(text: str, folder: Path) -> str:
    """A link to a folder leads to its page here."""

    def to_file(found: re.Match[str]) -> str:
        link = found[2]
        is_folder = not urlsplit(link).scheme and (folder / link).is_dir()
        return found[1] + (f"{link.rstrip('/')}/index.md" if is_folder else link)

    return LINK.sub(to_file, text)


def listing(folder: Path) -> str:
    """Write a page for a folder that has none."""
    files = sorted(file for file in folder.iterdir() if file.suffix in (".md", ".py"))
    files = [file for file in files if file.name != "write.py"]
    lines = [f"- [{title(file)}]({file.name})" for file in files]
    return "\n".join([f"# {folder.name.capitalize()}", "", *lines, ""])


def title(file: Path) -> str:
    first = file.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.removeprefix("# ") if file.suffix == ".md" else file.name


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def navigation(order: list[str]) -> str:
    """Write the menu: sections by folder, pages in the order in which links name them."""
    left, parts = [name for name in order if name != "README.md"], ['{ "taut" = "README.md" }']
    for section, folder in NAVIGATION:
        within = [name for name in left if name.startswith(folder)]
        if folder:
            within = [name for name in within if "/" not in name.removeprefix(folder)]
        within.sort(key=lambda name: not name.endswith("index.md"))  # stable: the folder's own page first
        left = [name for name in left if name not in within]
        entries = [f'{{ "Contents" = "{n}" }}' if n == "docs/index.md" else f'"{n}"' for n in within]
        parts.append(f'{{ "{section}" = [{", ".join(entries)}] }}')
    return f"[{', '.join(parts)}]"


def wrong_links(site: Path) -> list[str]:
    """Find what leads nowhere, and what is loaded from elsewhere, in all pages of a built site."""
    pages = {file: Links(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("*.html"))}
    wrong = []
    for file, links in pages.items():
        if file.name == "404.html":  # its links begin at the server's root
            continue
        name = file.relative_to(site)
        wrong += [f"{name} loads {link} from elsewhere" for link in links.loads if urlsplit(link).netloc]
        for link in links.loads | links.leads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = file if not parts.path else Path(os.path.normpath(file.parent / unquote(parts.path)))
            if not target.is_file():
                wrong.append(f"{name} leads to {link}, which is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                if parts.fragment not in ("", "__top", "__skip"):
                    wrong.append(f"{name} leads to {link}, where there is no such anchor")
    for file in sorted([*site.rglob("*.css"), *site.rglob("*.js")]):
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".css" and re.search(r"(?:url\(|@import\s*)[\"']?(?:https?:)?//", text):
            wrong.append(f"{file.relative_to(site)} loads from elsewhere")
    return wrong


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "site")
