"""Threads told to keep out of each other's way."""

from __future__ import annotations

import os

import pytest
import threadpoolctl

from minidl.train import calm_threads
from minidl.train.threads import LIMITS


@pytest.fixture
def limited(monkeypatch):
    """What `calm_threads` says to threadpoolctl, in an environment that says nothing."""
    for name in (*LIMITS, "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that monkeypatch puts back what calm_threads sets
        monkeypatch.delenv(name)
    said = []
    monkeypatch.setattr(threadpoolctl, "threadpool_limits", lambda *args, **options: said.append((args, options)))
    return said


def test_blas_gets_one_thread_and_idle_threads_sleep(limited):
    calm_threads()
    assert limited == [((1,), {"user_api": "blas"})]
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


@pytest.mark.parametrize("name", LIMITS)
def test_what_the_environment_says_is_left(name, limited, monkeypatch):
    monkeypatch.setenv(name, "3")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    calm_threads()
    assert limited == []
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
