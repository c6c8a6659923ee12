-- Of which minutes anything was counted and added up; a look into the index for each.
SELECT shown.minute
  FROM unnest(%(minutes)s::timestamptz[]) AS shown (minute)
 WHERE EXISTS (SELECT FROM analytics.title_minute AS total WHERE total.minute = shown.minute)
