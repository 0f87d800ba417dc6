-- purpose: a catalogue file that DuckDB from 1.2 on can open
-- parameters: path is a quoted path
ATTACH {path} AS catalogue (STORAGE_VERSION 'v1.2.0');
