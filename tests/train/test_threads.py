"""Threads told to keep out of each other's way."""

from __future__ import annotations

import pytest
import threadpoolctl

from minidl.train import calm_threads
from minidl.train.threads import LIMITS


@pytest.fixture
def limited(monkeypatch):
    """What `calm_threads` says to threadpoolctl, in an environment that says nothing."""
    for name in LIMITS:
        monkeypatch.delenv(name, raising=False)
    said = []
    monkeypatch.setattr(threadpoolctl, "threadpool_limits", lambda *args, **options: said.append((args, options)))
    return said


def test_blas_gets_one_thread(limited):
    calm_threads()
    assert limited == [((1,), {"user_api": "blas"})]


@pytest.mark.parametrize("name", LIMITS)
def test_what_the_environment_says_is_left(name, limited, monkeypatch):
    monkeypatch.setenv(name, "3")
    calm_threads()
    assert limited == []
