UPDATE analytics.shard_watermark
   SET sequence = %(sequence)s, recent = %(recent)s, updated_at = now(),
       arrived_at = to_timestamp(%(arrival)s)
 WHERE stream = %(stream)s AND shard = %(shard)s;
DELETE FROM analytics.attempt
 WHERE stream = %(stream)s AND shard = %(shard)s AND sequence <= %(sequence)s
