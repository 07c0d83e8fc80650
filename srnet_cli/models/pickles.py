"""Files of ``torch.save``: looked through for what they would make, and only then loaded.

torch's own ``weights_only`` runs nothing, but allocates whatever a few bytes claim: a ``bytearray`` or a
storage of gigabytes, or an archive that unpacks to them. And it takes the time that they claim: a tuple of
twice the tuple before, sixty times, is a hundred bytes, and 2^60 steps for whoever hashes, compares or
prints it.
"""

from __future__ import annotations

import io
import pickle
import re
import warnings
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import torch

from srnet_cli.errors import WeightsError, brief
from srnet_cli.reading import every_part

_ARCHIVE = b"PK\x03\x04"
#: pickles before the storages of a file older than torch 1.6: magic number, protocol, system, document, keys
_LEGACY_PICKLES = 5
#: a key of a checkpoint is a name or a number; longer ones take time each time that they are looked up
_LONGEST_KEY = 1000
#: beyond it whole numbers can be chosen to have one hash, and a dictionary of them takes time without bound
_LARGEST_KEY = 1 << 60
#: entries up to which a container may have any keys; the oldest torch numbers parameters by their addresses
_FEW = 4096
#: entries up to which they may be tuples, which can be chosen to have one hash, and are slow to compare
_VERY_FEW = 256
#: parts of a tuple that is a key
_LONGEST_TUPLE = 8
#: parts that a number or a tuple counts for when it becomes a key once more
_PARTS_OF_KEY = 10
#: parts that may be met, by all ways to them, for each byte; in ours there are a fraction of one
_PARTS_FOR_EACH_BYTE = 10
_NOT_PLAIN = "damaged, or not a checkpoint of plain tensors"
_CONTAINERS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "Counter"): Counter,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
}
#: what the pickle module does for each code
_READERS: dict[int, Any] = pickle._Unpickler.dispatch


def load_pickle(content: bytes, path: Path) -> Any:
    """Read a ``torch.save`` file of plain data and tensors on the CPU; ``path`` is only named in errors.

    Raises:
        WeightsError: when the content is damaged, holds anything else, or claims more than it has.
    """
    checked = _checked(content, path)
    try:
        with warnings.catch_warnings():
            # Of pickle protocols and the like; what matters to the user becomes an error here.
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(checked), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise anything at all
        raise WeightsError(_refusal(error), path=path) from error


def _refusal(error: Exception) -> str:
    """Say it in our own words: torch's are a page, and advise to load the file regardless."""
    foreign = re.search(r"GLOBAL ([\w.]+)", str(error))
    if foreign:
        return _foreign(foreign[1])
    return _NOT_PLAIN


def _foreign(name: str) -> str:
    return f"holds {name}, not plain tensors only; nothing of it was executed"


def _checked(content: bytes, path: Path) -> bytes:
    """Refuse a file that would make more than it holds, and return what torch may read of it.

    Raises:
        WeightsError: with the reason.
    """
    # torch goes by the first bytes alone, too: an archive whose end is hidden is one for both.
    entries: dict[str, bytes] | None = None
    if content.startswith(_ARCHIVE):
        content, entries = _rebuilt(content, path)
        documents = {name: found for name, found in entries.items() if name.endswith(".pkl")}
        pickles = 1
    else:
        documents, pickles = {"": content}, _LEGACY_PICKLES
    for name, document in documents.items():
        survey = _Survey(document)
        try:
            for _ in range(pickles):
                survey.walk(survey.load())
        except WeightsError as error:
            raise WeightsError(error.reason, path=path) from None
        except Exception as error:  # as above
            raise WeightsError(_NOT_PLAIN, path=path) from error
        held = None if entries is None else _storages(entries, name)
        # Not all releases of torch compare a storage with its own entry: some read on behind it.
        short = held is not None and any(n > held.get(str(k), 0) for k, n in survey.storages.items())
        if short or sum(survey.storages.values()) > len(content):
            raise WeightsError("its tensors claim more values than the file holds", path=path)
    return content


def _storages(entries: dict[str, bytes], document: str) -> dict[str, int]:
    """Return how many bytes an archive has for each storage of one of its pickles."""
    beside = document[: document.rfind("/") + 1] + "data/"
    return {name.removeprefix(beside): len(held) for name, held in entries.items() if name.startswith(beside)}


