"""Engines: what turns prompts with images into completions.

- `engine`: what every engine takes and gives (`Request`, `Sampling`, `Completion`, `RowError`) and can do (`Engine`).
- `transformers`: batches in this process, on any device that torch has. A batch is sampled with one seed.
- `vllm`: a child process of its own (`vllm_child`, `vllm_setup`); one request with n samples for each prompt, each
  with its seed.
- `openai`: a server that speaks the OpenAI protocol, such as a running `vllm serve`.
- `choose`: which one `--engine auto` means. The engine that sampled belongs to the key of the table.
- `adapters`, `same`: which adapters others take, and whether they make the trainer's token ids of a prompt.
- `process`, `isolated`: child processes, so that accelerator memory is free as soon as a stage is done.
"""
