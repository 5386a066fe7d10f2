"""Models written for other programs to run, without Cornu."""

from cornu.export.archive import ExportArchive
from cornu.export.formats import FORMATS, export_model

__all__ = ["FORMATS", "ExportArchive", "export_model"]
