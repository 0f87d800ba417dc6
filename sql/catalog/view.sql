-- purpose: one table of a run, or of several, by its name
-- parameters: name is a name of ours, rows the statements of catalog/files.sql together
CREATE VIEW "{name}" AS {rows};
