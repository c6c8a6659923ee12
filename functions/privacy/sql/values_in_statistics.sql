-- What PostgreSQL keeps of each column beside the table: its most common values, and the bounds of
-- its histogram.
SELECT schemaname || '.' || tablename, attname::text,
       coalesce(most_common_vals::text::text[], '{}')
           || coalesce(histogram_bounds::text::text[], '{}')
  FROM pg_catalog.pg_stats
 WHERE schemaname || '.' || tablename = ANY (%(tables)s)
 ORDER BY 1, 2
