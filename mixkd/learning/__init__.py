"""From the windows of a fold to a trained network. Knows no store, no record and no process."""
