"""The benchmark folders that these tests share."""

from tests.folders import aspects, paired

__all__ = ["aspects", "paired"]
