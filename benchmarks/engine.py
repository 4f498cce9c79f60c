"""How fast the compiled engine is, and where the time goes.

    python benchmarks/engine.py [--json]     taut, a PyTorch loop, scikit-learn, and the limit
    python benchmarks/engine.py --all        and all sections below
    python benchmarks/engine.py --activations --evaluation --threads --products --memory --prediction
                                --compile

``--json`` prints a list of objects with the keys hidden, batch, taut_s, torch_loop_s, sklearn_s, limit_s and
eval_s: CPU seconds of one core per network and epoch. What the figures say is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

# Before NumPy and PyTorch are imported: one thread each, so that CPU seconds are seconds.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

SECTIONS = ("activations", "evaluation", "threads", "products", "memory", "prediction", "compile")


def section(name: str, rounds: int) -> str:
    if name in ("memory", "prediction", "compile"):
        import engine_process

        if name == "prediction":
            return engine_process.prediction(rounds)
        return engine_process.memory() if name == "memory" else engine_process.compilation()
    if name == "products":
        import engine_products

        return engine_products.in_words(rounds)
    import engine_more

    run = {
        "activations": engine_more.activations,
        "evaluation": engine_more.evaluation,
        "threads": engine_more.threads,
    }
    return run[name](rounds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the main figures as JSON, and nothing else")
    parser.add_argument("--all", action="store_true", help="the main figures and every section")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured; medians count")
    for name in SECTIONS:
        parser.add_argument(f"--{name}", action="store_true", help="this section alone")
    options = parser.parse_args()
    chosen = [name for name in SECTIONS if options.all or getattr(options, name)]
    if options.json or options.all or not chosen:
        from engine_speed import in_words, measure

        figures = measure(options.rounds)
        if options.json:
            print(json.dumps([f.to_json() for f in figures], indent=2))
            return
        print(in_words(figures), flush=True)
    for name in chosen:
        print(section(name, options.rounds), flush=True)


if __name__ == "__main__":
    sys.exit(main())
