-- A session outlives the right to log in.
SELECT pg_terminate_backend(pid)
  FROM pg_catalog.pg_stat_activity
 WHERE usename <> session_user AND usename !~ '^(rds|pg_)' AND pid <> pg_backend_pid()
