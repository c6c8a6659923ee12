UPDATE analytics.shard_watermark
   SET sequence = %(sequence)s, recent = %(recent)s, updated_at = now()
 WHERE stream = %(stream)s AND shard = %(shard)s;
DELETE FROM analytics.attempt
 WHERE stream = %(stream)s AND shard = %(shard)s AND sequence <= %(sequence)s
