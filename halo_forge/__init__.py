"""halo-forge: RAFT for vision-language models as a batch data engine of versioned Parquet tables."""

__version__ = "0.1.0"
