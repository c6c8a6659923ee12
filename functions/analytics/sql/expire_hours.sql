SELECT analytics.expire_hours(%(before)s, %(most)s)
