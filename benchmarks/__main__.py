"""The command line: `python -m benchmarks [kernels | overhead | steps] [name…] [options]`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from . import THREADS, set_threads

COMMANDS = ("kernels", "overhead", "steps")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("command", nargs="?", choices=COMMANDS, help="what to measure (default: all three)")
    parser.add_argument("names", nargs="*", help="operations, chains or workloads (default: all)")
    parser.add_argument("--threads", type=int, default=THREADS, help="for every side (default: %(default)s)")
    parser.add_argument("--rounds", type=int, help="turns of each side (default: 15; steps: 9)")
    parser.add_argument("--turn", type=float, help="seconds of a turn (default: 0.05; steps: 0.5)")
    parser.add_argument("--sides", default="", help="steps: who takes part (default: minidl,torch)")
    parser.add_argument("--no-torch", action="store_true", help="leave PyTorch out")
    parser.add_argument("--smoke", action="store_true", help="everything once, small: does it run, do the checks hold")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/performance.md")
    return parser.parse_intermixed_args()  # options may stand between the names


def main() -> int:
    """Run what was asked for; 1 where a check failed."""
    options = arguments()
    set_threads(options.threads)  # before anything imports NumPy
    from . import machine, report

    facts = machine.facts(options.threads)
    print(machine.sentence(facts), flush=True)
    if options.smoke:
        print("Smoke: the checks count, the times mean nothing.", flush=True)
    tables = []
    for command in [options.command] if options.command else COMMANDS:
        tables.append(run(command, options))
        print(f"\n{tables[-1].markdown()}", flush=True)
    facts |= {} if options.smoke else machine.limits()
    print(f"\n{report.save(options.command or 'all', facts, tables)}")
    if options.write_docs:
        print(f"{report.DOCS}: {', '.join(report.write_docs(report.DOCS, machine.sentence(facts), tables))}")
    failures = [failure for table in tables for failure in table.failures]
    for failure in failures:
        print(f"CHECK FAILED: {failure}", file=sys.stderr)
    return bool(failures)


def run(command: str, options: argparse.Namespace) -> Any:
    """The table of one command."""
    from .harness import SMOKE, Plan

    torch = None if options.no_torch else peer(options.threads)
    plan = SMOKE if options.smoke else Plan(options.rounds or 15, options.turn or 0.05)
    if command == "kernels":
        from . import kernels

        return kernels.run(options.names, plan, torch)
    if command == "overhead":
        from . import overhead

        return overhead.run(options.names, plan, torch)
    from . import steps

    plan = SMOKE if options.smoke else Plan(options.rounds or 9, options.turn or 0.5)
    sides = options.sides.split(",") if options.sides else ["minidl", "torch" if torch else "plain"]
    return steps.run(options.names, plan, sides)


def peer(threads: int) -> Any:
    """PyTorch, held to the same number of threads; None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(threads)
    return torch


if __name__ == "__main__":
    sys.exit(main())
