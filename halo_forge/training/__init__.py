"""Training a policy on kept completions, through transformers' Trainer.

- `settings`: the hyper-parameters, and the learning rate of a cycle.
- `pairs`, `rows`: right against wrong; one training row, and the collator that makes model inputs of several (loss
  on the completion only).
- `objectives`: what is minimised (raft, raft++, dpo), with formulas and sources.
- `lora`, `weights`: the adapter and its layers; what of a model is trained, saved and read back, and its digest.
- `trainer`, `session`: the Trainer with our loss, counts and checkpoints; one process of a training.
- `workers`: several processes of one machine.
- `loop`: `train`, from checkpoint to the finished folder, with smaller batches where memory runs out.
"""
