-- First statement of every transaction: the fence, as a statement of its own, so that what follows
-- sees every tombstone that an eraser committed before it got the lock.
SELECT pg_advisory_xact_lock_shared(%(fence)s), epoch FROM ops.epoch
