"""What describes a run: frozen, strictly parsed, with a stable hash. Loads no torch."""
