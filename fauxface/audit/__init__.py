"""An audit of a data set: its content, label errors, and faults of its files, as a page and as JSON."""

from fauxface.audit.records import Audit
from fauxface.audit.run import audit

__all__ = ["Audit", "audit"]
