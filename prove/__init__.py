"""`make prove ROOM=…`: the full matrices at real times, written down in docs/proof."""
