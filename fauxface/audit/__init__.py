"""A look at a data set: what is in it, whether its labels hold, and what is wrong with its files."""

from fauxface.audit.records import Audit
from fauxface.audit.run import audit

__all__ = ["Audit", "audit"]
