"""The benchmarks' own arithmetic, on numbers made up for it; and one short round of each command."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import minidl
from benchmarks import harness, inputs, kernels, machine, overhead, report, steps, torch_ops, worker, workloads
from benchmarks.sides import UPDATES
from minidl.kernels.cpu import TABLE
from minidl.op import REGISTRY

# Statistics -----------------------------------------------------------------------------------------------------------


def test_a_spread_is_the_median_and_the_quartiles():
    assert harness.Spread.of([5, 1, 4, 2, 3]) == (3, 2, 4, 5)
    assert harness.Spread.of([7.0]) == (7, 7, 7, 1)


def test_ratios_are_taken_round_by_round_so_that_a_slow_moment_cancels():
    slow, fast = [2.0, 20.0, 2.2], [1.0, 10.0, 1.1]  # the second round was ten times slower for both
    assert harness.ratios(slow, fast) == pytest.approx((2, 2, 2, 3))
    with pytest.raises(ValueError, match="zip"):
        harness.ratios(slow, fast[:2])


def test_the_geometric_mean_of_a_ratio_and_its_inverse_is_one():
    assert harness.geometric_mean([4, 0.25]) == pytest.approx(1)
    assert harness.geometric_mean([1, 10, 100]) == pytest.approx(10)


def test_sides_take_turns_and_the_first_call_of_a_turn_is_not_counted():
    calls = []

    def side(name, seconds):
        times = iter([9.0, seconds, seconds, 9.0, seconds, 9.0, 3 * seconds, 9.0, 2 * seconds])
        return lambda: calls.append(name) or next(times)  # warm-up, two to count calls; then (wake, measure) per round

    plan = harness.Plan(rounds=3, turn=1.0, settle=0)
    times = harness.interleave({"a": side("a", 1.0), "b": side("b", 2.0)}, plan)
    assert times == {"a": [1, 3, 2], "b": [2, 6, 4]}
    assert "".join(calls[6:]) == "aabb" + "bbaa" + "aabb"


def test_a_turn_is_filled_with_calls():
    durations = iter([5.0, *[0.1] * 100])
    assert harness._calls(lambda: next(durations), turn=1.0) == 10


# Checks ---------------------------------------------------------------------------------------------------------------


def test_errors_are_relative_to_the_largest_value():
    assert harness.error([1.0, 99.0], [0.0, 100.0]) == pytest.approx(0.01)
    assert harness.error([[1.0]], [1.0]) == math.inf
    assert harness.error(np.zeros((0, 3)), np.zeros((0, 3))) == 0
    assert harness.error([1e-20], [0.0]) > 1e9  # nothing may come out where nothing should


def test_a_check_gives_each_sides_largest_error():
    found = {"a": [[1.0, 2.0], [4.0]], "b": [[1.0, 2.0], [3.0]]}
    assert harness.check("x", found, [[1.0, 2.0], [4.0]], tolerance=0.3) == {"a": 0, "b": 0.25}


@pytest.mark.parametrize("bad", [[1.1, 2.0], [math.nan, 2.0], [math.inf, 2.0], [1.0, 2.0, 3.0], [[1.0, 2.0]]])
def test_a_check_fails_on_what_is_wrong_not_a_number_or_misshapen(bad):
    with pytest.raises(harness.CheckFailed, match="sums: kernel is off by"):
        harness.check("sums", {"kernel": [bad]}, [[1.0, 2.0]], tolerance=0.01)


# Inputs ---------------------------------------------------------------------------------------------------------------


def test_every_kernel_has_inputs_large_and_small():
    assert set(TABLE) <= set(inputs.BENCH)
    for name, cases in inputs.BENCH.items():
        assert {case.small for case in cases} == {True, False}, name


def test_inputs_are_for_operations_that_exist_and_have_a_peer():
    for name, cases in inputs.BENCH.items():
        assert name in UPDATES or name in torch_ops.TORCH
        if name not in UPDATES:
            operation = REGISTRY[name]
            assert all(set(case.params) <= set(operation.keywords) for case in cases), name


@pytest.mark.parametrize("name", sorted(inputs.BENCH))
def test_small_inputs_are_float32_and_the_same_every_time(name):
    for case in inputs.BENCH[name]:
        if case.small:
            first, second = case.inputs(), case.inputs()
            assert all(a.dtype in (np.float32, np.int64, np.bool_) for a in first if a is not None)
            assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True) if a is not None)


# Commands -------------------------------------------------------------------------------------------------------------


def test_one_kernel_checked_and_timed():
    case = next(c for c in inputs.BENCH["layer_norm"] if c.small)
    forward, backward = kernels.compare("layer_norm", case, harness.SMOKE)
    assert (forward["pass"], backward["pass"]) == ("forward", "backward")
    assert forward["bytes"] == 4 * (2 * 32 * 64 + 2 * 64)  # reads x, w, b; writes y
    assert backward["bytes"] == 4 * (3 * 32 * 64 + 4 * 64)  # reads x, dy, w, b; writes dx, dw, db
    assert all(len(times) == 1 and times[0] > 0 for times in backward["times"].values())
    assert 0 < forward["errors"]["body"] < case.tolerance


@pytest.mark.parametrize("name", sorted(UPDATES))
def test_an_update_checked_and_timed(name):
    case = next(c for c in inputs.BENCH[name] if c.small)
    (record,) = kernels.compare(name, case, harness.SMOKE)
    assert record["bytes"] == 4 * 256 * UPDATES[name][3]


def test_a_wrong_kernel_is_not_timed(monkeypatch):
    wrong = kernels.side

    def broken(name, arrays, params, mode):
        pair = wrong(name, arrays, params, mode)
        return pair if mode == "plain" else pair._replace(forward=lambda: [1.01 * y for y in pair.forward()])

    monkeypatch.setattr(kernels, "side", broken)
    monkeypatch.setattr(kernels, "compiled", lambda name, folder: True)
    table = kernels.run(["layer_norm"], harness.SMOKE, None)
    assert not table.rows and "layer_norm" in table.failures[0] and "kernel is off" in table.failures[0]


def test_a_name_that_is_not_there():
    for command in (kernels, overhead):
        with pytest.raises(SystemExit, match="nonsense"):
            command.run(["nonsense"], harness.SMOKE, None)
    with pytest.raises(SystemExit, match="nonsense"):
        steps.run(["nonsense"], harness.SMOKE, ["minidl"])


@pytest.mark.parametrize("name", overhead.CHAINS)
def test_a_chain(name):
    records = overhead.compare(name, harness.SMOKE, length=3)
    assert [r["pass"] for r in records] == ["forward", "backward", "no_grad"]
    assert set(records[0]["times"]) == {"minidl", "numpy"}


def test_the_step_of_a_tiny_network():
    (record,) = overhead.compare_steps(harness.SMOKE)
    assert record["errors"]["minidl"] < overhead.TOLERANCE


def test_a_worker_answers(tmp_path):
    weights = tmp_path / "weights.safetensors"
    step = worker.SIDES["minidl"](workloads.workload("mlp-tiny"), weights)
    losses = worker.answer({"losses": 3}, step)["losses"]
    assert losses[0] > losses[1] > losses[2]
    again = worker.SIDES["plain"](workloads.workload("mlp-tiny"), weights)
    assert worker.answer({"losses": 3}, again)["losses"] == pytest.approx(losses, rel=1e-5)
    answer = worker.answer({"seconds": 0}, again)
    assert len(answer["times"]) == 1 and answer["peak"] > 1e7


@pytest.mark.parametrize("name", workloads.WORKLOADS)
def test_a_workload(name):
    task, usual = workloads.workload(name, n=2), workloads.workload(name)
    x, target = task.batch(np.random.default_rng(0))
    y = task.model(minidl.nn)(minidl.from_numpy(x))
    assert y.shape[: target.ndim] == target.shape and 2 in x.shape
    assert usual.flops == pytest.approx(task.flops * workloads.WORKLOADS[name][0] / 2)


def test_two_processes_take_turns():
    table = steps.run(["mlp-tiny"], harness.SMOKE, ["minidl", "plain"])
    (record,) = table.records
    assert not table.failures and record["batch"] == 4
    assert all(len(times) == 1 for times in record["times"].values())


def test_losses_that_part_are_a_failure():
    with pytest.raises(harness.CheckFailed, match=r"at step 1 the loss of minidl is 0\.5, of torch 0\.6"):
        steps._check("mlp", {"minidl": [1.0, 0.5], "torch": [1.0, 0.6]})


# The report -----------------------------------------------------------------------------------------------------------


def table():
    made = report.Table("kernels", ["operation", "ms"], numbers=1)
    made.add("tanh", "1.5", record={"time": 1.5, "index": np.zeros(3)})
    made.add("layer_norm", "–", record={})
    return made


def test_a_table_reads_as_plain_text_too():
    lines = ["| operation  |  ms |", "| ---------- | --: |", "| tanh       | 1.5 |", "| layer_norm |   – |"]
    assert table().markdown() == "\n".join(lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1230"),
        (2.0, "2"),
        (123.45, "123"),
        (12.345, "12.3"),
        (0.012345, "0.0123"),
        (0.00001234, "0.000012"),
        (0, "0"),
    ],
)
def test_three_digits(value, text):
    assert report.digits(value) == text


def test_results_are_saved_with_the_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    facts = machine.facts(threads=2)
    saved = json.loads(report.save("kernels", facts, [table()]).read_text())
    assert saved["machine"]["threads"] == 2 and saved["kernels"][0] == {"time": 1.5, "index": "array (3,)"}
    assert facts["numpy"] == np.__version__ and np.__version__ in machine.sentence(facts)


def test_tables_in_the_documentation_are_replaced_between_their_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- table: kernels -->\nold\n<!-- end -->\nafter\n<!-- table: steps -->\nkept\n<!-- end -->\n"
    )
    assert report.write_docs(page, "Measured today.", [table()]) == ["kernels"]
    text = page.read_text()
    assert "old" not in text and "kept" in text and text.startswith("before\n") and "\nafter\n" in text
    assert "Measured today.\n\n| operation" in text
    report.write_docs(page, "Measured today.", [table()])
    assert page.read_text() == text


def test_the_documentation_has_a_place_for_every_table():
    text = report.DOCS.read_text()
    assert all(f"<!-- table: {name} -->" in text for name in ("kernels", "overhead", "steps"))


# The machine ----------------------------------------------------------------------------------------------------------


def test_a_limit_is_scaled_to_the_work():
    limit = machine.Limit(lambda: sum(range(1000)), amount=10.0)
    assert limit.side(0.0)() == 0 and limit.rate(seconds=0.01) > 0


def test_memory_is_walked_over_at_the_size_asked_for():
    assert machine.memory(12 * 1000).amount == 12 * 1000  # three arrays, once each
    assert machine.memory(8 * 1000, in_place=True).amount == 12 * 1000  # two arrays, one of them twice
