"""How good a set of triplets is before anybody trains on it."""

from heedful.synthesize.audit.page import to_page
from heedful.synthesize.audit.probes import Probe
from heedful.synthesize.audit.run import BOUND, SAMPLE, Audit, audit

__all__ = ["BOUND", "SAMPLE", "Audit", "Probe", "audit", "to_page"]
