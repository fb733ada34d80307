from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.config import differences, from_dict, load, option, shown, to_dict, to_toml
from s2s.errors import UserError


@dataclass(frozen=True)
class Schedule:
    kind: Literal["cosine", "plateau"] = "cosine"
    warmup: int = option(100, low=0, help="updates of a rising learning rate")


@dataclass(frozen=True)
class Training:
    steps: int = option(1000, low=1)
    learning_rate: float = option(1e-3, above=0)
    dropout: float = option(0.3, low=0, below=1)
    bfloat16: bool = False
    schedule: Schedule = Schedule()

    def problems(self) -> Iterable[str]:
        if self.schedule.warmup > self.steps:
            yield f"schedule.warmup ({self.schedule.warmup}) is longer than steps ({self.steps})"


@dataclass(frozen=True)
class Data:
    source: Path
    target: Path
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    data: Data
    name: str = "unnamed"
    seed: int | None = 1
    sizes: list[int] = field(default_factory=lambda: [1, 2])
    window: tuple[int, float] = option((1, 0.5), high=9)
    training: Training = Training()
    schedule: Schedule | None = None


@dataclass(frozen=True)
class Odd:
    x: complex = 0j


DATA: dict[str, Any] = {"source": "a.en", "target": "a.de"}


def mistakes(**table: Any) -> str:
    with pytest.raises(UserError) as caught:
        from_dict(Recipe, {"data": DATA, **table}, source="recipe.toml")
    message = str(caught.value)
    assert "\n" not in message
    return message


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "recipe.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_recipe_is_read_into_its_types(tmp_path: Path) -> None:
    text = """
    name = "mine"
    seed = "none"
    sizes = [3]
    window = [2, 1]
    [data]
    source = "a.en"
    target = "b/a.de"
    extra = ["x"]
    [training]
    learning_rate = 1
    schedule.kind = "plateau"
    """
    recipe = load(write(tmp_path, text), Recipe)
    data = Data(source=Path("a.en"), target=Path("b/a.de"), extra=("x",))
    training = Training(learning_rate=1.0, schedule=Schedule(kind="plateau"))
    assert recipe == Recipe(data, name="mine", seed=None, sizes=[3], window=(2, 1.0), training=training)
    assert isinstance(recipe.training.learning_rate, float)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = """
    nome = "mine"
    seed = true
    [data]
    source = 3
    [training]
    learing_rate = 0.1
    dropout = 1.0
    [training.schedule]
    kind = "cosin"
    warmup = 1.5
    """
    path = write(tmp_path, text)
    with pytest.raises(UserError) as caught:
        load(path, Recipe, ["training.steps=0", "novalue"])
    assert str(caught.value) == (
        f"{path} with --set: 10 mistakes: "
        "--set 'novalue': expected key=value or section.key=value; "
        "unknown key 'nome' (did you mean 'name'?); "
        "'data.source': expected a path, as text, got 3; "
        "missing key 'data.target'; "
        "'seed': expected an integer, got true; "
        "unknown key 'training.learing_rate' (did you mean 'learning_rate'?); "
        "'training.steps': expected at least 1, got 0; "
        "'training.dropout': expected at least 0 and below 1, got 1.0; "
        "'training.schedule.kind': expected one of 'cosine', 'plateau', got 'cosin' (did you mean 'cosine'?); "
        "'training.schedule.warmup': expected an integer, got 1.5"
    )


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"learning_rate": 1.0}, "unknown key 'learning_rate' (did you mean 'training.learning_rate'?)"),
        ({"zzz": 1}, "unknown key 'zzz' (known are data, name, seed, sizes, window, training, schedule)"),
        ({"name": 5}, "'name': expected text, got 5"),
        ({"name": None}, "'name': expected text, got None"),
        ({"sizes": "12"}, "'sizes': expected a list, got '12'"),
        ({"sizes": [1, "2"]}, "'sizes[1]': expected an integer, got '2'"),
        ({"window": [1]}, "'window': expected a list of 2, got [1]"),
        ({"window": [1, 10]}, "'window[1]': expected at most 9, got 10"),
        ({"training": 3}, "'training': expected a table, got 3"),
        ({"name": {"first": 1}}, "'name': expected text, got a table"),
        ({"training": {"learning_rate": float("nan")}}, "'training.learning_rate': expected a finite number, got nan"),
        ({"training": {"learning_rate": float("inf")}}, "'training.learning_rate': expected a finite number, got inf"),
        ({"training": {"learning_rate": 10**400}}, "'training.learning_rate': expected a finite number, got 1"),
        ({"training": {"learning_rate": 0}}, "'training.learning_rate': expected above 0, got 0"),
        ({"training": {"bfloat16": 1}}, "'training.bfloat16': expected true or false, got 1"),
        ({"data": {**DATA, "source": ""}}, "'data.source': expected a path, as text, got ''"),
        ({"data": {**DATA, "source": "C:\new"}}, "'data.source': expected a path, as text, got 'C:\\new' (in do"),
        ({"data": {**DATA, "source": "a\0b"}}, "'data.source': expected a path, as text, got 'a\\x00b'"),
    ],
)
def test_a_mistake_is_named_with_its_key(table: dict[str, Any], expected: str) -> None:
    assert mistakes(**table).startswith(f"recipe.toml: {expected}")


