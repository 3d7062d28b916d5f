"""Trained networks as records: training one, storing, publishing, and sweeps over many."""
