"""Analyses: arrays and tables in, tables out."""
