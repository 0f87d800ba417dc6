-- purpose: the memory a connection may take before it spills to disk
-- parameters: memory is a quoted size
SET memory_limit = {memory};
