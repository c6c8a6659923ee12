-- Returns a row per tombstone that is new.
INSERT INTO privacy.tombstone (mark, epoch)
SELECT mark, %(epoch)s FROM unnest(%(marks)s::bytea[]) AS given (mark)
    ON CONFLICT (mark) DO NOTHING
RETURNING 1
