"""The package list, found in the folders; everything else stands in pyproject.toml.

``kernels/`` is installed as ``minidl.kernels``. pyproject.toml can say so only with a list of every
package by hand, and a list goes stale; these lines find a new folder by themselves.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["minidl", "minidl.*"]),
        *(f"minidl.{name}" for name in find_packages(include=["kernels", "kernels.*"])),
    ],
    package_dir={"minidl.kernels": "kernels"},
)
