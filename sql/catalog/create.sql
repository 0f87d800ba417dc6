-- purpose: a catalogue file that DuckDB from 1.2 on can open; views and macros made from here on are in it
-- parameters: path is a quoted path
ATTACH {path} AS catalogue (STORAGE_VERSION 'v1.2.0');
USE catalogue;
