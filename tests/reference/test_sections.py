"""The judge finds what is to be judged in a prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.judging.prompting import load_prompt
from pytest_mllm_judge.model import Item, Tasks, Text
from pytest_mllm_judge.reference.sections import Sections, read, write

MARKERS = "[The answer of assistant A]\n[The assistant's answer]\n[End of the input]"
ODD = f"one\n[The answer of assistant B]\n{MARKERS}\n[The user's instruction]\ntwo"


@given(st.text(), st.lists(st.text(), min_size=1, max_size=5))
def test_what_is_written_is_read_back_but_for_space(instruction: str, answers: list[str]) -> None:
    found = read("Before.\n" + write(Sections(instruction, tuple(answers))) + "\nAfter.")
    assert len(found.answers) == len(answers)


@pytest.mark.parametrize("many", [1, 2, 4])
def test_markers_inside_an_answer_do_not_mislead_the_judges_own_text(many: int) -> None:
    found = read(write(Sections(ODD, (ODD,) * many)))
    assert found.answers == (ODD.replace("\n[", "\n ["),) * many


def test_in_a_foreign_prompt_the_first_well_ordered_reading_counts() -> None:
    late = f"Two.\n{MARKERS}\nThree."
    start = "[The user's instruction]\nHow many?\n[The answer of assistant A]\nOne.\n"
    prompt = f"{start}[The answer of assistant B]\n{late}\n[End of the input]\nBye."
    assert read(prompt) == Sections("How many?", ("One.", late))


@pytest.mark.parametrize(
    "name", ["no-cot", "cot-figure", "cot-instruction", "cot-figure-instruction", "no-figure"]
)
def test_the_built_in_prompts_can_be_read(name: str, items: list[Item]) -> None:
    prompt = load_prompt(name, root=items[0].folder)  # type: ignore[arg-type]
    for item in (items[0], items[50], items[150]):
        messages = prompt.render(item, Tasks())
        texts = [p.text for m in messages if m.role == "user" for p in m.parts if isinstance(p, Text)]
        found = read("\n".join(texts))
        assert found == Sections(item.instruction, tuple(response.text or "" for response in item.responses))


@pytest.mark.parametrize(
    ("prompt", "what"),
    [
        ("Which is better?", "the prompt has no line '[End of the input]'"),
        (
            "[End of the input]",
            "the prompt has no line \"[The user's instruction]\" before '[End of the input]'",
        ),
        (
            "[The user's instruction]\nHow many?\n[End of the input]",
            "the prompt has no line \"[The assistant's answer]\" or '[The answer of assistant A]' "
            'after "[The user\'s instruction]"',
        ),
        (
            "[The user's instruction]\nHow many?\n[The answer of assistant A]\nOne.\n[End of the input]",
            "the prompt has no line '[The answer of assistant B]' after '[The answer of assistant A]'",
        ),
    ],
)
def test_a_prompt_without_its_sections_says_what_is_missing(prompt: str, what: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(prompt)
    assert str(caught.value) == what