def test_a_required_section_that_is_missing_names_its_keys() -> None:
    with pytest.raises(UserError, match=r"2 mistakes: missing key 'data.source'; missing key 'data.target'$"):
        from_dict(Recipe, {})


def test_impossible_combinations_are_told_beside_other_mistakes() -> None:
    message = mistakes(training={"steps": 50}, seed="one")
    assert "training: schedule.warmup (100) is longer than steps (50)" in message
    assert "'seed': expected an integer, got 'one'" in message


def test_a_field_of_an_unknown_type_is_the_programmers_mistake() -> None:
    with pytest.raises(TypeError, match="complex"):
        from_dict(Odd, {"x": 1})


def test_overrides_are_toml_or_plain_text(tmp_path: Path) -> None:
    path = write(tmp_path, 'name = "old"\n[data]\nsource = "a"\ntarget = "b"\n')
    overrides = ["name=a b#c", "seed=none", "sizes=[4, 5]", "training.schedule.kind = 'plateau'", "data.source=x=y.en"]
    recipe = load(path, Recipe, overrides)
    assert (recipe.name, recipe.seed, recipe.sizes) == ("a b#c", None, [4, 5])
    assert recipe.training.schedule.kind == "plateau"
    assert recipe.data.source == Path("x=y.en")
    assert load(path, Recipe, ["name=1\nseed=2"]).name == "1\nseed=2"


@pytest.mark.parametrize("override", ["name", "=3", "training.=3", "name.first=3", "name=\udce9"])
def test_an_override_that_makes_no_sense_is_refused(tmp_path: Path, override: str) -> None:
    path = write(tmp_path, 'name = "old"\n[data]\nsource = "a"\ntarget = "b"\n')
    with pytest.raises(UserError, match="with --set: --set '"):
        load(path, Recipe, [override])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"name = 'x'\nseed = = 3\n", "not valid TOML: Invalid value (at line 2, column 8)"),
        (b"name = 'x'\nname = 'y'\n", "not valid TOML: Cannot overwrite a value (at line 2, column 11)"),
        (b"name = 'x'\n# caf\xe9\n", "line 2, byte 16: not UTF-8: E9"),
        (b"sizes = " + b"[" * 5000, "not valid TOML: "),
        (b"seed = " + b"9" * 5000, "not valid TOML: "),
    ],
)
def test_a_file_that_is_not_toml(tmp_path: Path, content: bytes, expected: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UserError) as caught:
        load(path, Recipe)
    assert str(caught.value).startswith(f"{path}: {expected}")


def test_a_path_that_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file; check the path"):
        load(tmp_path / "none.toml", Recipe)
    with pytest.raises(UserError, match="is a folder"):
        load(tmp_path, Recipe)


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbfseed = 3\r\n[data]\r\nsource = 'a'\r\ntarget = 'b'\r\n")
    assert load(path, Recipe).seed == 3


