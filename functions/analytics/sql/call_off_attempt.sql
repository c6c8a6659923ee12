-- Two statements, because begun must stay above zero.
DELETE FROM analytics.attempt
 WHERE stream = %(stream)s AND shard = %(shard)s AND sequence = %(sequence)s AND begun = 1;
UPDATE analytics.attempt SET begun = begun - 1
 WHERE stream = %(stream)s AND shard = %(shard)s AND sequence = %(sequence)s AND begun > 1
