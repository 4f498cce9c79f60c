"""What a page shows to be pasted somewhere: nothing in it does more than make plain values.

Facts may come from a file that somebody else wrote. The scripts to take away are made of literals alone
(``report/code.py``); the estimator's call and the command are shown as they were noted, and are judged
here.
"""

from __future__ import annotations

import ast
import builtins
import re
import shlex
import warnings
from typing import cast

import numpy as np

from taut.report.schema import Facts

_KINDS = ("TautClassifier", "TautRegressor", "TautClassifierCV", "TautRegressorCV")
_PLAIN = {"bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "range", "set", "slice",
          "str", "tuple"}  # fmt: skip
_DATES = {"date", "datetime", "time", "timedelta"}
_PYTHON = re.compile(r"python[\d.]*(\.exe)?")
_SHOWN = re.compile(r"<[^<>]*>")
_MOST_NESTED = 8
_MOST = 1 << 16  # characters

# What values show themselves as, and nothing that goes through them or runs.
_NODES = (
    ast.Module, ast.Expr, ast.keyword, ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict,
    ast.UnaryOp, ast.USub, ast.UAdd, ast.BinOp, ast.Add, ast.Sub, ast.Load,
)  # fmt: skip


def is_value(code: str) -> bool:
    """Whether a text is how a value shows itself, and making it runs nothing but its class.

    What nobody can run passes too, such as ``<function score at ...>``.

    >>> is_value("KFold(n_splits=3, random_state=None)"), is_value("<function score>")
    (True, True)
    >>> is_value("__import__('os').abort()"), is_value("eval('1')"), is_value("1; print()")
    (False, False, False)
    """
    # Of several lines each would be run on its own.
    tree = _parsed(code) if len(code) <= _MOST and code.isprintable() else None
    return tree is not None and len(tree.body) == 1 and all(map(_is_plain, ast.walk(tree)))


def _parsed(code: str) -> ast.Module | None:
    """None where it is no Python, nor would be without its ``<...>``: a newer Python may read more."""
    with warnings.catch_warnings(action="ignore"):
        for _ in range(_MOST_NESTED):
            try:
                return ast.parse(code)
            except SyntaxError:
                code = _SHOWN.sub("None", code)
            except (ValueError, MemoryError, RecursionError):
                break
    return None


def _is_plain(node: ast.AST) -> bool:
    """Whether it is a literal, or makes a value: a class by its name, a number of numpy's, a date."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in _PLAIN or not (hasattr(builtins, name) or name.startswith("_"))
        case ast.Call(func=function):
            return isinstance(function, ast.Attribute)  # which is looked at by itself
        case ast.Attribute(value=ast.Name(id="np"), attr=name):
            return isinstance(kind := getattr(np, name, None), type) and issubclass(kind, np.generic)
        case ast.Attribute(value=ast.Name(id="datetime"), attr=name):
            return name in _DATES
    return isinstance(node, _NODES)


def is_call(code: str) -> bool:
    """Whether it is how an estimator of taut's shows itself."""
    return code.partition("(")[0] in _KINDS and is_value(code)


def is_command(text: str) -> bool:
    """Whether it runs taut and nothing else: a shell finds no sign of its own in it.

    >>> is_command("taut fit 'my table.csv' --target y"), is_command("taut fit a.csv; reboot")
    (True, False)
    """
    try:
        words = shlex.split(text)
    except ValueError:
        return False
    runs = words[:1] == ["taut"] or (words[1:3] == ["-m", "taut"] and bool(_PYTHON.fullmatch(words[0])))
    return len(text) <= _MOST and runs and shlex.join(words) == text


def without_harm(facts: Facts) -> Facts:
    """Leave out a command, and the arguments of a call, that would do something else."""
    source, made = facts["source"], facts["made"]
    done = cast(Facts, dict(facts))
    if source["command"] is not None and not is_command(source["command"]):
        done["source"] = {**source, "command": None}
    if not is_call(made["call"]):
        kind = made["estimator"] if made["estimator"] in _KINDS else _KINDS[0]
        done["made"] = {**made, "call": f"{kind}(...)"}
    return done
