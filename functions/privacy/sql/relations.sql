-- Everything in this database that can hold a row, except PostgreSQL's own and temporary tables,
-- with its columns.
SELECT namespace.nspname || '.' || class.relname,
       CASE WHEN class.relispartition THEN 'partition' ELSE class.relkind::text END,
       array(SELECT attribute.attname::text
               FROM pg_catalog.pg_attribute AS attribute
              WHERE attribute.attrelid = class.oid AND attribute.attnum > 0
                AND NOT attribute.attisdropped)
  FROM pg_catalog.pg_class AS class
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
   AND namespace.nspname !~ '^pg_(toast_)?temp_'
