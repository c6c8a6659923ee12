-- The fence, the tombstones behind it, what tax law keeps, and what an eraser may touch.
--
-- An erasure first puts tombstones, alone behind the fence's advisory lock; whoever writes a row
-- about a person shares that lock and looks at the tombstones after it. Who does not look is
-- refused here: no child of a fenced account can be added, whoever asks.

SET LOCAL ROLE privacy_owner;

CREATE TABLE privacy.fence (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch       bigint NOT NULL CHECK (epoch >= 0),
    wrapped_key bytea CHECK (octet_length(wrapped_key) BETWEEN 1 AND 6144),
    CHECK (epoch = 0 OR wrapped_key IS NOT NULL)
);
COMMENT ON TABLE privacy.fence IS
    'One row. The epoch moves with each tombstone, so that a writer asks for new ones only then.';
COMMENT ON COLUMN privacy.fence.wrapped_key IS
    'What tombstones are made with, encrypted by KMS. Whoever cannot ask KMS cannot test a guess.';
INSERT INTO privacy.fence (epoch) VALUES (0);

CREATE TABLE privacy.tombstone (
    mark    bytea PRIMARY KEY CHECK (octet_length(mark) = 16),
    epoch   bigint NOT NULL CHECK (epoch > 0),
    made_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tombstone_epoch_idx ON privacy.tombstone (epoch) INCLUDE (mark);
COMMENT ON TABLE privacy.tombstone IS
    'Accounts, profiles and devices that are never written about again. Pseudonymous.';
COMMENT ON COLUMN privacy.tombstone.mark IS
    'BLAKE2b of the id under the key of the fence: 128 bits, as in the id.';

CREATE TABLE privacy.erasure (
    request_id uuid NOT NULL,
    relation   text NOT NULL,
    action     text NOT NULL CHECK (action IN ('deleted', 'retained', 'analysed')),
    affected   bigint NOT NULL CHECK (affected >= 0),
    begun_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (request_id, relation, action)
);
COMMENT ON TABLE privacy.erasure IS
    'Rows that an erasure has taken away so far, counted by the transaction that took them.';
COMMENT ON COLUMN privacy.erasure.action IS
    'analysed: the planner''s statistics of the table held values of the person.';

CREATE TABLE privacy.retained_invoice (
    retained_id  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    issued_on    date NOT NULL,
    country      char(2) NOT NULL,
    amount_cents bigint NOT NULL,
    vat_cents    bigint NOT NULL,
    currency     char(3) NOT NULL,
    state        text NOT NULL,
    expires_at   date NOT NULL CHECK (expires_at > issued_on)
);
CREATE INDEX retained_invoice_expires_at_idx ON privacy.retained_invoice (expires_at);
COMMENT ON TABLE privacy.retained_invoice IS
    'Invoices of erased accounts, without whose they were; deleted when tax law lets them go.';

GRANT USAGE ON SCHEMA privacy TO analytics_rw, privacy_erase;
GRANT SELECT ON privacy.fence, privacy.tombstone TO analytics_rw;
GRANT SELECT, UPDATE (epoch, wrapped_key) ON privacy.fence TO privacy_erase;
GRANT SELECT, INSERT, DELETE ON privacy.tombstone TO privacy_erase;
GRANT SELECT, INSERT, UPDATE (affected), DELETE ON privacy.erasure TO privacy_erase;
GRANT SELECT, INSERT, DELETE ON privacy.retained_invoice TO privacy_erase;

SET LOCAL ROLE ops_owner;
GRANT USAGE ON SCHEMA ops TO privacy_erase;
GRANT SELECT ON ops.epoch TO privacy_erase;
GRANT SELECT (version) ON ops.migration TO privacy_erase;

SET LOCAL ROLE app_owner;
GRANT USAGE ON SCHEMA app TO privacy_erase;
GRANT SELECT, DELETE ON app.account, app.profile, app.device, app.watch_history, app.rating,
    app.invoice TO privacy_erase;
GRANT UPDATE (state) ON app.account TO privacy_erase;
-- PostgreSQL lets a row be locked by those alone who may change it.
GRANT UPDATE (is_kids) ON app.profile TO privacy_erase;

CREATE INDEX account_fenced_idx ON app.account (account_id) WHERE state = 'fenced';

-- Each of them shares the fence's lock (streamflix.fence.LOCK) before it looks, so that an erasure
-- that has begun meanwhile is seen. The first question is answered by an index that is empty but
-- for the erasures under way.
CREATE FUNCTION app.refuse_for_fenced_account() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(301810467653);
    IF EXISTS (SELECT FROM app.account WHERE state = 'fenced') AND EXISTS (
        SELECT FROM app.account JOIN added USING (account_id) WHERE account.state = 'fenced'
    ) THEN
        RAISE EXCEPTION 'the account is being erased' USING ERRCODE = '23000';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION app.refuse_for_fenced_profile() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(301810467653);
    IF EXISTS (SELECT FROM app.account WHERE state = 'fenced') AND EXISTS (
        SELECT FROM app.account JOIN app.profile USING (account_id) JOIN added USING (profile_id)
         WHERE account.state = 'fenced'
    ) THEN
        RAISE EXCEPTION 'the account is being erased' USING ERRCODE = '23000';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER refuse_for_fenced_account AFTER INSERT ON app.profile
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION app.refuse_for_fenced_account();
CREATE TRIGGER refuse_for_fenced_account AFTER INSERT ON app.device
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION app.refuse_for_fenced_account();
CREATE TRIGGER refuse_for_fenced_account AFTER INSERT ON app.invoice
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION app.refuse_for_fenced_account();
CREATE TRIGGER refuse_for_fenced_profile AFTER INSERT ON app.watch_history
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION app.refuse_for_fenced_profile();
CREATE TRIGGER refuse_for_fenced_profile AFTER INSERT ON app.rating
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION app.refuse_for_fenced_profile();

-- The planner's statistics keep values of rows that are gone until the table is analysed, and only
-- its owner may do that: for anybody else ANALYZE warns, and does nothing. Of a table that is empty
-- ANALYZE leaves them as they are; giving a column the type that it has takes them away.
CREATE FUNCTION app.forget_statistics(relations text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    relation text;
    is_empty boolean;
    own record;
BEGIN
    FOREACH relation IN ARRAY relations LOOP
        IF relation NOT IN
            ('account', 'profile', 'device', 'watch_history', 'rating', 'invoice') THEN
            RAISE EXCEPTION 'no personal table of this schema: %', relation;
        END IF;
        EXECUTE format('ANALYZE app.%I', relation);
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM app.%I)', relation) INTO is_empty;
        CONTINUE WHEN NOT is_empty;
        FOR own IN
            SELECT attname, format_type(atttypid, atttypmod) AS type
              FROM pg_attribute
             WHERE attrelid = format('app.%I', relation)::regclass
               AND attnum > 0 AND NOT attisdropped
        LOOP
            EXECUTE format(
                'ALTER TABLE app.%I ALTER COLUMN %I TYPE %s', relation, own.attname, own.type);
        END LOOP;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION app.forget_statistics(text[]) TO privacy_erase;
