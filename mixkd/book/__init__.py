"""The book: parameters and execution of notebooks, and the rendered pages."""
