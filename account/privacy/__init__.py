"""A privacy officer's door: ask for an erasure, follow it, keep and check its receipt."""
