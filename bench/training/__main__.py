"""Train the small model, evaluate it, and write its folder: `make train`."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import torch

from bench.training import evaluation, model_card
from bench.training.dataset import FASTEST, Example, training_set
from bench.training.export import export, write_delay
from bench.training.features import FRAME_S
from bench.training.loss import has_path
from bench.training.model import STEP_FRAMES, Shape
from bench.training.tokenizer import Tokenizer
from bench.training.train import Plan, train

FOLDER = Path(__file__).parents[2] / "rasr" / "data" / "models" / "tiny-zh-en"
EVALUATION_SEED = 7


def main() -> None:
    """Run the steps that the command line asks for."""
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m bench.training", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the model is written")
    parser.add_argument("--sentences", type=int, default=24_000, help="sentences of training")
    parser.add_argument("--passes", type=int, default=usual.passes)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--held-out", type=int, default=600, help="sentences of the evaluation")
    parser.add_argument(
        "--evaluate-only", action="store_true", help="only measure what is in the folder"
    )
    arguments = parser.parse_args()
    facts = None if arguments.evaluate_only else _train(arguments)
    print("characters wrong, held-out sentences, held-out voices:", flush=True)
    findings = evaluation.evaluate(arguments.folder, arguments.held_out, EVALUATION_SEED)
    print(f"timestamps after the start of a word: {findings.delay}", flush=True)
    write_delay(arguments.folder, round(findings.delay.median_ms))
    if facts is not None:
        model_card.write(arguments.folder, facts, findings)
        print(f"written: {arguments.folder}")


def _train(arguments: argparse.Namespace) -> model_card.Facts:
    torch.set_num_threads(arguments.threads)
    began = time.monotonic()
    print(f"saying {arguments.sentences:,} sentences", flush=True)
    made = training_set(arguments.sentences, arguments.seed, arguments.threads)
    examples = [example for example in made if _fits(example)]
    hours = sum(len(example.features) for example in examples) * FRAME_S / 3600
    print(f"{len(examples):,} utterances, {hours:.1f} hours", flush=True)
    tokenizer = Tokenizer()
    plan = Plan(passes=arguments.passes, seed=arguments.seed)
    model = train(examples, Shape(len(tokenizer.tokens)), plan)
    export(model, arguments.folder)
    tokenizer.write(arguments.folder)
    return model_card.Facts(
        parameters=model.exported_size(),
        tokens=len(tokenizer.tokens),
        words=len(tokenizer.words),
        hours=hours,
        utterances=len(examples),
        sentences=arguments.sentences,
        minutes=(time.monotonic() - began) / 60,
        threads=arguments.threads,
        passes=plan.passes,
        seed=plan.seed,
    )


def _fits(example: Example) -> bool:
    """Whether every token has a step of its own, said as fast as training ever plays it."""
    steps = int(len(example.features) * FASTEST) // STEP_FRAMES - 1
    return has_path([end * FASTEST for end in example.ends_s], steps)


if __name__ == "__main__":
    main()
