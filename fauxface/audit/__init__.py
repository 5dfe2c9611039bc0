"""An audit of a data set: its content, label errors, and faults of its files, as a page and as JSON."""

from typing import TYPE_CHECKING

from fauxface.audit.config import AuditConfig
from fauxface.lazy import load_on_use

if TYPE_CHECKING:
    from fauxface.audit.records import Audit
    from fauxface.audit.run import audit, run_audit
else:
    __getattr__ = load_on_use(__name__, records="Audit", run="audit run_audit")

__all__ = ["Audit", "AuditConfig", "audit", "run_audit"]
