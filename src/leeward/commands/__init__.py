"""Commands of the command line, one per file; cli.py only gathers them."""
