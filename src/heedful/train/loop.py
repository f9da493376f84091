"""The loop: rows in, a model folder out; a run that was interrupted goes on exactly where it was."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heedful.errors import BadInput, HeedfulError, Missing, StorageFailed, Upstream, first_line
from heedful.train.columns import Columns, GroupedBatches, make_columns
from heedful.train.data import TrainingSet, read_training_set
from heedful.train.folder import BEFORE, CHECKPOINTS, open_run, versions, write_json
from heedful.train.recipe import Recipe
from heedful.train.texts import look_at_texts

if TYPE_CHECKING:
    from heedful.train.dev import FollowingEvaluator

Tell = Callable[[int, int, dict[str, Any]], None]
_LOOKS = 10  # at the dev measure, where the recipe does not say
_STEPS = "the steps"
_log = logging.getLogger("heedful.train")


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run came to. manifest: what training.json says. unchanged: it was finished before."""

    folder: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    unchanged: bool = False


def train(
    recipe: Recipe, data: Path | str, out: Path | str, dev: Sequence[Path] = (), tell: Tell | None = None
) -> Trained:
    """Train as the recipe says, and leave in `out` a folder that SentenceTransformer loads.

    The same call goes on after an interruption, from the last whole checkpoint, to the very same weights; a finished
    run is left as it is. dev: benchmark folders by which the best step is chosen (the sample's where none is named).
    tell: hears of (step, steps in all, figures). Raises BadInput and Missing for what cannot be trained on, Mismatch
    where `out` holds another run, Diverged, StorageFailed, and Upstream where memory ends.
    """
    _needed()
    out = Path(out)
    found = read_training_set(data)
    identity = {"recipe": recipe.digest(), "data": found.digest, "dev": sorted(str(path.resolve()) for path in dev)}
    begun = open_run(out, identity, recipe)
    if begun.get("complete"):
        return Trained(out, begun, unchanged=True)
    from heedful.train.dev import FollowingEvaluator, read_dev_sets

    evaluator = FollowingEvaluator(read_dev_sets(dev), recipe.query_template, recipe.following)
    columns = make_columns(
        found.examples,
        template=recipe.query_template,
        hard=recipe.hard if "P" in recipe.objective.views else 0,
        altered=recipe.altered if "I" in recipe.objective.views else 0,
        poisoned=recipe.poisoned,
        seed=recipe.seed,
    )
    return _Run(recipe, found, out, identity, columns, evaluator, tell).go()


