"""The table of modalities: a recipe is found by its name or by what a path holds, and a model by its folder.

To add a modality: import its recipes, and put its entry into the table. Only recipes are imported here, never torch.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import sparring.audio.recipes as audio
import sparring.images.recipes as images
import sparring.points.recipes as points
import sparring.text.recipes as text
import sparring.translation.recipes as translation
import sparring.video.recipes as video
from sparring.core.errors import UserError
from sparring.core.recipe import FORMAT, Recipe, read_yaml
from sparring.core.settings import Settings, fields, nearest, with_present_names
from sparring.core.terminal import quoted
from sparring.modality import Entry, Modality
from sparring.options import VERBS

if TYPE_CHECKING:
    from pathlib import Path

    from sparring.model import Model


def by_kind(*entries: Entry) -> dict[str, Entry]:
    """The entries by the modality's name. Raises ValueError where two have one name."""
    table = {entry.recipe.kind: entry for entry in entries}
    if len(table) < len(entries):
        raise ValueError(f"two of the modalities {', '.join(entry.recipe.kind for entry in entries)} have one name")
    return table


ENTRIES = by_kind(
    images.ENTRY,
    translation.ENTRY,
    text.ENTRY,
    audio.ENTRY,
    video.ENTRY,
    points.ENTRY,
)


def recipes() -> dict[str, Recipe]:
    """What can be trained: the recipes of all modalities by name. Raises ValueError where two have one name."""
    found: dict[str, Recipe] = {}
    for kind, entry in ENTRIES.items():
        if taken := found.keys() & entry.presets.keys():
            raise ValueError(f"recipe '{taken.pop()}' of {kind} has the name of another one; rename it")
        found |= entry.presets
    return found


RECIPES = recipes()

MOST = 100_000  # files of a folder that are counted
CLEARLY = 4  # times as many files as of any other kind decide what a folder holds


@cache
def modality_of(kind: str) -> Modality:
    """The modality of that name, imported when it is first asked for."""
    module, _, name = ENTRIES[kind].where.partition(":")
    made: Modality = getattr(import_module(module), name)()
    return made


# Recipes


def find_recipe(name: str) -> Recipe:
    """The recipe of that name, in that file, or for the data at that path. Raises :class:`UserError` for none of
    them."""
    if name in RECIPES:
        return RECIPES[name]
    if name.endswith((".yaml", ".yml")) and os.path.exists(name) and not os.path.isdir(name):
        from sparring.core.reading import WORDS, read_text, reason  # help must not wait for it

        try:
            content = read_text(name, WORDS)
        except (OSError, UnicodeDecodeError) as problem:
            raise UserError(f"{name}: cannot be read ({reason(problem)})") from None
        return from_dict(read_yaml(content, name), name)
    is_set = any(name in entry.sets for entry in ENTRIES.values())
    if is_set or os.path.exists(os.path.expanduser(name)):  # Path.exists would raise for a name too long
        return recipe_for([name])
    raise UserError(
        f"no recipe and no data called {quoted(name)}{nearest(name, RECIPES)}; 'sparring recipes' lists them"
    )


def recipe_for(data: Sequence[str]) -> Recipe:
    """The recipe for a user's own data, a path or several, or the name of a set: that of the modality whose data they
    are. Raises :class:`UserError` where that cannot be told."""
    entry = entry_for(data)
    recipe = next(iter(entry.presets.values()))
    return recipe.changed(named_data(recipe, data))


def recipe_to_read(words: Sequence[str]) -> Recipe:
    """The recipe by which data are read: that of the first word on the data that the others name, or on its own, or
    else that for the data that all of them name. Raises :class:`UserError` as :func:`recipe_for` does, and for a recipe
    without data."""
    is_file = words[0].endswith((".yaml", ".yml"))
    if is_file or (words[0] in RECIPES and not os.path.exists(words[0])):
        recipe = find_recipe(words[0])
        recipe = recipe.changed(named_data(recipe, words[1:]))
        if not recipe.data:
            raise UserError(f"data: recipe '{recipe.name or words[0]}' needs your data; name them behind it")
        return recipe
    return recipe_for(words)


