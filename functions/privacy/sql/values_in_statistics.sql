-- What PostgreSQL keeps of each column beside the table, for types that can name a person: the most
-- common values with the number of rows that have them, and the bounds of the histogram.
SELECT schemaname || '.' || tablename, statistics.attname,
       coalesce(most_common_vals::text::text[], '{}'),
       coalesce(array(SELECT frequency * greatest(class.reltuples, 0)
                        FROM unnest(most_common_freqs) AS frequency), '{}'),
       coalesce(histogram_bounds::text::text[], '{}')
  FROM pg_catalog.pg_stats AS statistics
  JOIN pg_catalog.pg_class AS class
    ON class.oid = format('%%I.%%I', schemaname, tablename)::regclass
  JOIN pg_catalog.pg_attribute AS attribute
    ON attribute.attrelid = class.oid AND attribute.attname = statistics.attname
  JOIN pg_catalog.pg_type AS type ON type.oid = attribute.atttypid
 WHERE schemaname || '.' || tablename = ANY (%(tables)s)
   AND type.typcategory IN ('S', 'U', 'D')
 ORDER BY 1, 2
