SELECT analytics.merge_deltas(%(table)s, %(most)s)
