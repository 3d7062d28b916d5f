"""A student to take away: distilled, exported, and used on new recordings."""
