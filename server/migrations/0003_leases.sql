-- Who does which piece of work now.
--
-- No truth: what counts is decided by the facts (a render's attempts). All of it may be deleted at any time; then work may be begun twice, and counts once.
-- `token` names one taking of `key`. `until` is by the clock of the database, never by that of whoever asks.
CREATE TABLE IF NOT EXISTS deadwax_leases (
    key text NOT NULL,
    token uuid NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (key)
);
