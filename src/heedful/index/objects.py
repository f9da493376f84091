"""Object storage as the place of an index: the few calls of `pathlib.Path` that an index needs, over S3.

Credentials and the endpoint come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_PROFILE`,
`AWS_REGION`, `AWS_ENDPOINT_URL`, ...); nothing secret is ever stored or sent to another machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from heedful.errors import BadInput, HeedfulError, Missing, StorageFailed, Unwritable

_S3 = re.compile(r"[sS]3:/+(?P<bucket>[^/]+)/*(?P<key>.*)")  # a Path folds the slashes of s3://bucket into one
ATTEMPTS = 3  # at one request, each as long as `patience` at most
_OTHER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_IDENTITIES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


class Entry(NamedTuple):
    """An object. name: below the folder that was listed. modified: by the store's clock."""

    name: str
    size: int
    modified: datetime


class ObjectPath:
    """A key of a bucket, or a prefix."""

    def __init__(self, bucket: str, key: str):
        self.bucket, self.key = bucket, key.strip("/")

    def __truediv__(self, name: str) -> ObjectPath:
        return ObjectPath(self.bucket, f"{self.key}/{name}")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __repr__(self) -> str:
        return f"ObjectPath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectPath) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    @property
    def name(self) -> str:
        """The last part."""
        return self.key.rpartition("/")[2]

    @property
    def _full(self) -> str:
        return f"{self.bucket}/{self.key}"

    def exists(self) -> bool:
        """Whether there is an object of this key, or any below it."""
        from pyarrow.fs import FileType

        try:
            return bool(_files().get_file_info(self._full).type != FileType.NotFound)
        except OSError as error:
            raise object_error(self, error) from error

    def read_bytes(self) -> bytes:
        """The object's content. FileNotFoundError where there is none."""
        try:
            try:
                return self._read()
            except OSError as error:
                if not _broke_off(error):
                    raise
                return self._read()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise object_error(self, error) from error

    def _read(self) -> bytes:
        with _files().open_input_file(self._full) as file:
            return bytes(file.read())

    def write_bytes(self, content: bytes) -> None:
        """Put the object, whole or not at all."""
        try:
            with _files().open_output_stream(self._full) as file:
                file.write(content)
        except OSError as error:
            raise object_error(self, error, writing=True) from error

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the object."""
        del missing_ok  # deleting what is not there is no error in object storage
        try:
            _files().delete_file(self._full)
        except FileNotFoundError:
            return
        except OSError as error:
            raise object_error(self, error, writing=True) from error

    def walk(self) -> Iterator[Entry]:
        """All objects below this prefix."""
        from pyarrow.fs import FileSelector, FileType

        try:
            found = _files().get_file_info(FileSelector(self._full, recursive=True, allow_not_found=True))
        except OSError as error:
            raise object_error(self, error) from error
        for info in found:
            if info.type == FileType.File:
                yield Entry(info.path.removeprefix(f"{self._full}/"), info.size, info.mtime)


Location: TypeAlias = Path | ObjectPath


def locate(path: Path | str | ObjectPath) -> Location:
    """A folder of this machine, or a prefix in a bucket. BadInput for any other kind of address."""
    if isinstance(path, ObjectPath):
        return path
    text = str(path)
    if match := _S3.fullmatch(text):
        if not match["key"].strip("/"):
            raise BadInput(
                f"s3://{match['bucket']}: a bucket alone; name a place in it, such as s3://{match['bucket']}/papers"
            )
        place = ObjectPath(match["bucket"], match["key"])
        require_credentials(str(place))
        return place
    if _OTHER.match(text):
        raise BadInput(f"{text}: an unknown kind of storage; give a folder, or s3://BUCKET/NAME")
    return Path(path)


def names_in(folder: Location) -> list[str]:
    """The names of the files below a folder or prefix; none where it is not there."""
    if isinstance(folder, ObjectPath):
        return [entry.name for entry in folder.walk()]
    return [file.name for file in folder.iterdir()] if folder.exists() else []


def require_credentials(uri: str) -> None:
    """Raise Missing where the environment names no identity; looking for one over the network takes minutes."""
    files = (os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), "~/.aws/config")
    has_role = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "false"
    named = has_role or any(os.environ.get(name) for name in _IDENTITIES)
    if not named and not any(Path(f).expanduser().exists() for f in files):
        raise Missing(
            f"{uri}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE), and "
            "AWS_ENDPOINT_URL for a store that is not Amazon's"
        )


def patience() -> float:
    """Seconds that one request may take: $HEEDFUL_STORAGE_TIMEOUT, 20 unless it is set. BadInput."""
    given = os.environ.get("HEEDFUL_STORAGE_TIMEOUT", "20")
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise BadInput(f"HEEDFUL_STORAGE_TIMEOUT is {given!r}; expected seconds, such as 20")
    return seconds


def engine_options(location: Location) -> dict[str, str]:
    """What the table's engine is told: where the store is and how long to wait. It reads the credentials itself."""
    if isinstance(location, Path):
        return {}
    seconds = patience()
    options = {
        "timeout": f"{seconds:f}s",
        "connect_timeout": f"{min(seconds, 5):f}s",
        "client_max_retries": "4",
        "client_retry_timeout": f"{int(4 * seconds) or 1}",
        "aws_region": _region(),
    }
    if endpoint := _endpoint():
        options |= {"aws_endpoint": endpoint, "allow_http": str(endpoint.startswith("http://")).lower()}
    return options


