SELECT analytics.fold_minutes(%(before)s, %(most)s)