def test_differences_are_dotted_keys() -> None:
    old = from_dict(Recipe, {"data": DATA})
    new = from_dict(Recipe, {"data": {**DATA, "extra": ["x"]}, "training": {"schedule": {"warmup": 5}}})
    assert differences(old, old) == []
    assert differences(old, new) == ["data.extra", "training.schedule.warmup"]
    earlier = to_dict(old)
    del earlier["seed"]
    assert differences(earlier, old) == ["seed"]


def test_help_is_written_above_its_key() -> None:
    lines = to_toml(Schedule()).splitlines()
    assert lines == ['kind = "cosine"', "# updates of a rising learning rate", "warmup = 100"]


texts = st.text(st.characters(exclude_categories=["Cs"]))
paths = st.text(string.printable + "é\x7f😀", min_size=1).map(Path)
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.builds(
        Recipe,
        data=st.builds(Data, source=paths, target=paths, extra=st.lists(texts).map(tuple)),
        name=texts,
        seed=st.none() | st.integers(),
        sizes=st.lists(st.integers()),
        window=st.tuples(st.integers(max_value=9), st.floats(max_value=9, allow_nan=False, allow_infinity=False)),
        training=st.builds(Training, learning_rate=finite.filter(lambda rate: rate > 0), bfloat16=st.booleans()),
        schedule=st.none() | st.builds(Schedule, warmup=st.integers(min_value=0)),
    )
)
def test_what_is_written_is_read_back_equal(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> None:
    path = write(tmp_path_factory.getbasetemp(), to_toml(recipe))
    assert load(path, Recipe) == recipe
    assert from_dict(Recipe, json.loads(json.dumps(to_dict(recipe)))) == recipe


# ------------------------------------------------------------------------------------------------- sections in kinds


@dataclass(frozen=True)
class Additive:
    kind: ClassVar[str] = "additive"
    dim: int = option(256, low=1, help="units")


@dataclass(frozen=True)
class Dot:
    kind: ClassVar[str] = "dot"


@dataclass(frozen=True)
class Recurrent:
    kind: ClassVar[str] = "recurrent"
    attention: Additive | Dot = Additive()
    dim: int = 512

    @staticmethod
    def upgraded(table: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"kind" if name == "wiring" else name: value for name, value in table.items()}


@dataclass(frozen=True)
class Transformer:
    kind: ClassVar[str] = "transformer"
    heads: int = option(4, low=1)


@dataclass(frozen=True)
class Model:
    decoder: Recurrent | Transformer
    encoder: Transformer = Transformer()
    second: Recurrent | Transformer | None = None


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, Model(Recurrent())),
        ({"decoder": {"dim": 8}}, Model(Recurrent(dim=8))),
        ({"decoder": {"kind": "transformer", "heads": 2}}, Model(Transformer(2))),
        ({"decoder": "transformer"}, Model(Transformer())),
        ({"decoder": {"attention": "dot"}}, Model(Recurrent(Dot()))),
        ({"decoder": {"attention": {"kind": "dot"}}}, Model(Recurrent(Dot()))),
        ({"decoder": {"attention": {"dim": 3}}}, Model(Recurrent(Additive(3)))),
        ({"decoder": {"wiring": "transformer"}}, Model(Transformer())),
        ({"decoder": {}, "encoder": {"kind": "transformer", "heads": 1}}, Model(Recurrent(), Transformer(1))),
        ({"decoder": {}, "second": {"kind": "transformer"}}, Model(Recurrent(), second=Transformer())),
        ({"decoder": {}, "second": "none"}, Model(Recurrent())),
    ],
)
def test_a_section_in_kinds_is_read_by_its_kind(table: dict[str, Any], expected: Model) -> None:
    assert from_dict(Model, table) == expected


