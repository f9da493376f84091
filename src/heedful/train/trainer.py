"""Sentence-transformers' trainer with what a long run needs: whole checkpoints, an end to a loss that is no number."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from sentence_transformers import SentenceTransformerTrainer
from torch import nn
from tqdm.auto import tqdm
from transformers import ProgressCallback, TrainerCallback
from transformers.trainer_callback import ExportableState, TrainerState
from transformers.trainer_utils import rotate_checkpoints

from heedful.encode.pretrained import out_of_memory
from heedful.errors import Diverged, Mismatch, StorageFailed, first_line
from heedful.train.processes import lost_process, rank_and_size

STAGING = "staging-"
STATE = "trainer_state.json"
CONTROL = "TrainerControl"  # what the trainer's state keeps of whether to stop


class Trainer(SentenceTransformerTrainer):
    """The trainer. A checkpoint is there whole or not at all; what was there before stays until the next is whole."""

    @property
    def folder(self) -> Path:
        """Where the checkpoints are."""
        return Path(str(self.args.output_dir))

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Nothing: the card is written at the end, with what was measured and without rows of the data."""

    def training_step(self, *arguments: Any, **options: Any) -> torch.Tensor:
        """One step. Raises Diverged where its loss is not finite, before the weights are touched."""
        loss: torch.Tensor = super().training_step(*arguments, **options)
        if not torch.isfinite(loss):
            raise Diverged(
                f"step {self.state.global_step + 1}: found the loss {loss.item()}; expected a finite number. Lower "
                "learning_rate, raise temperature, or look for rows without words"
            )
        return loss

    def finish(self, checkpoint: Path) -> bool:
        """Whether the run had come to its end with this checkpoint; if so, the best weights and the state are taken.

        The parent would go one step further: it looks whether to stop only after a step.
        """
        with _readable(str(checkpoint)):
            state = TrainerState.load_from_json(str(checkpoint / STATE))
            control: Any = state.stateful_callbacks[CONTROL]
            ended = bool(control["args"]["should_training_stop"])
        if ended:
            self.state = state
            self._load_best_model()
        return ended

    def _load_best_model(self) -> None:
        """The weights of the best checkpoint; what goes wrong is raised, where the parent only logs it."""
        if self.state.best_global_step:
            self._load_from_checkpoint(str(self.folder / f"checkpoint-{self.state.best_global_step}"))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        del model  # the parent has its own
        with _readable(resume_from_checkpoint):
            super()._load_from_checkpoint(resume_from_checkpoint)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        with _readable(checkpoint):
            super()._load_optimizer_and_scheduler(checkpoint)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """The model as sentence-transformers saves it; no pickled arguments, no generated card."""
        del state_dict
        self.model.save_pretrained(str(output_dir or self.args.output_dir), create_model_card=False)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Everything into a staging folder, flushed to the disk, which then takes the checkpoint's name."""
        del model, trial
        self._refuse_broken_weights()
        folder, step = self.folder, self.state.global_step
        staging, final = folder / f"{STAGING}{step}", folder / f"checkpoint-{step}"
        best = self.state.best_global_step
        if best and (best == step or (folder / f"checkpoint-{best}").is_dir()):
            self.state.best_model_checkpoint = str(folder / f"checkpoint-{best}")
        try:
            if self.args.should_save:
                shutil.rmtree(staging, ignore_errors=True)
                staging.mkdir(parents=True)
            _wait()
            self.save_model(str(staging), _internal_call=True)
            self._save_optimizer_and_scheduler(str(staging))
            self._save_scaler(str(staging))
            self._save_rng_state(str(staging))
            if self.args.should_save:
                self._keep_callbacks()
                self.state.save_to_json(str(staging / STATE))
            _wait()
            if self.args.should_save:
                flush(staging)
                shutil.rmtree(final, ignore_errors=True)
                os.replace(staging, final)
            _wait()
        except Exception as error:  # the writers raise many kinds: OSError, RuntimeError, SafetensorError
            free = shutil.disk_usage(folder.parent).free / 1e6
            shutil.rmtree(staging, ignore_errors=True)
            if lost_process(error):
                raise
            raise StorageFailed(
                f"{final}: cannot be written: {first_line(error)} "
                f"({free:,.0f} MB free); {last_good(folder)}. Make room, and run the same command again"
            ) from error
        if self.args.should_save:
            rotate_checkpoints(
                output_dir=str(folder),
                save_total_limit=self.args.save_total_limit,
                best_model_checkpoint=self.state.best_model_checkpoint,
            )

    def _refuse_broken_weights(self) -> None:
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad and not torch.isfinite(parameter).all():
                raise Diverged(
                    f"step {self.state.global_step}: found weights that are no numbers in {name}; they are not saved, "
                    f"and {last_good(self.folder)}. Lower learning_rate or raise temperature"
                )

    def _keep_callbacks(self) -> None:
        """What callbacks remember (an early end's patience), so that a continued run remembers it too."""
        kept = [*self.callback_handler.callbacks, self.control]
        states: Any = self.state.stateful_callbacks
        states |= {type(one).__name__: one.state() for one in kept if isinstance(one, ExportableState)}


class Telling(TrainerCallback):
    """Tells somebody about steps and evaluations: (step, steps in all, figures)."""

    def __init__(self, tell: Callable[[int, int, dict[str, Any]], None]):
        self.tell = tell

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **others: Any) -> None:
        """As the trainer calls it."""
        del control, others
        if args.process_index == 0:
            with tqdm.external_write_mode(nolock=True):  # a process killed in `tell` leaves no lock behind
                self.tell(state.global_step, state.max_steps, dict(logs or {}))


class Bar(ProgressCallback):
    """The trainer's progress bar alone: figures are told by `Telling`."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        """Nothing."""


def last_good(folder: Path) -> str:
    """Where the last whole checkpoint is, in words."""
    found = last_checkpoint(folder)
    return f"the last good checkpoint is {found}" if found else "there is no checkpoint yet"


def last_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step; None where there is none."""
    numbered = [(int(path.name.rpartition("-")[2]), path) for path in folder.glob("checkpoint-*[0-9]")]
    return max(numbered)[1] if numbered else None


def clear_staging(folder: Path) -> None:
    """Remove what an interrupted save left."""
    for left in folder.glob(f"{STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)


def flush(folder: Path) -> None:
    """Every file of a folder to the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


@contextmanager
def _readable(checkpoint: str | None) -> Iterator[None]:
    """Say which checkpoint it is that cannot be read. Raises Mismatch."""
    try:
        yield
    except Exception as error:  # the readers raise many kinds
        if out_of_memory(error) or lost_process(error):
            raise
        raise Mismatch(
            f"{checkpoint}: found a damaged checkpoint ({first_line(error)}); delete that folder, and run the same "
            "command again to go on from the one before"
        ) from error


def _wait() -> None:
    if rank_and_size()[1] > 1:
        dist.barrier()
