-- Version 5: a studio that comes from another engine or leaves for one.
--
-- Every statement can be run again, as in version 1.

-- At most one row. While it stands and is not `complete`, no server opens the database. `appends` counts records taken from the journal that is moved here.
CREATE TABLE IF NOT EXISTS deadwax_move (
    id bigint NOT NULL,
    state text NOT NULL,
    move uuid NOT NULL,
    studio text NOT NULL,
    other text NOT NULL,
    appends bigint NOT NULL,
    PRIMARY KEY (id)
);

-- At most one row: what claims are hashed with, where the studio came from a journal, whose claims were hashed so.
CREATE TABLE IF NOT EXISTS deadwax_claim_seed (
    id bigint NOT NULL,
    seed bytea NOT NULL,
    PRIMARY KEY (id)
);
