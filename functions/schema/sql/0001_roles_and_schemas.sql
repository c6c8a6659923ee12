-- Who owns what, who may do what, and the ledger of migrations.
--
-- Two kinds of roles, neither of which can log in. Owners own the objects of one schema; only a
-- migration enters them, by SET LOCAL ROLE. Work roles own nothing and hold exactly their grants;
-- a login (and its twin) is a member of one of them.
-- master is no superuser: since PostgreSQL 16 it may enter a role only when it was granted the
-- role WITH SET, even a role of its own making. It does not inherit: reading a person's row as
-- master takes a deliberate SET ROLE.

DO $roles$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'app_owner', 'catalog_owner', 'analytics_owner', 'privacy_owner', 'ops_owner',
        'app_rw', 'analytics_rw', 'privacy_erase', 'recovery_ro'
    ] LOOP
        -- Roles outlive a database: another one on the same cluster may have brought them.
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
        EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', role_name);
    END LOOP;

    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO app_rw, analytics_rw, privacy_erase, recovery_ro',
        current_database());
    -- The consumer stages its rollups in a temporary table; nobody else needs one.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO analytics_rw', current_database());
END
$roles$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA app AUTHORIZATION app_owner;
CREATE SCHEMA catalog AUTHORIZATION catalog_owner;
CREATE SCHEMA analytics AUTHORIZATION analytics_owner;
CREATE SCHEMA privacy AUTHORIZATION privacy_owner;
CREATE SCHEMA ops AUTHORIZATION ops_owner;

-- A new function is executable by everybody unless its owner says otherwise, once and for all.
SET LOCAL ROLE app_owner;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
COMMENT ON SCHEMA app IS 'The service: accounts and everything that hangs on them. Personal.';

SET LOCAL ROLE catalog_owner;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
COMMENT ON SCHEMA catalog IS 'What can be watched. Public.';

SET LOCAL ROLE analytics_owner;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
COMMENT ON SCHEMA analytics IS 'Counts without persons, and how far each shard was counted.';

SET LOCAL ROLE privacy_owner;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
COMMENT ON SCHEMA privacy IS 'Tombstones of erased persons. Pseudonymous.';

SET LOCAL ROLE ops_owner;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
COMMENT ON SCHEMA ops IS 'What the platform knows about this database itself.';

CREATE TABLE ops.migration (
    version    int PRIMARY KEY CHECK (version > 0),
    name       text NOT NULL UNIQUE,
    sha256     text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ops.migration IS
    'Migrations of this database. Rows are only ever added, by the transaction that migrated.';

CREATE TABLE ops.epoch (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch    int NOT NULL CHECK (epoch > 0)
);
COMMENT ON TABLE ops.epoch IS
    'One row. Differs from the address book''s epoch while a restored copy is not yet released.';
INSERT INTO ops.epoch (epoch) VALUES (1);

RESET ROLE;

-- master keeps the ledger: it may add to it and read it, not rewrite it.
DO $ledger$
DECLARE
    master_name name := session_user;
BEGIN
    SET LOCAL ROLE ops_owner;
    EXECUTE format('GRANT USAGE ON SCHEMA ops TO %I', master_name);
    EXECUTE format('GRANT SELECT, INSERT ON ops.migration TO %I', master_name);
END
$ledger$;

SET LOCAL ROLE ops_owner;
GRANT USAGE ON SCHEMA ops TO analytics_rw;
GRANT SELECT ON ops.epoch TO analytics_rw;
