"""A dataset in the forms that trainers, spreadsheets and Label Studio want, and a check for each of them."""

from curator.formats.spreadsheet import safe, write_csv
from curator.formats.writing import FORMATS, Exported, Written, export

__all__ = ["FORMATS", "Exported", "Written", "export", "safe", "write_csv"]
