"""Every module of the package and every library that it imports late, loaded now.

pytester forgets what an inner run was the first to import. A library that is then imported again has other
classes than those that our modules hold on to (and numpy refuses), so tests would depend on their order.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest_mllm_judge

LATE = (
    "jinja2.sandbox",
    "PIL.Image",
    "PIL.ImageOps",
    "scipy.special",
    "scipy.stats",
    "vcr",
    "openai",
    "httpcore2",
    "h11",
    "anyio",
    "anyio._backends._asyncio",
    "anyio.streams.tls",
    "filelock",
)

for found in pkgutil.walk_packages(pytest_mllm_judge.__path__, "pytest_mllm_judge."):
    if not found.name.endswith("__main__"):
        import_module(found.name)
for name in LATE:
    import_module(name)
