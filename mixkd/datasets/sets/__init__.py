"""One module for each public data set."""
