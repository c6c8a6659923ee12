SELECT extract(epoch FROM beaten_at)::float8 FROM ops.heartbeat
