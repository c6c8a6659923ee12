-- A timed-out invocation may still be running: whoever comes second waits here.
SELECT sequence, recent
  FROM analytics.shard_watermark
 WHERE stream = %(stream)s AND shard = %(shard)s
   FOR UPDATE
