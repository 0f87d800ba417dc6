"""Training a policy on kept completions: LoRA adapters through transformers' Trainer.

- `settings`: the hyper-parameters, and the learning rate of a cycle.
- `rows`: one training row, and the collator that makes model inputs of several (loss on the completion only).
- `lora`: the adapter on the language layers, and the digest of its weights.
- `loop`: the Trainer with checkpoints, its log, and `train`, which ends in an adapter folder.
"""
