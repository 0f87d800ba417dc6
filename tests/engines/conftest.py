"""Tiny models for the tests here."""

from tests.tiny import llava_folder, llava_next_folder, qwen_folder

__all__ = ["llava_folder", "llava_next_folder", "qwen_folder"]
