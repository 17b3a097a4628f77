"""Which models become engines, and which properties they serve.

Owns four rules, applied on top of the layers of the settings, so that `rasr config` shows what
comes of them:

1. `--model` names models to serve: each serves its languages, the first one named wins. Without an
   entry under `properties` from a file or the environment, they are all that is served.
2. An entry under `properties` may name a model, or the path of a model's folder, where it may name
   an engine, for live speech and for the second pass; an engine of this name comes first.
3. With neither, each language but English is served by the first model of the catalogue that is
   installed and knows it, those that stream before those that do not. English is served by the
   default model where it is installed, else by the default engine, and `english_advice` says so: a
   model that was pulled for Mandarin must not change what English clients get. Whisper serves only
   where it is named: it carries one or two speakers, and needs packages that not everybody has. A
   bundled model does too, and in the demonstration (`with_bundled`).
4. An entry under `text.punctuation` names a folder, or one in the folder of the models.
5. Where the settings name no model that tells who speaks, one that is installed does.

Loads nothing: whether the files are any good is found by the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from decoder.sherpa.offline import is_offline
from rasr.configuration import Configuration, ConfigurationError, Layer, Origin
from rasr.configuration.schema import KeyPath, dotted
from rasr.models.catalogue import Model
from rasr.models.errors import ModelError
from rasr.models.record import read_record
from rasr.models.store import State, Store
from rasr.settings import EngineSettings, PropertySettings, Settings, language_of

_USUAL_KIND = "sherpa-onnx"
"""The engine of a folder that does not say which one runs it."""
_OFFLINE_KIND = "sherpa-onnx-offline"
"""The same, where its files are an offline model."""
_ONLY_WHERE_NAMED = "whisper"
"""An engine whose models serve nothing by themselves."""
_FOLDER_OPTION = "model"
"""Its option that takes the model's folder."""
_KEPT_LANGUAGE = "english"
"""Served by itself by nothing but the default model or the default engine."""

_KEYED = re.compile(r"(?P<keys>[a-z0-9_]+(,[a-z0-9_]+)*)=(?P<model>.+)")


class ModelsMissing(ConfigurationError):
    """All that is wrong is that models which are to serve are not installed."""

    def __init__(self, mistakes: Iterable[str], models: Iterable[Model]) -> None:
        super().__init__(mistakes)
        self.models = tuple({model.name: model for model in models}.values())


def with_models(
    configuration: Configuration, requests: Sequence[str], store: Store
) -> Configuration:
    """The configuration with its models as engines.

    Args:
        requests: what `--model` was given: a name or a path, with `chinese=` before it (or several
            keys of `properties`, separated by commas) to serve that and nothing else.

    Raises:
        ModelsMissing: models that are to serve are not installed; nothing else is wrong.
        ConfigurationError: with all that is wrong with names of models.
    """
    draft = _Draft(configuration, store)
    said = _is_said(configuration)
    if requests and not said:
        draft.serve_nothing()
    draft.resolve()
    draft.find_punctuation()
    if requests:
        draft.serve(requests)
    elif not said:
        draft.serve_installed()
    return _with_diarization(draft.configuration(), store)


def with_bundled(configuration: Configuration, language: str, store: Store) -> Configuration:
    """The configuration, with a bundled model for a language that nothing serves so far.

    For commands that must work before any model is pulled, as the demonstration. A server never
    serves a bundled model that is not named.
    """
    if any(language_of(key) == language for key in configuration.settings.properties):
        return configuration
    draft = _Draft(configuration, store)
    draft.serve_bundled(language)
    return draft.configuration()


def english_advice(configuration: Configuration, store: Store) -> str | None:
    """One sentence on what better English there is, where the default engine serves it and nobody
    asked for that; else None."""
    origin = configuration.origins.get(dotted(("properties", _KEPT_LANGUAGE)))
    default = store.catalogue.default_english
    if origin is None or origin.layer is not Layer.DEFAULT or default is None:
        return None
    return default_advice(default)


def default_advice(model: Model) -> str:
    """What it means that the default model for English is not here, and the cure."""
    return (
        "English is served by PocketSphinx, which gets about every third word wrong: "
        f"rasr setup {_KEPT_LANGUAGE} brings the default model, {model.name}"
    )


def _with_diarization(configuration: Configuration, store: Store) -> Configuration:
    """What is installed tells who speaks, where the settings name nothing."""
    named = configuration.settings.recordings
    if named.voice_segmentation or named.voice_embedding:
        return configuration
    known = (one for one in store.catalogue.models if one.kind == "diarization")
    model = next((one for one in known if store.state(one) is State.INSTALLED), None)
    if model is None:
        return configuration
    folder, keys = store.path(model), ("voice_segmentation", "voice_embedding")
    found = {key: str(folder / file) for key, file in zip(keys, model.required, strict=True)}
    recordings = named.model_copy(update=found)
    settings = configuration.settings.model_copy(update={"recordings": recordings})
    origin = Origin(Layer.INSTALLED, f"model {model.name}")
    origins = {dotted(("recordings", key)): origin for key in keys}
    return Configuration(settings, {**configuration.origins, **origins})


