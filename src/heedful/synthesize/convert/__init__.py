"""Triplets in the formats of other tools, both ways."""

from heedful.synthesize.convert.files import Report, convert, format_of, read_set
from heedful.synthesize.convert.formats import NAMES

__all__ = ["NAMES", "Report", "convert", "format_of", "read_set"]
