INSERT INTO privacy.erasure AS so_far (request_id, relation, action, affected)
VALUES (%(request)s, %(relation)s, %(action)s, %(affected)s)
    ON CONFLICT (request_id, relation, action) DO UPDATE
   SET affected = so_far.affected + excluded.affected
