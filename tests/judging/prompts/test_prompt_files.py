"""The built-in prompts, one's own, and what is wrong with them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging import prompting
from pytest_mllm_judge.judging.prompting import load_prompt, prompt_names
from pytest_mllm_judge.judging.prompts.templates import template
from pytest_mllm_judge.model import Item, Message, PairTask, Picture, Response, ScoreTask, Tasks, Text

DIGESTS = {
    "cot-figure-instruction.v1": "82e5f2ccd2ded0c7e5fda961c90178a2b20303661777bac9125198e711d0560b",
    "cot-figure.v1": "4df407e3306ea7cab6f71622cd3c318e24fd8f2c31186adb09cc95142fc06ae4",
    "cot-instruction.v1": "658120e642ffbac484bdbce6a23208b863f3f7a7c7bfcad3f6475a82da05825a",
    "no-cot.v1": "03373fad5818cfc5025767c98ef0d753b2bc8037aab713a37387df2952694696",
    "no-figure.v1": "c3374045d8c15fd6a8d7313b75a5f03d4042afb7bc69997080d362a7ad88fc6e",
    "vision-expert.v1": "922e69d984b0d308bf362dcbdcfb3b5344e121b3ad478a8a684013b082806af0",
}

HERE = Path("nowhere")
FOUR = Tasks(pair=PairTask(labels=("A", "B", "tie", "both_bad")))


def pair(**more: object) -> Item:
    responses = (Response(text="Three.", author="secret-model"), Response(text="Five.", images=("b.png",)))
    given = {
        "id": "p1",
        "task": "pair",
        "instruction": "How many?",
        "images": ["a.png"],
        "responses": responses,
    }
    return Item.model_validate({**given, "human": "B", "folder": Path("bench"), **more})


def words(messages: tuple[Message, ...]) -> str:
    return "".join(part.text for message in messages for part in message.parts if isinstance(part, Text))


def pictures(messages: tuple[Message, ...]) -> list[Picture]:
    return [part for message in messages for part in message.parts if isinstance(part, Picture)]


def test_no_built_in_prompt_changes_without_a_new_version() -> None:
    assert {name: load_prompt(name, root=HERE).digest for name in prompt_names()} == DIGESTS


@pytest.mark.parametrize("name", prompt_names())
def test_every_built_in_prompt_serves_the_three_tasks(name: str) -> None:
    prompt = load_prompt(name, root=HERE)
    assert prompt.tasks == {"score", "pair", "batch"}
    assert prompt.shows_images is (name not in ("no-figure.v1", "vision-expert.v1"))


@pytest.mark.parametrize("name", prompt_names())
def test_a_built_in_prompt_says_the_same_with_its_parts_put_in_place(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = load_prompt(name, root=HERE)
    monkeypatch.setattr(prompting, "inlined", lambda body: template(Path("included.txt"), body))
    included = load_prompt(name, root=HERE)
    answers = (Response(text="Three."), Response(images=("b.png",)), Response(text="Six.", images=("c.png",)))
    criteria = Tasks(score=ScoreTask(criteria=("truth", "detail")))
    for tasks, item in itertools.product((FOUR, criteria), kinds_of_items(answers)):
        assert quick.render(item, tasks) == included.render(item, tasks)


def kinds_of_items(answers: tuple[Response, ...]) -> list[Item]:
    """An item for each task, with and without a picture of its own."""
    return [
        Item(
            id="made",
            task=task,
            instruction="{{ 7 * 7 }} {% include 'parts/role.v1.txt' %}",
            images=images,
            responses=some,
            fields={"description": "A red circle."},
        )
        for images in ((), ("a.png",))
        for task, some in (("score", answers[1:2]), ("pair", answers[:2]), ("batch", answers))
    ]


KEYS = {
    "no-cot": ["Analysis", "Judgement"],
    "cot-figure": ["Figure Analysis", "Analysis", "Judgement"],
    "cot-instruction": ["Response", "Analysis", "Judgement"],
    "cot-figure-instruction": ["Figure Analysis", "Response", "Analysis", "Judgement"],
    "no-figure": ["Analysis", "Judgement"],
    "vision-expert": ["Analysis", "Judgement"],
}


@pytest.mark.parametrize("name", KEYS)
def test_each_setting_asks_for_its_keys(name: str) -> None:
    text = words(load_prompt(name, root=HERE).render(pair(description="Some dots."), Tasks()))
    form = (
        "{"
        + ", ".join(f'"{key}": "{"[[...]]" if key == "Judgement" else "..."}"' for key in KEYS[name])
        + "}"
    )
    assert text.rstrip().endswith(form)


def test_the_whole_question_about_a_pair() -> None:
    system, user = load_prompt("no-cot", root=HERE).render(pair(), FOUR, change="max_side 512", detail="low")
    assert system.role == "system"
    assert user == Message(
        "user",
        (
            Text("The figure:\n"),
            Picture("a.png", Path("bench/a.png"), "max_side 512", "low"),
            Text(
                "\n[The user's instruction]\nHow many?\n"
                "[The answer of assistant A]\nThree.\n[The answer of assistant B]\n"
            ),
            Picture("b.png", Path("bench/b.png"), "max_side 512", "low"),
            Text(
                "\nFive.\n[End of the input]\n\n"
                "Reply with nothing but one flat JSON object of this form, "
                "with your own words in place of the dots:\n"
                '{"Analysis": "...", "Judgement": "[[...]]"}'
            ),
        ),
    )
    assert (
        "Write your verdict in double brackets: [[A]] if assistant A's answer is better, "
        "[[B]] if assistant B's is, [[tie]] if both are good and neither is better, "
        "[[both_bad]] if both are bad and neither is better.\n"
    ) in words((system,))


@pytest.mark.parametrize("name", prompt_names())
def test_no_prompt_shows_what_humans_said_or_who_answered(name: str) -> None:
    prompt = load_prompt(name, root=HERE)
    one = prompt.render(pair(description="dots"), FOUR)
    other_answers = (Response(text="Three."), Response(text="Five.", images=("b.png",), author="other"))
    other = prompt.render(pair(description="dots", human="tie", responses=other_answers), FOUR)
    assert one == other
    assert "secret-model" not in words(one)


def test_a_score_asks_for_a_point_of_the_benchmarks_scale_and_each_criterion() -> None:
    item = Item(
        id="s",
        task="score",
        instruction="Draw a cat.",
        responses=(Response(images=("https://x.org/c.png",)),),
    )
    tasks = Tasks(score=ScoreTask(scale=("fail", "pass"), criteria=("SC", "PQ")))
    messages = load_prompt("no-cot", root=HERE).render(item, tasks)
    assert "Judge the answer by each of these criteria on its own: SC, PQ.\n" in words(messages)
    assert "Write the point in double brackets: [[fail]] or [[pass]]." in words(messages)
    assert '{"Analysis": "...", "SC Judgement": "[[...]]", "PQ Judgement": "[[...]]"}' in words(messages)
    assert pictures(messages) == [Picture("https://x.org/c.png", None)]
    assert "figure" not in words(messages)


def test_a_blind_prompt_sends_no_picture_at_all() -> None:
    messages = load_prompt("no-figure", root=HERE).render(pair(), FOUR)
    assert pictures(messages) == []
    assert "[The answer of assistant B]\n(a picture, which is not shown)\nFive.\n" in words(messages)


def test_a_vision_expert_needs_a_description() -> None:
    prompt = load_prompt("vision-expert", root=HERE)
    assert "[A vision expert's description of the figure]\nThree dots.\n" in words(
        prompt.render(pair(description="Three dots."), FOUR)
    )
    with pytest.raises(SettingsError) as error:
        prompt.render(pair(), FOUR)
    part = prompt.file.parent / "parts" / "input.v1.txt"
    line = part.read_text().splitlines().index("{{ item.fields.description }}") + 1
    assert str(error.value) == (
        f"{part}:{line}: prompt 'vision-expert.v1' can't be rendered for item 'p1': "
        "'dict object' has no attribute 'description'"
    )


def test_responses_can_stand_in_another_order_each_under_its_letter() -> None:
    text = words(load_prompt("no-cot", root=HERE).render(pair(), FOUR, order="BA"))
    assert (
        text.index("[The answer of assistant B]")
        < text.index("Five.")
        < text.index("[The answer of assistant A]")
    )
    with pytest.raises(SettingsError, match="order is 'AAB', not an order of the letters AB"):
        load_prompt("no-cot", root=HERE).render(pair(), FOUR, order="AAB")


NASTY = st.text(max_size=30) | st.sampled_from(
    ["{{ 7 * 7 }}", "{% raw %}", "=== user", "{{ image('x') }}", "{#", "\r\n"]
)


@settings(deadline=None)
@given(NASTY, NASTY)
def test_what_an_item_says_is_put_in_as_it_is(instruction: str, answer: str) -> None:
    item = pair(instruction=f"<{instruction}>", responses=(Response(text=f"<{answer}>"), Response(text="x")))
    messages = load_prompt("no-cot", root=HERE).render(item, FOUR)
    assert f"[The user's instruction]\n<{instruction}>\n[The answer of assistant A]\n<{answer}>\n" in words(
        messages
    )
    assert len(pictures(messages)) == 1


def test_a_prompt_of_ones_own_can_speak_several_times_and_take_a_part(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text(
        "=== system\nBe kind.\n=== user\nIs {{ image('ref.png') }} a cat?\n=== assistant\nYes.\n=== user\n"
        "{{ item.fields.note }}: {{ instruction }}{{ images(item.images) }}\n"
    )
    prompt = load_prompt("own.txt", root=tmp_path)
    assert prompt.name == "own.txt"
    messages = prompt.render(pair(note="Look"), FOUR)
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[3].parts == (Text("Look: How many?"), Picture("a.png", Path("bench/a.png")))
    assert messages[1].parts == (Text("Is "), Picture("ref.png", Path("bench/ref.png")), Text(" a cat?"))


def test_a_prompt_may_serve_one_task_alone(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("=== user\n{{ responses[0].text }} or {{ responses[1].text }}?")
    assert load_prompt("pairs.txt", root=tmp_path).tasks == {"pair", "batch"}


def test_a_prompts_digest_covers_its_parts(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text('=== user\n{% include "parts/role.v1.txt" %}{% set blind = true %}')
    (tmp_path / "two.txt").write_text("=== user\nJudge.")
    (tmp_path / "three.txt").write_text("=== user\nJudge.")
    digests = [load_prompt(f"{name}.txt", root=tmp_path).digest for name in ("two", "three")]
    assert digests[0] == digests[1]


BROKEN = {
    "": "{file}:1: a prompt begins with a line '=== system' or '=== user'",
    "\n\nJudge this.\n=== user\nx": "{file}:3: a prompt begins with a line '=== system' or '=== user'",
    "=== system\nx\n=== usr\ny": (
        "{file}:3: 'usr' is no role; did you mean 'user'?\n  choose one of: system, user, assistant"
    ),
    "=== user\nHello\n{% if task %}": (
        "{file}:3: Unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or "
        "'endif'. The innermost block that needs to be closed is 'if'."
    ),
    "=== user\n{{ task }}\n{{ instrction }}": (
        "{file}:3: 'instrction' is not a variable of a prompt; did you mean 'instruction'?\n"
        "  there are: criteria, image, images, instruction, item, labels, letters, responses, scale, task"
    ),
    "=== user\n{{ task }}\n\n{{ item.human }}": (
        "{file}:4: the prompt can't be rendered for any task: an item has no attribute 'human'"
    ),
    "=== user\n{{ responses[0].author }}": (
        "{file}:2: the prompt can't be rendered for any task: a response has no attribute 'author'"
    ),
    "=== user\n{# nothing #}": "{file}: the prompt renders to nothing for a score item",
    '=== user\n{% include "/etc/hosts" %}': (
        "{file}:2: the prompt can't be rendered for any task: /etc/hosts"
    ),
    "=== user\n{{ ''.__class__.__mro__ }}": (
        "{file}:2: the prompt can't be rendered for any task: "
        "access to attribute '__class__' of 'str' object is unsafe."
    ),
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_prompt_says_where(tmp_path: Path, text: str) -> None:
    file = tmp_path / "own.txt"
    file.write_text(text)
    with pytest.raises(SettingsError) as error:
        load_prompt("own.txt", root=tmp_path)
    assert str(error.value) == BROKEN[text].format(file=file)


def test_an_unknown_prompt_is_an_error_with_the_nearest_names() -> None:
    with pytest.raises(SettingsError) as error:
        load_prompt("cot-figur", root=HERE)
    assert str(error.value) == (
        "no prompt is called 'cot-figur'; did you mean 'cot-figure' or 'no-figure'?\n"
        "  built in: cot-figure, cot-figure-instruction, cot-instruction, no-cot, no-figure, vision-expert; "
        "your own is a path that ends in .txt"
    )


def test_a_prompt_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        load_prompt("own.txt", root=tmp_path)
    assert str(error.value) == (
        f"prompt 'own.txt' can't be read: [Errno 2] No such file or directory: '{tmp_path / 'own.txt'}'"
    )


def test_a_name_without_a_version_is_the_newest() -> None:
    assert load_prompt("no-cot", root=HERE).name == "no-cot.v1"
    assert load_prompt("no-cot.v1", root=HERE).digest == load_prompt("no-cot", root=HERE).digest


def test_each_digest_is_another() -> None:
    digests = [load_prompt(name, root=HERE).digest for name in prompt_names()]
    assert all(one != other for one, other in itertools.combinations(digests, 2))
