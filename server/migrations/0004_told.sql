-- Version 4: what was told by mail and by webhook, for whichever server tells next.
--
-- No truth: without it news begin again from now. Every statement can be run again, as in version 1.
-- `name` is which book, `kept` the whole of it in the form of its writer.
CREATE TABLE IF NOT EXISTS deadwax_told (
    name text NOT NULL,
    kept bytea NOT NULL,
    PRIMARY KEY (name)
);