@dataclass
class _Run:
    """One run, from a model that is built to a folder that is written."""

    recipe: Recipe
    found: TrainingSet
    out: Path
    identity: dict[str, Any]
    columns: Columns
    evaluator: FollowingEvaluator
    tell: Tell | None
    trainer: Any = None
    doing: str = ""

    def go(self) -> Trained:
        """Raises Upstream where memory or another process ends, StorageFailed where a file does."""
        try:
            return self._through()
        except HeedfulError:
            raise
        except (MemoryError, RuntimeError, OSError) as error:
            told = self._told(error)
            if told is None:
                raise
            raise told from error

    def _told(self, error: Exception) -> HeedfulError | None:
        """What ended the run, in words; None for what nobody foresaw."""
        from heedful.encode.pretrained import out_of_memory
        from heedful.train.processes import lost_process
        from heedful.train.trainer import last_good

        training = self.doing == _STEPS
        where = f"step {self.trainer.state.global_step + 1}" if training else self.doing
        last = last_good(self.out / CHECKPOINTS)
        if out_of_memory(error) and training:
            return Upstream(
                f"{where}: found no memory for {self.recipe.batch} rows of up to {self.recipe.max_length} tokens; set "
                "mini_batch (GradCache: the same result) or gradient_checkpointing, or lower max_length or batch; "
                f"{last}"
            )
        if out_of_memory(error):
            return Upstream(
                f"{where}: found no memory ({first_line(error)}); expected more, or a smaller model; {last}"
            )
        if lost_process(error):
            return Upstream(
                f"{where}: found that another process of this run has ended; its own message, or the launcher's "
                f"summary, says why; {last}. Run the same command again to go on"
            )
        if isinstance(error, OSError):
            return StorageFailed(f"{where}: found {first_line(error)}; {last}")
        return None

    def _through(self) -> Trained:
        import torch
        import transformers

        from heedful.train.dev import joint
        from heedful.train.model import build_model, count_parameters, merge_adapters
        from heedful.train.output import write_adapter, write_model
        from heedful.train.trainer import clear_staging, last_checkpoint

        if not sys.stderr.isatty():
            transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        started = time.monotonic()
        self.doing = f"the model {self.recipe.model}"
        checkpoints = self.out / CHECKPOINTS
        main = int(os.environ.get("RANK", "0")) == 0
        transformers.set_seed(self.recipe.seed)  # adapters begin at random
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
        model = build_model(self.recipe, device)
        cut: dict[str, float] = {}
        if main:
            cut = look_at_texts(model.tokenizer, self.columns, self.recipe).cut
            clear_staging(checkpoints)
        self.trainer = trainer = self._trainer(model, checkpoints)
        resumed = last_checkpoint(checkpoints)
        self.doing = "the dev measure of the model before"
        before = self._before(model, main)
        self.doing = _STEPS
        if not (resumed and trainer.finish(resumed)):
            trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
        trainer.accelerator.wait_for_everyone()
        self.doing = "the model that was trained"
        if not main:
            return Trained(self.out)
        if self.recipe.lora_rank:
            write_adapter(model, self.out, self.recipe)
        trainable, parameters = count_parameters(model)
        if self.recipe.lora_rank:
            merge_adapters(model)
        after = self.evaluator.measured(model)
        was, now = (joint(looked, self.recipe.following) for looked in (before, after))
        if now <= was:
            _log.warning("no step is better than the model before: the dev measure was %.2f and is %.2f", was, now)
        manifest = {
            "identity": self.identity,
            "recipe": asdict(self.recipe),
            "data": {
                "files": [path.name for path in self.found.files],
                "sha256": self.found.digest,
                "kinds": list(self.found.kinds),
                "examples": len(self.found.examples),
                "rows": len(self.columns.ids),
                "cut": cut,
            },
            "versions": versions(),
            "processes": int(os.environ.get("WORLD_SIZE", "1")),
            "device": str(model.device),
            "parameters": {"all": parameters, "trained": trainable},
            "steps": trainer.state.global_step,
            "best_step": trainer.state.best_global_step or trainer.state.global_step,
            "history": trainer.state.log_history,
            "dev": {"before": before, "after": after, "joint": {"before": was, "after": now}},
            "seconds": round(time.monotonic() - started, 1),
            "resumed_at": int(resumed.name.rpartition("-")[2]) if resumed else 0,
            "complete": True,
        }
        write_model(model, self.out, manifest, self.recipe)
        shutil.rmtree(checkpoints, ignore_errors=True)
        with suppress(OSError):  # the run is complete without it
            (self.out / BEFORE).unlink()
        return Trained(self.out, manifest)

    def _trainer(self, model: Any, checkpoints: Path) -> Any:
        import torch
        from sentence_transformers import SentenceTransformerTrainingArguments
        from transformers import EarlyStoppingCallback, PrinterCallback, ProgressCallback

        from heedful.train.objective import FollowingLoss
        from heedful.train.trainer import Bar, Telling, Trainer

        recipe, processes = self.recipe, int(os.environ.get("WORLD_SIZE", "1"))
        if recipe.batch % processes or recipe.batch // processes < 1:
            raise BadInput(f"found batch={recipe.batch} for {processes} processes; expected a multiple of {processes}")
        share = recipe.batch // processes
        rows = len(self.columns.ids)
        if processes > 1 and rows < recipe.batch:
            raise BadInput(
                f"found {rows} rows for batches of {recipe.batch}; expected a batch for {processes} processes"
            )
        steps = max(1, rows // recipe.batch)
        total = recipe.max_steps or math.ceil(recipe.epochs * steps)
        every = min(recipe.eval_every or max(1, total // _LOOKS), total)
        views = recipe.objective.views
        loss = FollowingLoss(
            model,
            recipe.objective,
            recipe.temperature,
            hard=self.columns.hard,
            altered=self.columns.altered,
            gather=recipe.gather and processes > 1,
            mini_batch=recipe.mini_batch,
        )
        cuda = torch.cuda.is_available()
        checkpointing: dict[str, Any] = {"gradient_checkpointing": True} if recipe.gradient_checkpointing else {}
        arguments = SentenceTransformerTrainingArguments(
            output_dir=str(checkpoints),
            num_train_epochs=recipe.epochs,
            max_steps=recipe.max_steps or -1,
            per_device_train_batch_size=share,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type=recipe.schedule,
            warmup_steps=round(recipe.warmup * total),
            weight_decay=recipe.weight_decay,
            bf16=recipe.bf16,
            seed=recipe.seed,
            data_seed=recipe.seed,
            eval_strategy="steps",
            eval_steps=every,
            save_strategy="steps",
            save_steps=every,
            save_total_limit=recipe.keep,
            load_best_model_at_end=True,
            metric_for_best_model="eval_joint",
            greater_is_better=True,
            logging_steps=min(10, every),
            logging_nan_inf_filter=False,
            restore_callback_states_from_checkpoint=True,
            report_to="none",
            disable_tqdm=not sys.stderr.isatty(),
            use_cpu=not cuda,
            ddp_backend="gloo" if processes > 1 and not cuda else None,
            ddp_find_unused_parameters=False,
            dataloader_drop_last=processes > 1,  # as every process drops it anyway, and says so
            dataloader_pin_memory=cuda,
            prompts=self._prompts(),
            **checkpointing,
        )
        arguments._n_gpu = min(arguments.n_gpu, 1)  # one process, one GPU: else a step would be `batch` rows for each
        callbacks = [EarlyStoppingCallback(recipe.patience)] if recipe.patience else []
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=self.columns.dataset(),
            loss=loss,
            evaluator=self.evaluator,
            callbacks=[*callbacks, *([Telling(self.tell)] if self.tell else [])],
        )
        trainer.remove_callback(PrinterCallback)
        if not arguments.disable_tqdm:
            trainer.remove_callback(ProgressCallback)
            trainer.add_callback(Bar())
        sampler: Any = lambda *_, **__: GroupedBatches(  # noqa: E731 (the trainer asks for something to call)
            self.columns.groups, share, recipe.seed, processes, lambda: trainer.state.global_step // steps
        )
        trainer.args.batch_sampler = sampler
        _log.info("%d rows, views %s, %d steps, a look every %d", rows, "-".join(views), total, every)
        return trainer

    def _prompts(self) -> dict[str, str] | None:
        """Each column's constant prefix, as inference will have it."""
        of = {"query": self.recipe.query_prompt, "altered": self.recipe.query_prompt}
        prompts = {name: of.get(name.partition("_")[0], self.recipe.passage_prompt) for name in self.columns.texts}
        return prompts if any(prompts.values()) else None

    def _before(self, model: Any, main: bool) -> dict[str, Any]:
        """The dev measure of the model as it was, looked at once a run."""
        kept = self.out / BEFORE
        if kept.is_file():
            known: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
            return known
        if not main:
            return {}
        found = self.evaluator.measured(model)
        write_json(kept, found)
        return found


def _needed() -> None:
    from importlib.util import find_spec

    absent = [name for name in ("sentence_transformers", "datasets", "accelerate") if find_spec(name) is None]
    if absent:
        raise Missing(f"training needs {', '.join(absent)}; pip install 'heedful[train]'")
