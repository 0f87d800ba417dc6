"""vlm sql, whatif and why: what a run's tables say."""

from __future__ import annotations

from halo_forge.cli.words import wants_help


def sql(words: list[str]) -> int:
    """A question about one run or several."""
    from halo_forge.vlm import query

    if wants_help(words):
        from halo_forge.cli import flags

        doc = "A SELECT, a .sql file or a query of sql/ by name, over the tables of runs; RUN alone lists the queries."
        print(flags.usage(query.Config, "halo-forge vlm sql RUN [RUN …] QUESTION", doc))
        print("\nA query's parameters are flags too: halo-forge vlm sql models/vlm_raft pass_rate --min_n 4")
        return 0
    return query.run(query.from_words(words))


def whatif(words: list[str]) -> int:
    """What other reward settings would have kept."""
    from halo_forge.cli import flags
    from halo_forge.vlm import whatif

    if wants_help(words):
        doc = "What other weights, thresholds and filters would have kept of a run's rollouts; no model is touched."
        print(flags.usage(whatif.Config, "halo-forge vlm whatif RUN", doc))
        return 0
    return whatif.run(flags.parse(whatif.Config, named(words, ("run",))))


def why(words: list[str]) -> int:
    """One prompt's story."""
    from halo_forge.cli import flags
    from halo_forge.vlm import why

    if wants_help(words):
        doc = "One prompt's whole story: what was asked, seen and said in each cycle, and what became of it."
        print(flags.usage(why.Config, "halo-forge vlm why RUN PROMPT_ID", doc))
        return 0
    return why.run(flags.parse(why.Config, named(words, ("run", "prompt_id"))))


def named(words: list[str], names: tuple[str, ...]) -> list[str]:
    """The words with the first ones, which stand alone, as flags."""
    count = next(
        (i for i, word in enumerate(words[: len(names)]) if word.startswith("--")), min(len(words), len(names))
    )
    return [part for name, word in zip(names, words[:count], strict=False) for part in (f"--{name}", word)] + words[
        count:
    ]
