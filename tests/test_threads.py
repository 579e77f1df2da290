"""How many threads there are, who says so, and what a forked child does without them."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

import minidl
from minidl.errors import ArgumentError
from minidl.kernels.cpu import threads


@pytest.fixture
def fresh(monkeypatch):
    """As in a new process, with an environment that says nothing, on four cores."""
    monkeypatch.setattr(threads, "_state", {"allowed": None, "awake": False, "orphan": False})
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "cores", lambda: 4)
    monkeypatch.setattr(threads, "quota", lambda: None)
    return monkeypatch


def test_all_cores_by_default(fresh):
    assert minidl.get_num_threads() == 4


@pytest.mark.parametrize("text, expected", [("1", 1), ("3,2", 3), ("9", 4), ("", 4), ("many", 4), ("0", 4)])
def test_openmp_is_asked(fresh, text, expected):
    fresh.setenv("OMP_NUM_THREADS", text)
    assert minidl.get_num_threads() == expected


def test_numba_has_the_last_word(fresh):
    fresh.setenv("OMP_NUM_THREADS", "1")
    fresh.setenv("NUMBA_NUM_THREADS", "2")
    assert minidl.get_num_threads() == 2


def test_a_container_gives_a_share(fresh):
    fresh.setattr(threads, "quota", lambda: 2)
    assert minidl.get_num_threads() == 2


@pytest.mark.parametrize(
    "files, expected",
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}, None),
        ({}, None),
    ],
)
def test_the_quota_of_a_control_group(monkeypatch, tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(threads, "_groups", lambda: [tmp_path / "absent", tmp_path])
    assert threads.quota() == expected


def test_what_is_set_is_got(fresh):
    said = []
    fresh.setattr("threadpoolctl.threadpool_limits", lambda *args, **options: said.append((args, options)))
    minidl.set_num_threads(3)
    assert minidl.get_num_threads() == 3
    minidl.set_num_threads(64)
    assert minidl.get_num_threads() == 4
    assert said == [((3,), {"user_api": "blas"}), ((4,), {"user_api": "blas"})]


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_what_is_no_number_of_threads(count):
    with pytest.raises(ArgumentError, match="set_num_threads"):
        minidl.set_num_threads(count)


def large_tanh():
    x = minidl.tensor(np.linspace(-1, 1, 1 << 19, dtype=np.float32))
    return x.tanh().data


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_computes_alone():
    pytest.importorskip("numba")
    expected = large_tanh()
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(large_tanh(), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_several_python_threads_at_once():
    expected, found = large_tanh(), []
    callers = [threading.Thread(target=lambda: found.append(large_tanh())) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(found) == 4 and all(np.array_equal(y, expected) for y in found)
