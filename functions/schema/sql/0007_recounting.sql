-- A restore takes the watermarks of the stream back, and leaves Lambda's place in it as it is. Who
-- counts a batch from there would put a watermark beyond events that nobody has counted in this
-- life. So a life that begins with a restore lets only its replay count, until that has reached the
-- tip of the stream.

SET LOCAL ROLE ops_owner;

ALTER TABLE ops.epoch ADD COLUMN recounting boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ops.epoch.recounting IS
    'Whether this life still counts events that a restore took out of the rollups.';
