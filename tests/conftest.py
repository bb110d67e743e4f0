"""Hypothesis in the course's tests: no deadline, since machines differ, and no chance in CI."""

import os

from hypothesis import settings

settings.register_profile("course", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("course")
