-- Version 2: what servers over one database tell each other beside the facts.
--
-- Every statement can be run again, as in version 1.

-- One row: what challenges are sealed with, so that the answer to one may go to any server.
CREATE TABLE IF NOT EXISTS deadwax_seal (
    id bigint NOT NULL,
    seal bytea NOT NULL,
    PRIMARY KEY (id)
);

-- When a session was last used, by the clock of the server that was called: sessions that nobody uses end, and the others must not end where nobody called.
CREATE TABLE IF NOT EXISTS deadwax_used (
    session uuid NOT NULL,
    used_ms bigint NOT NULL,
    PRIMARY KEY (session)
);

-- Who is here, one row a server, forgotten seconds after the server is gone. Not logged: it is in no copy of the log, and a standby does not have it.
CREATE UNLOGGED TABLE IF NOT EXISTS deadwax_here (
    server uuid NOT NULL,
    version bigint NOT NULL,
    seats bytea NOT NULL,
    told_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (server)
);
