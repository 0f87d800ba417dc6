-- purpose: the threads a connection may use
-- parameters: threads is a whole number
SET threads = {threads};
