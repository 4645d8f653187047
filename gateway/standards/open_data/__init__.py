"""The whole catalogue as open data: lines of JSON, a workbook, and linked data (CPSV-AP)."""
