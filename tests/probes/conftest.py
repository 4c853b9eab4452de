"""The small project of the plugin's tests, for whole runs with probes."""

from __future__ import annotations

from tests.plugin.conftest import project

__all__ = ["project"]