def _is_said(configuration: Configuration) -> bool:
    """True if a person has said what is served."""
    origins = configuration.origins
    return configuration.settings.properties != Settings().properties or any(
        origins[dotted(("properties", key))].layer is not Layer.DEFAULT
        for key in configuration.settings.properties
    )


class _Draft:
    """Engines and properties while models are put among them."""

    def __init__(self, configuration: Configuration, store: Store) -> None:
        self._before = configuration
        self._store = store
        self._engines = dict(configuration.settings.engines)
        self._properties = dict(configuration.settings.properties)
        self._origins = dict(configuration.origins)
        self._text = configuration.settings.text
        self._mistakes: list[str] = []
        self._absent: list[Model] = []
        """Models that could be fetched; each is among the mistakes too."""

    def serve_nothing(self) -> None:
        for key in list(self._properties):
            self._forget(key)

    def resolve(self) -> None:
        """Names of models under `properties` become engines."""
        for key, served in self._properties.items():
            path = ("properties", key)
            if isinstance(served, str):
                self._properties[key] = self._named(path, served)
                continue
            live = self._named((*path, "live"), served.live)
            final = self._named((*path, "final"), served.final) if served.final else ""
            self._properties[key] = PropertySettings(live=live, final=final)

    def _named(self, path: KeyPath, value: str) -> str:
        """The engine that is meant by a name under `properties`, or the name after a mistake."""
        origin = self._origins[dotted(path)]
        where = f"{origin}: {dotted(path)}"
        engine = self._engines.get(value)
        model = self._store.catalogue.find(value)
        if engine is not None:
            # Options for a model, written down without saying where the model is.
            if model is not None and engine.kind == model.engine:
                self._attempt(where, model, origin)
            return value
        if model is not None:
            return self._attempt(where, model, origin) or value
        if _is_path(value):
            return self._folder(where, value, origin) or value
        self._mistakes.append(
            f"{where}: there is no engine {value!r} and no such model; engines: "
            f"{', '.join(self._engines) or 'none'}; installed models: {self._installed()}"
        )
        return value

    def find_punctuation(self) -> None:
        """Names of punctuation models become folders."""
        found = {}
        for language, value in self._text.punctuation.items():
            folder = Path(value).expanduser() if _is_path(value) else self._store.folder / value
            found[language] = str(folder.absolute())
            if not folder.is_dir():
                key = dotted(("text", "punctuation", language))
                self._mistakes.append(
                    f"{self._origins[key]}: {key}: there is no folder {folder.absolute()}; unpack "
                    "a punctuation model there, or give the path of its folder"
                )
        self._text = self._text.model_copy(update={"punctuation": found})

    def serve(self, requests: Sequence[str]) -> None:
        """What `--model` asks for."""
        origin = Origin(Layer.FLAG, "--model")
        taken: set[str] = set()
        for request in requests:
            keyed = _KEYED.fullmatch(request)
            reference = keyed["model"] if keyed else request
            where = f"{origin} {reference}"
            model = self._store.catalogue.find(reference)
            if model is not None:
                name = self._attempt(where, model, origin)
                languages: Sequence[str] | None = model.languages
            elif _is_path(reference) or Path(reference).is_dir():
                name = self._folder(where, reference, origin)
                languages = _languages(Path(reference), self._store)
            else:
                instead = self._store.catalogue.instead_of(reference)
                self._mistakes.append(
                    f"{where}: there is no such model; {instead}; the path of a model's folder may "
                    "be given too"
                )
                continue
            if name is None:
                continue
            keys = keyed["keys"].split(",") if keyed else languages
            if keys is None:
                self._mistakes.append(
                    f"{where}: nothing says which languages it knows; say them: "
                    f"--model chinese={reference} or --model chinese,english={reference}"
                )
                continue
            for key in keys:
                if key not in taken:
                    taken.add(key)
                    self._map(key, name, origin)

    def serve_installed(self) -> None:
        """What is installed serves what nothing else serves."""
        taken: set[str] = set()
        # Sorting keeps the order of preference within each kind.
        for model in sorted(self._store.installed(), key=lambda one: one.kind != "streaming"):
            if not model.recognises:
                continue
            engine = self._engines.get(model.name)
            if engine is not None and engine.kind != model.engine:
                # A person's own engine that happens to have this name.
                continue
            if model.bundled or model.engine == _ONLY_WHERE_NAMED:
                continue
            origin = Origin(Layer.INSTALLED, f"model {model.name}")
            new = [
                language
                for language in model.languages
                if language not in taken and (model.default or language != _KEPT_LANGUAGE)
            ]
            name = self._attempt(str(origin), model, origin) if new else None
            for language in new if name is not None else ():
                assert name is not None
                taken.add(language)
                self._map(language, name, origin)

    def serve_bundled(self, language: str) -> None:
        """The first model that came with the package and knows the language serves it."""
        for model in self._store.catalogue.models:
            if model.bundled and model.kind == "streaming" and language in model.languages:
                origin = Origin(Layer.INSTALLED, f"model {model.name}")
                name = self._attempt(str(origin), model, origin)
                if name is not None:
                    self._map(language, name, origin)
                return

    def configuration(self) -> Configuration:
        if self._mistakes and len(self._absent) == len(self._mistakes):
            raise ModelsMissing(self._mistakes, self._absent)
        if self._mistakes:
            raise ConfigurationError(self._mistakes)
        settings = self._before.settings.model_copy(
            update={
                "engines": self._engines,
                "properties": self._properties,
                "text": self._text,
            }
        )
        return Configuration(settings, self._origins)

    def _forget(self, key: str) -> None:
        """Nothing serves a property any more."""
        path = ("properties", key)
        served = self._properties.pop(key, None)
        fields = PropertySettings.model_fields if isinstance(served, PropertySettings) else ()
        for told in (path, *((*path, field) for field in fields)):
            self._origins.pop(dotted(told), None)

    def _map(self, key: str, engine: str, origin: Origin) -> None:
        self._forget(key)
        self._properties[key] = engine
        self._origins[dotted(("properties", key))] = origin

    def _attempt(self, where: str, model: Model, origin: Origin) -> str | None:
        """The engine of a model of the catalogue, or a mistake and None."""
        if not model.recognises:
            self._mistakes.append(
                f"{where}: {model.name} is of kind {model.kind}, and recognises nothing; `rasr "
                f"models show {model.name}` says what it is good for"
            )
            return None
        engine = self._engines.get(model.name)
        if engine is not None and (engine.kind != model.engine or _FOLDER_OPTION in engine.options):
            # It says itself where the model is, or is another engine.
            folder = Path(str(engine.options.get(_FOLDER_OPTION, "")))
            return self._engine(where, model.name, model.engine, folder, origin, {})
        try:
            folder = self._store.require(model)
        except ModelError as error:
            self._mistakes.append(f"{where}: {error}")
            if self._store.state(model) is State.ABSENT and not model.bundled:
                self._absent.append(model)
            return None
        return self._engine(where, model.name, model.engine, folder, origin, model.options)

    def _folder(self, where: str, path: str, origin: Origin) -> str | None:
        """The engine of a model's folder anywhere, or a mistake and None."""
        folder = Path(path).expanduser().absolute()
        if not folder.is_dir():
            self._mistakes.append(f"{where}: there is no folder {folder}")
            return None
        kind = _kind(folder, self._store)
        return self._engine(where, folder.name, kind, folder, origin, {})

    def _engine(
        self,
        where: str,
        name: str,
        kind: str,
        folder: Path,
        origin: Origin,
        suiting: Mapping[str, str | int | float | bool],
    ) -> str | None:
        """The engine of this name for a folder, with the options that suit where none are said."""
        engine = self._engines.get(name)
        if engine is None:
            self._engines[name] = EngineSettings(
                kind=kind, options={**suiting, _FOLDER_OPTION: str(folder)}
            )
            for option in suiting:
                self._origins[dotted(("engines", name, "options", option))] = origin
            self._origins[dotted(("engines", name, "kind"))] = origin
        elif engine.kind != kind:
            self._mistakes.append(
                f"{where}: engines.{name} is of kind {engine.kind!r}; give that engine another "
                f"name, or, if it is for this model, the kind {kind!r}"
            )
            return None
        elif _FOLDER_OPTION not in engine.options:
            options = {**suiting, **engine.options, _FOLDER_OPTION: str(folder)}
            for option in suiting.keys() - engine.options.keys():
                self._origins[dotted(("engines", name, "options", option))] = origin
            self._engines[name] = engine.model_copy(update={"options": options})
        elif Path(str(engine.options[_FOLDER_OPTION])) == folder:
            return name
        else:
            self._mistakes.append(
                f"{where}: engines.{name} has another folder: {engine.options[_FOLDER_OPTION]}"
            )
            return None
        self._origins[dotted(("engines", name, "options", _FOLDER_OPTION))] = origin
        return name

    def _installed(self) -> str:
        names = [model.name for model in self._store.installed() if model.recognises]
        return ", ".join(names) or "none"


def _is_path(reference: str) -> bool:
    return "/" in reference or reference.startswith((".", "~"))


def _kind(folder: Path, store: Store) -> str:
    """The kind of engine that runs the model in a folder: by its record, its name or its files."""
    record = read_record(folder)
    if record is not None:
        return record.engine
    model = store.catalogue.find(folder.name)
    if model is not None:
        return model.engine
    return _OFFLINE_KIND if is_offline(folder) else _USUAL_KIND


def _languages(folder: Path, store: Store) -> tuple[str, ...] | None:
    """The languages of a model in any folder: by its record, or by its folder's name."""
    folder = folder.expanduser().absolute()
    record = read_record(folder)
    if record is not None:
        return record.languages
    model = store.catalogue.find(folder.name)
    return model.languages if model is not None else None
