"""How hypothesis looks at planted defects: always at the same examples, and content with the first that fails."""

from __future__ import annotations

from hypothesis import Phase, settings

settings.register_profile("planted", derandomize=True, database=None, phases=(Phase.explicit, Phase.generate))
