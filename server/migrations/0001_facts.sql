-- Version 1: facts, what commands made, claims, desks.
--
-- Every statement can be run again: engines that do not roll back a CREATE finish here what was interrupted.
-- Ids are uuid: exactly the sixteen bytes that they have, compared as bytes, readable in any tool. Hashes, keys and payloads are bytea: bytes of no meaning here.

-- One row a stream. Its update is where writers of a stream meet; `changed_at` is how other servers find what is new. `head` is 0 where a command changed desks
-- alone and no fact is there yet.
CREATE TABLE IF NOT EXISTS deadwax_streams (
    stream uuid NOT NULL,
    head bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (stream)
);
CREATE INDEX IF NOT EXISTS deadwax_streams_by_change ON deadwax_streams (changed_at);

-- The primary key is the lock that holds whatever else fails: no seq is ever given twice.
-- `salted` is sixteen random bytes and the payload; `sha256` is over both and stays when they are erased (NULL), so that a short text cannot be guessed from it.
CREATE TABLE IF NOT EXISTS deadwax_entries (
    stream uuid NOT NULL,
    seq bigint NOT NULL,
    sha256 bytea NOT NULL,
    salted bytea,
    PRIMARY KEY (stream, seq)
);

-- What a command made: a retry is answered from here (L-3).
CREATE TABLE IF NOT EXISTS deadwax_commands (
    id uuid NOT NULL,
    request_sha256 bytea NOT NULL,
    stream uuid NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    PRIMARY KEY (id)
);

-- SHA-256 of what was claimed, for ever.
CREATE TABLE IF NOT EXISTS deadwax_claims (
    claim bytea NOT NULL,
    command uuid NOT NULL,
    PRIMARY KEY (claim)
);

CREATE TABLE IF NOT EXISTS deadwax_desk (
    owner uuid NOT NULL,
    key bytea NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (owner, key)
);