def explained(recipe: Recipe) -> str:
    """What was found where the data of :func:`recipe_for` lie, and which recipe that decided, in one line."""
    places = [place for name in recipe.data_settings if (place := getattr(recipe, name))]
    what = recipe.kind if len(recipe.data_settings) == 1 else "two domains"
    counts = in_words(counted([os.path.expanduser(place) for place in places]))
    return (
        f"{' and '.join(places)} hold{'s' if len(places) == 1 else ''} {what}{f' ({counts})' if counts else ''}, "
        f"trained by recipe {recipe.name}"
    )


def named_data(recipe: Recipe, data: Sequence[str]) -> dict[str, str]:
    """Places of data as the settings that they are for. Raises :class:`UserError` for more than the recipe has."""
    if len(data) > len(recipe.data_settings):
        raise UserError(f"data: {len(data)} places are too many, {recipe.title()} takes {len(recipe.data_settings)}")
    return dict(zip(recipe.data_settings, data, strict=False))


def entry_for(data: Sequence[str]) -> Entry:
    """The modality whose data these are. Raises :class:`UserError` where that cannot be told."""
    entry = entry_told_by(data)
    if entry is None:
        names = ", ".join(next(iter(entry.presets)) for entry in ENTRIES.values())
        raise UserError(
            f"{holding(data)}, which does not tell what to train; name a recipe: "
            f"sparring train RECIPE --data {os.path.expanduser(data[0])}, where RECIPE is {names} or another"
        )
    return entry


def entry_told_by(data: Sequence[str]) -> Entry | None:
    """The modality whose data these are, None where they do not tell. Raises :class:`UserError` for data that are not
    there."""
    for entry in ENTRIES.values():
        if len(data) == 1 and data[0] in entry.sets:
            return entry
    paths = [os.path.expanduser(place) for place in data]
    missing = next((path for path in paths if not os.path.exists(path)), None)
    if missing is not None:
        names = [*RECIPES, *(name for entry in ENTRIES.values() for name in entry.sets)]
        raise UserError(
            f"{missing}: no such file or folder, and no recipe or data of that name{nearest(missing, names)}"
        )
    if len(paths) > 1:
        fitting = [entry for entry in ENTRIES.values() if len(entry.recipe.data_settings) == len(paths)]
        if fitting:
            return fitting[0]
    for entry in ENTRIES.values():
        if any(
            all(os.path.isdir(os.path.join(path, name)) for name in group) for group in entry.folders for path in paths
        ):
            return entry
    return by_endings(paths)


def by_endings(paths: Sequence[str]) -> Entry | None:
    """The modality that most files below these paths belong to, None where no kind is clearly in the majority."""
    counts = counted(paths)
    kinds = [kind for kind, _ in counts.most_common()]
    clear = len(kinds) == 1 or (len(kinds) > 1 and counts[kinds[0]] >= CLEARLY * counts[kinds[1]])
    return ENTRIES[kinds[0]] if clear and kinds[0] in ENTRIES else None


def holding(data: Sequence[str]) -> str:
    """``photos: holds 20 files of images, 12 of text``, for messages on data that do not tell what they are."""
    paths = [os.path.expanduser(place) for place in data]
    return f"{paths[0]}: holds {in_words(counted(paths)) or 'no file of a known kind'}"


def counted(paths: Sequence[str]) -> Counter[str]:
    """How many files of each modality there are at and below these paths."""
    return Counter(kind for path in paths for name in files_below(path) if (kind := kind_of(name)))


def in_words(counts: Counter[str]) -> str:
    """``20 files of images, 12 of text``: counts by kind, the most frequent first, whatever the order they came in."""
    kinds = sorted(counts, key=lambda kind: (-counts[kind], kind))
    files = [" file" if counts[kind] == 1 else " files" for kind in kinds[:1]] + [""] * len(kinds[1:])
    return ", ".join(f"{counts[kind]:,}{noun} of {kind}" for kind, noun in zip(kinds, files, strict=True))


