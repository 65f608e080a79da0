-- The results of `why403 batch`: one SQLite file, to be opened with any tool, such as Datasette.
-- Nothing in it is a secret: tokens and the like are shortened as in a report.
-- All texts are made plain: one line, nothing invisible, at most 2,000 characters.

-- One row for each time that the command was run on this file.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  started TEXT NOT NULL,    -- UTC, ISO 8601
  finished TEXT,            -- NULL while it runs, and where it was interrupted
  version TEXT NOT NULL,    -- of why403
  told TEXT NOT NULL,       -- what was told about the tokens, in words
  paths TEXT NOT NULL       -- the PATHs of the command, as a JSON list
);

-- One row for each place that a capture was found at: a file, a URL, a member of a zip archive.
-- A run of the same command overwrites the row of a place and never adds a second one.
CREATE TABLE captures (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,  -- the file; a member of an archive is archive.zip/name
  folder TEXT NOT NULL,       -- the folder or archive that it lies in
  run INTEGER NOT NULL REFERENCES runs (id),  -- the newest run that met it
  state TEXT NOT NULL CHECK (state IN ('judged', 'failed')),
  reason TEXT,                -- why it failed; NULL where it was judged
  bytes INTEGER,
  sha256 TEXT,                -- of its content; NULL where it could not be read
  judged_with TEXT,           -- a checksum of the program's version and of what was told
  exporter TEXT,              -- the program that wrote it
  exchanges INTEGER,          -- requests in it
  provider_requests INTEGER,  -- those to a map provider
  refused INTEGER,            -- those of them that were refused: one row each in `verdicts`
  explained INTEGER,          -- refusals with another cause than `unexplained`
  unreadable INTEGER          -- entries that were skipped because they cannot be read
);
CREATE INDEX captures_by_content ON captures (bytes, sha256);
CREATE INDEX captures_by_run ON captures (run);

-- One row for each refused request.
CREATE TABLE verdicts (
  id INTEGER PRIMARY KEY,
  capture INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
  member TEXT NOT NULL,    -- the file within the capture's file, '' where it is the only one
  entry INTEGER NOT NULL,  -- position in the capture, from 0
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  status INTEGER NOT NULL,
  provider TEXT NOT NULL,
  page TEXT,               -- URL of the page that issued it, NULL where none is known
  referer TEXT,            -- as sent, NULL where there was none
  cause TEXT NOT NULL,     -- `why403 explain CAUSE` says more
  confidence TEXT NOT NULL,  -- certain, likely or possible
  because TEXT NOT NULL,   -- the cause in a sentence
  stage TEXT,              -- the first stage of the request's journey that does not hold
  browser TEXT NOT NULL,   -- the browser or program that sent it
  browser_version TEXT NOT NULL,  -- '' where it is not known
  fix TEXT,                -- the best fix, in a sentence
  predicted TEXT           -- what it would change: allowed, refused or unknown
);
CREATE INDEX verdicts_by_capture ON verdicts (capture);
CREATE INDEX verdicts_by_cause ON verdicts (cause);

-- One row for each thing that is wrong in a capture and refused nothing.
CREATE TABLE findings (
  id INTEGER PRIMARY KEY,
  capture INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
  finding TEXT NOT NULL,
  severity TEXT NOT NULL,  -- error, warning or info
  says TEXT NOT NULL,
  found_at TEXT NOT NULL   -- the place in the capture
);
CREATE INDEX findings_by_capture ON findings (capture);

-- What lay among the captures and was left out: other files, hidden ones, pipes, circles of links.
CREATE TABLE skipped (
  path TEXT PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (id),
  reason TEXT NOT NULL
);

-- The views are about the newest run; captures of earlier runs stay in the tables.
CREATE VIEW newest AS
  SELECT * FROM captures WHERE run = (SELECT max(id) FROM runs);

CREATE VIEW refusals AS
  SELECT newest.path, newest.folder, verdicts.*
  FROM newest JOIN verdicts ON verdicts.capture = newest.id;

CREATE VIEW totals_by_cause AS
  SELECT cause, count(*) AS requests, count(DISTINCT capture) AS captures
  FROM refusals GROUP BY cause ORDER BY requests DESC, cause;

CREATE VIEW totals_by_provider AS
  SELECT provider, count(*) AS requests, count(DISTINCT capture) AS captures
  FROM refusals GROUP BY provider ORDER BY requests DESC, provider;

CREATE VIEW totals_by_browser AS
  SELECT trim(browser || ' ' || browser_version) AS browser,
         count(*) AS requests, count(DISTINCT capture) AS captures
  FROM refusals GROUP BY 1 ORDER BY requests DESC, 1;

CREATE VIEW totals_by_folder AS
  SELECT folder, coalesce(sum(refused), 0) AS requests, count(*) AS captures,
         sum(coalesce(refused, 0) > 0) AS with_refusals, sum(state = 'failed') AS failed
  FROM newest GROUP BY folder ORDER BY requests DESC, folder;
