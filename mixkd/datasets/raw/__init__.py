"""Raw files of public data sets: fetching, unpacking, strict reading of text tables, clocks."""