def files_below(path: str) -> Iterator[str]:
    """A file, or the files in a folder and its sub-folders, hidden ones left out."""
    if not os.path.isdir(path):
        yield path
        return
    seen = 0
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(folder, name) for name in names if not name.startswith("."))
        seen += len(names)
        if seen > MOST:
            return


def kind_of(path: str) -> str:
    """The modality that a file's name tells; where it tells of several, its content; empty where neither does."""
    name = path.lower()
    knowing = [kind for kind, entry in ENTRIES.items() if name.endswith(entry.endings)]
    for kind in knowing:
        claims = ENTRIES[kind].claims
        if len(knowing) > 1 and claims and claims(path):
            return kind
    return next(iter(knowing), "")


def from_dict(content: Mapping[str, Any], where: str) -> Recipe:
    """A recipe from its file's mapping, of this format or an older one. Raises :class:`UserError` naming the file."""
    kind = content["kind"]
    if not isinstance(kind, str) or kind not in ENTRIES:
        raise UserError(f"{where}: a recipe of kind {quoted(kind)}, which this Sparring does not know")
    settings = {str(name): value for name, value in content.items() if name not in ("sparring", "kind")}
    if content.get("sparring", FORMAT) != FORMAT:
        older = f"{where} is of format {content['sparring']}"
        settings = with_present_names(ENTRIES[kind].recipe, settings, older)
    try:
        return ENTRIES[kind].recipe().changed(settings)
    except UserError as problem:
        raise UserError(f"{where}: {problem}") from None


# Options


def kind_at(path: str | Path) -> str:
    """The modality of the run or model in a folder; empty where there is none that can be read."""
    from sparring.core.reading import read_json

    for inner in ("model", ""):
        try:
            kind = str(read_json(os.path.join(path, inner, "config.json"))["kind"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        return kind if kind in ENTRIES else ""
    return ""


def options_of(verb: str, kind: str) -> type[Settings]:
    """The options of a verb on models of a modality; on any model where ``kind`` is empty."""
    return ENTRIES[kind].options.get(verb, VERBS[verb]) if kind else VERBS[verb]


def options_for(verb: str, path: str | Path, options: Mapping[str, Any]) -> Settings:
    """The options of a verb on the run or model at ``path``, those that are None left at their defaults. Raises
    :class:`UserError` for one that it does not have, or a value that it cannot have."""
    kind = options_of(verb, kind_at(path))
    given = with_present_names(kind, {name: value for name, value in options.items() if value is not None})
    unknown = next((name for name in given if name not in fields(kind)), None)
    if unknown:
        if not kind_at(path):
            load(path)  # which tells what is wrong with it
        raise UserError(f"{unknown}: {path} has no such option of {verb}{nearest(unknown, fields(kind))}; leave it out")
    return kind().changed(given)


# Models


def recipe_in(config: Mapping[str, Any], where: str) -> Recipe:
    """The recipe in a model's config. Raises :class:`UserError` naming the file ``where`` it stands."""
    return from_dict({**config["recipe"], "sparring": config["sparring"], "kind": config["kind"]}, where)


def load(path: str | Path, device: str = "auto") -> Model:
    """The model in a run folder or a model folder, on ``device``. Raises :class:`UserError` when there is none, or it
    is unsafe."""
    from pathlib import Path

    from sparring.core.own import check_allowed
    from sparring.core.precision import find_device
    from sparring.core.run import model_folder, read_config
    from sparring.model import Model

    folder = model_folder(Path(path))
    config = read_config(folder)
    recipe = recipe_in(config, str(folder / "config.json"))
    check_allowed(recipe)
    found = find_device(device)
    return Model(modality_of(recipe.kind), recipe, config, path=Path(path), folder=folder, device=found)
