"""The networks that come with the package, a folder each, as `dfrec ship` writes them; runs/shipped.py reads them."""
