from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from taut import ctrl_c
from tests.cli.conftest import rows, write_csv

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl+C to the whole console")

# Ctrl+C arrives in the moment in which this module is asked for; who imports it may make of it what he likes.
INTERRUPTED_IMPORT = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv[1:] = {arguments!r}
from taut.__main__ import main
main()
"""


def interrupted_at(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    code = INTERRUPTED_IMPORT.format(module=module, arguments=list(map(str, arguments)))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


@pytest.mark.fault(89)
@pytest.mark.parametrize("module", ["typer", "numpy._core.multiarray", "duckdb"])
def test_ctrl_c_during_imports_is_one_word(module: str, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "shop.csv", rows())
    done = interrupted_at(module, "fit", table, "--target", "kind", "--n-candidates", 3)
    assert (done.returncode, done.stderr) == (130, "interrupted.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"]


@pytest.mark.fault(89)
@pytest.mark.parametrize("module", ["taut.selection.proposer", "taut.report.facts"])
def test_ctrl_c_during_the_imports_of_training_is_one_word(module: str, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "shop.csv", rows())
    done = interrupted_at(
        module, "fit", table, "--target", "kind", "--n-candidates", 3, "--hidden", 4, "--max-epochs", 3,
        "--cv", 3,
    )  # fmt: skip
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("interrupted")


@pytest.mark.fault(89)
def test_before_the_command_line_python_has_imported_next_to_nothing() -> None:
    code = (
        "import sys; had = set(sys.modules); import taut.ctrl_c; "
        "print(sum(not name.startswith('taut') for name in set(sys.modules) - had))"
    )
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, env=os.environ | paths, check=True
    )
    assert int(done.stdout) < 13  # 290 with dataclasses and typer


def test_a_handler_of_somebody_else_is_left_alone() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ctrl_c.end_at_once()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as under nohup
        ctrl_c.raise_from_here()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        signal.signal(signal.SIGINT, signal.default_int_handler)
        ctrl_c.end_at_once()
        assert signal.getsignal(signal.SIGINT) is ctrl_c._end
        ctrl_c.raise_from_here()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ctrl_c.ignore()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
