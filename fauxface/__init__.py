"""Fauxface: synthetic faces, landmark detectors trained on them alone, and honest tests on real photographs."""

from importlib.metadata import version

__version__ = version("fauxface")
