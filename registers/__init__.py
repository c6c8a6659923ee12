"""What the templates say, written down for people: waivers, replacement risks, counts, diagrams.

`make docs` writes the documents, `make scan` runs the scanners; contract tests hold both to the
templates.
"""
