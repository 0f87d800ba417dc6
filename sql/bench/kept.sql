-- purpose: how many rows a filter keeps
-- tables: decided (the filter's result)
-- grain: one row
-- columns: kept BIGINT
SELECT count(*) FILTER (keep)::BIGINT AS kept FROM decided ORDER BY kept
