"""Recordings of your own: a folder of CSV or Parquet files, read, checked, described and imported."""
