-- Columns whose values PostgreSQL keeps beside the table, of types that can name a person.
SELECT schemaname || '.' || tablename, statistics.attname
  FROM pg_catalog.pg_stats AS statistics
  JOIN pg_catalog.pg_attribute AS attribute
    ON attribute.attrelid = format('%%I.%%I', schemaname, tablename)::regclass
   AND attribute.attname = statistics.attname
  JOIN pg_catalog.pg_type AS type ON type.oid = attribute.atttypid
 WHERE schemaname || '.' || tablename = ANY (%(tables)s)
   AND type.typcategory IN ('S', 'U', 'D')