#: of its directory, whose places may be numbers that no file has
_DAMAGED = (zipfile.BadZipFile, OverflowError)


def _rebuilt(content: bytes, path: Path) -> tuple[bytes, dict[str, bytes]]:
    """Write an archive of the entries of one, and return it with them; names in lower case.

    torch has a reader of its own, which takes other directories for true, finds names in any case and looks
    at no checksum: it gets what was read here and nothing else. A compressed one, which torch never writes,
    is refused.
    """
    rebuilt, read = io.BytesIO(), dict[str, bytes]()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(rebuilt, "w") as own:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            if unpacked > len(content) or any(entry.compress_type for entry in entries):
                raise WeightsError("the checkpoint unpacks to more than its size", path=path)
            unsummed = not any(entry.CRC for entry in entries)  # torch was told to write none
            for entry in entries:
                if unsummed:
                    del entry.CRC
                name = entry.filename.casefold()
                if name in read:
                    raise WeightsError(f"the checkpoint has {entry.filename} twice", path=path)
                read[name] = archive.read(entry)
                own.writestr(zipfile.ZipInfo(entry.filename), read[name])
    except (*_DAMAGED, ValueError, NotImplementedError, OSError, EOFError, RuntimeError) as error:
        raise WeightsError(f"the checkpoint is damaged: {error}", path=path) from error
    return rebuilt.getvalue(), read


class _Named:
    """Stand-in for something that torch would make or look up; it makes nothing."""

    def __init__(self, name: str = "", callable_: bool = False) -> None:
        self.name, self.callable = name, callable_

    def __call__(self, *arguments: object) -> _Named:
        if not self.callable:
            raise WeightsError(f"makes {self.name} by itself, which no checkpoint does")
        if self.name == "_rebuild_parameter_with_state":
            _check_attributes(arguments[-1])
        return _Named()


