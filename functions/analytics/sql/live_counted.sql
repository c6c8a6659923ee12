-- Of which minutes anything was counted: a look into the index for each, and one scan of what is not
-- added up yet.
SELECT shown.minute
  FROM unnest(%(minutes)s::timestamptz[]) AS shown (minute)
 WHERE EXISTS (SELECT FROM analytics.title_minute AS total WHERE total.minute = shown.minute)
 UNION
SELECT minute FROM analytics.title_deltas() WHERE minute = ANY (%(minutes)s::timestamptz[])
