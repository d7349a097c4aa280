"""The tables of papers.db, the record of truth of a room's papers."""

VERSION = 1

# papers       record: JSON of Paper.record(); shown: the day it is sorted by, never in the future;
#              stored: when it first came; indexed: whether the indexes hold this state
# revisions    former states of papers whose title or abstract changed since
# additions    what sources said apart from the papers, whether these are here or still to come
# merge_keys   hashes of what two versions of one work have in common
# works        only papers whose work has another paper's id
TABLES = """
CREATE TABLE keep (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE papers (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL,
    shown TEXT NOT NULL, stored REAL NOT NULL, changed REAL NOT NULL,
    withdrawn INTEGER NOT NULL DEFAULT 0, indexed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX papers_shown ON papers (shown, number) WHERE withdrawn = 0;
CREATE INDEX papers_stored ON papers (stored);
CREATE INDEX papers_waiting ON papers (number) WHERE indexed = 0;
CREATE TABLE revisions (
    paper INTEGER NOT NULL, stored REAL NOT NULL, record TEXT NOT NULL);
CREATE INDEX revisions_of ON revisions (paper, stored);
CREATE TABLE additions (id TEXT PRIMARY KEY, fields TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE merge_keys (
    key INTEGER NOT NULL, paper INTEGER NOT NULL, PRIMARY KEY (key, paper)) WITHOUT ROWID;
CREATE INDEX merge_keys_of ON merge_keys (paper);
CREATE TABLE decisions (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kept TEXT NOT NULL,
    joined TEXT NOT NULL, record TEXT NOT NULL);
CREATE INDEX decisions_kept ON decisions (kept);
CREATE INDEX decisions_joined ON decisions (joined);
CREATE TABLE works (paper TEXT PRIMARY KEY, work TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX works_of ON works (work);
CREATE TABLE rejects (
    at REAL NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL, raw TEXT NOT NULL);
"""
