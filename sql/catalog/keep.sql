-- purpose: the rows of a query as a table of the connection
-- parameters: name is a name of ours, statement one SELECT
CREATE TEMP TABLE "{name}" AS
{statement}
