"""The study's report, from what is finished: an HTML page, and the same as Markdown with linked figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fauxface.files import write_text
from fauxface.study import evidence
from fauxface.study.document import Document
from fauxface.study.front import TITLE, add_front, lead
from fauxface.study.gap import add_gap, add_longer
from fauxface.study.material import Material
from fauxface.study.original import add_original

REPORT, MARKDOWN = "report.html", "report.md"


def write_report(material: Material, machine: Mapping[str, str], command: str) -> Path:
    """Write ``report.html``, ``report.md`` and the figures into a study's folder; the page's path.

    Reported are the wanted rows of the study's cells, and those of other cells with the same data and settings.
    """
    document = Document(TITLE, lead(material))
    add_front(document, material)
    if material.main is not None:
        add_original(document, material)
        add_gap(document, material)
        evidence.add_cost(document, material)
        add_longer(document, material)
        evidence.add_conditions(document, material)
        evidence.add_runs(document, material)
    evidence.add_method(document, material, command)
    evidence.add_drawings(document, material)
    devices = sorted({str(row["device"]) for row in material.results.rows.values() if row.get("device")})
    trained = f"The cells were trained on: {', '.join(devices)}. " if devices else ""
    foot = trained + "This page was made on: " + "; ".join(f"{name} {value}" for name, value in machine.items())
    document.page(foot).save(material.config.out / REPORT)
    write_text(material.config.out / MARKDOWN, document.markdown(foot))
    return material.config.out / REPORT
