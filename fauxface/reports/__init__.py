"""The HTML page that demo, audit, evaluate and study share: one file, nothing fetched from anywhere."""

from fauxface.reports.page import Page

__all__ = ["Page"]