@pytest.mark.parametrize(
    ("table", "mistake"),
    [
        (
            {"decoder": {"kind": "transfromer"}},
            "'decoder.kind': expected one of 'recurrent', 'transformer', got 'transfromer' (did you mean",
        ),
        ({"decoder": {"kind": 3}}, "'decoder.kind': expected one of 'recurrent', 'transformer', got 3"),
        ({"decoder": 3}, "'decoder': expected a table, got 3"),
        ({"decoder": {"attention": "dit"}}, "'decoder.attention': expected one of 'additive', 'dot', got 'dit'"),
        ({"decoder": {"attention": {"kind": "dot", "dim": 3}}}, "unknown key 'decoder.attention.dim'"),
        ({"decoder": {"kind": "transformer", "dim": 3}}, "unknown key 'decoder.dim'"),
        ({"decoder": {}, "encoder": {"kind": "recurrent"}}, "'encoder.kind': expected one of 'transformer'"),
        ({"decoder": {"kind": "transformer", "heads": 0}}, "'decoder.heads': expected at least 1, got 0"),
    ],
)
def test_a_wrong_kind_is_told_with_the_known_ones(table: dict[str, Any], mistake: str) -> None:
    with pytest.raises(UserError, match=re.escape(mistake)):
        from_dict(Model, table)


@pytest.mark.parametrize(
    "model",
    [
        Model(Recurrent()),
        Model(Recurrent(Dot(), dim=3), Transformer(2), Transformer(7)),
        Model(Transformer(), second=Recurrent(Additive(9))),
    ],
)
def test_kinds_are_written_and_read_back(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "model.toml"
    path.write_text(to_toml(model), encoding="utf-8")
    assert load(path, Model) == model
    assert from_dict(Model, json.loads(json.dumps(to_dict(model)))) == model


def test_an_override_may_change_a_kind(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text("[decoder]\ndim = 8\n[decoder.attention]\ndim = 4\n", encoding="utf-8")
    assert load(path, Model, ["decoder.attention=dot"]) == Model(Recurrent(Dot(), dim=8))
    assert load(path, Model, ["decoder.attention.dim=5"]) == Model(Recurrent(Additive(5), dim=8))


def test_a_kind_without_keys_is_written_as_its_name() -> None:
    written = to_toml(Model(Recurrent(Dot())))
    assert 'attention = "dot"' in written
    assert to_dict(Model(Recurrent(Dot())))["decoder"]["attention"] == "dot"


def test_differing_kinds_are_one_difference() -> None:
    assert differences(Model(Recurrent(Dot())), Model(Recurrent(Additive()))) == ["decoder.attention"]
    assert differences(Model(Recurrent()), Model(Transformer())) == [
        "decoder.kind",
        "decoder.attention.kind",
        "decoder.attention.dim",
        "decoder.dim",
        "decoder.heads",
    ]


@pytest.mark.parametrize("value", [r"C:\data\val.en", r"C:\Users\me", r"C:\xyz"])
def test_a_backslash_in_double_quotes_gets_advice(value: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(f'[data]\nsource = "{value}"\n')
    with pytest.raises(UserError, match=r"line 2.*; in double quotes a backslash .*: use / in paths, or single quotes"):
        load(path, Recipe)
    path.write_text("[data\n")
    with pytest.raises(UserError) as caught:
        load(path, Recipe)
    assert "double quotes" not in str(caught.value)


def test_a_value_is_shown_as_a_recipe_writes_it() -> None:
    model = Model(Recurrent(Additive(3)))
    keys = ("decoder.attention.dim", "decoder.attention", "decoder", "second", "decoder.no.such")
    assert [shown(model, key) for key in keys] == ["3", '"additive"', '"recurrent"', '"none"', '"none"']


def test_the_table_may_be_completed_before_it_is_read(tmp_path: Path) -> None:
    def complete(table: dict[str, Any]) -> list[str]:
        table["data"] = DATA
        return ["one mistake"] if table.get("name") == "wrong" else []

    path = tmp_path / "recipe.toml"
    path.write_text("")
    assert load(path, Recipe, ["seed=3"], complete) == from_dict(Recipe, {"data": DATA, "seed": 3})
    with pytest.raises(UserError, match="one mistake"):
        load(path, Recipe, ["name=wrong"], complete)
