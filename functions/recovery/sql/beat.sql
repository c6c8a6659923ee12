UPDATE ops.heartbeat SET beat = beat + 1, beaten_at = clock_timestamp()
  FROM ops.epoch
 WHERE epoch.epoch = %(epoch)s
RETURNING beat, extract(epoch FROM beaten_at)::float8
