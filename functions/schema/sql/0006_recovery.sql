-- The heartbeat: a row that is written every second, so that a restored copy tells how much it lost
-- and a failover tells whether it lost anything.
--
-- It counts. Whoever was told "beat 41" and is then told "beat 40" knows of a commit that was
-- acknowledged and is gone.

SET LOCAL ROLE ops_owner;

CREATE TABLE ops.heartbeat (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    beat      bigint NOT NULL CHECK (beat >= 0),
    beaten_at timestamptz NOT NULL
) WITH (fillfactor = 10); -- one row, rewritten in its own page
COMMENT ON TABLE ops.heartbeat IS
    'One row. The write probe adds one each second; the age of beaten_at in a copy is what it lost.';
INSERT INTO ops.heartbeat (beat, beaten_at) VALUES (0, now());

GRANT USAGE ON SCHEMA ops TO recovery_ro;
GRANT SELECT ON ops.epoch TO recovery_ro;
GRANT SELECT, UPDATE (beat, beaten_at) ON ops.heartbeat TO recovery_ro;
