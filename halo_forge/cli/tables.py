"""vlm sql, whatif and why: what a run's tables say."""

from __future__ import annotations

from halo_forge.cli.words import configured, wants_help


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
    from halo_forge.vlm.whatif import Config, run

    doc = "What other weights, thresholds and filters would have kept of a run's rollouts; no model is touched."
    return configured(words, Config, run, "whatif RUN", doc, "run")


def why(words: list[str]) -> int:
    """One prompt's story."""
    from halo_forge.vlm.why import Config, run

    doc = "One prompt's whole story: what was asked, seen and said in each cycle, and what became of it."
    return configured(words, Config, run, "why RUN PROMPT_ID", doc, "run", "prompt_id")
