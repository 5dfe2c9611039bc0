"""The HTML page that demo, audit, evaluate and study share: one file without outside resources."""

from fauxface.reports.heat_map import Field, HeatMap
from fauxface.reports.page import Page
from fauxface.reports.sheet import sheet

__all__ = ["Field", "HeatMap", "Page", "sheet"]
