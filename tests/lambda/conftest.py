"""Hypothesis' profile for planted defects: always the same examples, and no shrinking after the first failure."""

from __future__ import annotations

from hypothesis import Phase, settings

settings.register_profile("planted", derandomize=True, database=None, phases=(Phase.explicit, Phase.generate))
