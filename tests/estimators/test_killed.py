"""A search that is killed at random moments, and resumed (FAULTS 48)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

KILLS = 12


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the sessions are forked")
def test_a_search_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(KILLS)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 10
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "resumed.npz") as resumed:
        assert set(whole) == set(resumed)
        assert len(whole["rows"]) == 40
        for name in whole:
            np.testing.assert_array_equal(whole[name], resumed[name], err_msg=name)
