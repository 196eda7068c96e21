"""The report: a dataset, and an evaluation where there is one, as one self-contained HTML file."""

from curator.report.page import write_report

__all__ = ["write_report"]
