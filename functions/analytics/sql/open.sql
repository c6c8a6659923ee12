-- First of every transaction: the fence, as a statement of its own, so that what follows sees every
-- tombstone that an eraser committed, and the epoch that a cutover did, before it got the lock.
SELECT pg_advisory_xact_lock_shared(%(fence)s);
SELECT epoch FROM ops.epoch