def object_error(path: object, error: BaseException, writing: bool = False) -> HeedfulError:
    """The error of ours that stands for the store's."""
    text = str(error)
    said = _short(text)
    if "NO_SUCH_BUCKET" in text or "NoSuchBucket" in text:
        return Missing(f"{path}: the bucket does not exist ({_where()}); make it, or mend the name")
    if re.search(r"ACCESS_DENIED|AccessDenied|\b403\b|Forbidden|INVALID_ACCESS_KEY|InvalidAccessKeyId|Signature", text):
        doing = "written" if writing else "read"
        kind: type[HeedfulError] = Unwritable if writing else Missing
        return kind(
            f"{path}: may not be {doing} with these credentials ({said}); check the keys and the bucket's rules"
        )
    if re.search(r"redentials", text):
        return Missing(f"{path}: no usable credentials ({said}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return StorageFailed(
        f"{path}: the object store failed ({said}; {_where()}); what was complete is intact. Check AWS_ENDPOINT_URL "
        "and the network, or give it more time with HEEDFUL_STORAGE_TIMEOUT, and run the same command again"
    )


def _broke_off(error: OSError) -> bool:
    """Whether an answer ended early, as where the object is replaced meanwhile: the client does not retry that."""
    return "flush response stream" in str(error)


def _short(text: str) -> str:
    """The store's message without request ids, in one line."""
    text = re.sub(r"\(Request ID: [^)]*\)|, /[^ ]*\.rs:\d+:\d+", "", " ".join(text.split()))
    timed = re.search(r"[Tt]imed out|[Tt]imeout|too slow", text)
    text = f"no answer in time: {text}" if timed else text
    return text if len(text) <= 240 else f"{text[:240]}..."


def _where() -> str:
    return f"at {_endpoint() or 'amazonaws.com'}, region {_region()}"


def _endpoint() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    name, given = next(((name, os.environ[name].rstrip("/")) for name in names if os.environ.get(name)), ("", ""))
    if "@" in given:
        raise BadInput(f"{name} holds a user's name or password; give the address alone, and keys in AWS_ACCESS_KEY_ID")
    return given


def place_of(location: ObjectPath) -> str:
    """Address and store: what tells an index from one of the same name elsewhere."""
    return f"{_endpoint()} {location}"


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _files() -> Any:
    profile = os.environ.get("AWS_ACCESS_KEY_ID", "") + os.environ.get("AWS_PROFILE", "")
    return _connected(_endpoint(), _region(), patience(), profile)


@lru_cache(maxsize=4)
def _connected(endpoint: str, region: str, seconds: float, identity: str) -> Any:
    """The client of one store and identity."""
    del identity  # only tells clients apart
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

    options: Mapping[str, Any] = {}
    if endpoint:
        scheme, separator, host = endpoint.partition("://")
        if separator == "" or scheme not in ("http", "https") or not host:
            raise BadInput(f"AWS_ENDPOINT_URL is {endpoint!r}; expected something like https://store.example.org:9000")
        options = {"endpoint_override": host, "scheme": scheme}
    return S3FileSystem(
        region=region,
        connect_timeout=min(seconds, 5),
        request_timeout=seconds,
        allow_delayed_open=True,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        **options,
    )