# The pickle module in Python: that in C allocates by numbers in the stream.
class _Survey(pickle._Unpickler):
    """Reader of a pickle that makes plain containers, and of everything else only a note.

    torch and whoever uses what it loads do the same again, so nothing passes that takes longer than in
    proportion to the file.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(_READERS)
    #: of the pickle module; what it has read since the last mark
    stack: list[Any]

    def __init__(self, document: bytes) -> None:
        super().__init__(io.BytesIO(document), encoding="latin1")
        #: bytes of each storage by its key
        self.storages: dict[object, int] = {}
        self._parts_left = _PARTS_FOR_EACH_BYTE * len(document)

    def walk(self, value: object) -> None:
        """Refuse what has, by all ways to its parts, far more of them than the file has bytes."""
        for _ in every_part(value):
            self._parts_left -= 1
            if self._parts_left < 0:
                raise WeightsError("holds the same again and again, as no checkpoint does")

    def find_class(self, module: str, name: str) -> Any:
        container = _CONTAINERS.get((module, name))
        if container is not None:
            return container
        if module == "torch._utils" and name.startswith("_rebuild_"):
            return _Named(name, callable_=True)
        if module == "torch.serialization" and name == "_get_layout":
            return _Named(name, callable_=True)
        if module == "torch" and name in ("Size", "device"):
            return _Named(name, callable_=True)
        if module in ("torch", "torch.storage") and (name.endswith("Storage") or _is_dtype(name)):
            return _Named(name)
        raise WeightsError(_foreign(f"{module}.{name}"))

    def persistent_load(self, pid: Any) -> _Named:
        kind, key, count = pid[1], pid[2], int(pid[4])
        _check_key(key)
        if len(pid) > 5 and pid[5]:  # a part of a storage, in files older than torch 0.4
            _check_key(pid[5][0])
        if key != str(key).casefold():  # by another spelling torch would read the same bytes once more
            raise WeightsError(f"has a storage {key!r:.40}, which no checkpoint does")
        self.storages[key] = max(self.storages.get(key, 0), count * _item_size(kind.name))
        return _Named()

    def get_extension(self, code: int) -> None:
        raise WeightsError(_foreign(f"extension {code}"))

    def load_bytearray8(self) -> None:
        raise WeightsError(_foreign("bytearray"))

    def load_unknown(self) -> None:
        raise WeightsError(_NOT_PLAIN)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _put(self.stack[-1], key, value)

    def load_setitems(self) -> None:
        items = self.pop_mark()
        for key, value in zip(items[::2], items[1::2], strict=True):
            _put(self.stack[-1], key, value)

    def load_reduce(self) -> None:
        made, arguments = self.stack[-2:]
        self.walk(arguments)
        if not isinstance(made, _Named):
            for given in arguments:
                keys = _keys(given, paired=made is OrderedDict)
                # A few bytes are enough to have the same keys put into one container after the other.
                self._parts_left -= _PARTS_OF_KEY * sum(not isinstance(key, str | bytes) for key in keys)
        _READERS[pickle.REDUCE[0]](self)

    def load_build(self) -> None:
        """Only look through the attributes that torch would give to what is there.

        One with the name of a method would be called in place of it.
        """
        state = self.stack.pop()
        self.walk(state)
        if not isinstance(self.stack[-1], dict) or not isinstance(state, dict):
            raise WeightsError(_NOT_PLAIN)
        for name in state:
            if name != "_metadata":
                raise WeightsError(f"gives a dictionary an attribute {brief(name)}, as no checkpoint does")

    # In the pickle module it is there, but not among what its types tell.
    def pop_mark(self) -> list[Any]:
        items: list[Any] = super().pop_mark()  # type: ignore[misc]
        return items

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems
    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.BUILD[0]] = load_build
    # Other ways to make or fill what has keys, all of them unknown to torch.
    for _code in (pickle.DICT, pickle.ADDITEMS, pickle.FROZENSET, pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX):
        dispatch[_code[0]] = load_unknown


def _keys(given: object, paired: bool) -> dict[object, Any]:
    """Return what becomes keys or members, checked: of a dictionary, or listed by themselves or in pairs."""
    if isinstance(given, dict):  # checked when they were put there
        return given
    if not isinstance(given, list | tuple):
        raise WeightsError(_NOT_PLAIN)
    keys = dict[object, Any]()
    for each in given:
        _put(keys, each[0] if paired else each, None)
    return keys


def _put(held: object, key: object, value: object) -> None:
    """Put one more entry into a dictionary, unless many such keys would make it slow."""
    if not isinstance(held, dict):
        raise WeightsError(_NOT_PLAIN)
    _check_key(key)
    before = len(held)
    fits = before < _VERY_FEW or not isinstance(key, tuple)
    if before > _FEW:
        fits = _is_in_order(key, before)
    if fits:
        held[key] = value
        if before == _FEW < len(held):
            fits = all(_is_in_order(each, before) for each in held)
    if not fits:
        raise WeightsError("has many keys that are no names and count nothing, as no checkpoint does")


def _is_in_order(key: object, entries: int) -> bool:
    """Tell whether a key cannot be chosen to collide with others.

    The hashes of texts are not known ahead. A whole number is its own, and Python keeps at least 1.5 places
    for each entry: smaller numbers have one each.
    """
    return isinstance(key, str | bytes) or (isinstance(key, int) and 0 <= 2 * key <= 3 * entries)


def _check_key(key: object) -> None:
    if isinstance(key, tuple):
        fits = len(key) <= _LONGEST_TUPLE and all(map(_is_short, key))
    else:
        fits = _is_short(key)
    if not fits:
        raise WeightsError("has a key that is neither a short name nor a number, as no checkpoint does")


def _is_short(key: object) -> bool:
    """Tell whether a key, or a part of one, takes no time to hash and to compare."""
    if isinstance(key, str | bytes):
        return len(key) <= _LONGEST_KEY
    if isinstance(key, int):
        return abs(key) < _LARGEST_KEY
    return key is None or isinstance(key, float) or (isinstance(key, _Named) and _is_dtype(key.name))


def _check_attributes(state: object) -> None:
    """Check what torch would set on a parameter; a name of its own would be called in place of a method."""
    for attributes in state if isinstance(state, tuple) else (state,):
        for name in attributes or ():
            if hasattr(torch.nn.Parameter, name):
                raise WeightsError(f"gives a parameter another {brief(name)}, as no checkpoint does")


def _is_dtype(name: str) -> bool:
    return isinstance(getattr(torch, name, None), torch.dtype | torch.layout)


def _item_size(storage: str) -> int:
    if storage == "UntypedStorage":
        return 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of these classes themselves
        dtype = getattr(getattr(torch, storage, None), "dtype", None)
    return dtype.itemsize if isinstance(dtype, torch.dtype) else 1
