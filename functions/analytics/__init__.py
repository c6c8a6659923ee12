"""Playback events become live analytics."""

import gc

# To load this code makes many objects that stay, and a batch some 60,000 that are in no cycle:
# looking for cycles among them again and again costs a fifth of the CPU.
gc.set_threshold(200_000)
