"""Whether a reply says that it saw no picture: how judges have said so, and what is no such saying."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mllm_judge.judging.parsing.unseen import no_picture

SAYS_SO = [
    "You did not provide images from Model A and Model B for me to compare.",
    "Please provide the “Model A Edited Image” and the rest. Please provide me with both generated images.",
    "I cannot provide a judgment without the actual images to compare.",
    "There are no edited images from Model A and Model B provided for comparison.",
    "I cannot provide a response as I am unable to process any visual input.",
    "Model B's edited image is not provided for evaluation.",
    "Model B Edited Image: [Image not provided]",
    "I can’t see the image.",
    "I do not have access to the edited images",
    "Without the ability to view the actual videos, it is not possible to say more. [[A>B]]",
    "We would need to see both pictures.",
    "The context does not contain the actual images.",
    "I cannot provide an adequate response as the source image is missing.",
    "I am a text-based AI.",
    "I can only process text.",
    "很抱歉，我无法看到这张图片。",
]
OF_A_PICTURE_SEEN = [
    "The answer says five circles, and I see three. [[2]]",
    "I do not see any artifacts in either image.",
    "I cannot see the image quality in detail, but A is sharper.",
    "We need to see if the images have the same content.",
    "The frisbee in the image is missing.",
    "The menacing figure is missing, a deviation from the prompt.",
    "The image does not include a bride.",
    "Model A provided an image that is not what was asked for.",
    "The prompt does not provide a clear direction for the image.",
    "Can you please provide me with the code to generate an image?",
    "Please provide two AI image generation models.",
    "Both images are of good quality, and neither is clearly better.",
    "I cannot say which image is better.",
    "",
]


@pytest.mark.parametrize("text", SAYS_SO)
def test_a_reply_that_says_that_it_saw_no_picture_is_known(text: str) -> None:
    assert no_picture(text)
    assert no_picture(f'{{"Analysis": "{text}", "Judgement": "[[A]]"}}')


@pytest.mark.parametrize("text", OF_A_PICTURE_SEEN)
def test_a_reply_about_a_picture_that_was_seen_is_none(text: str) -> None:
    assert no_picture(text) is None


def test_the_sentence_is_quoted() -> None:
    assert no_picture("Well. You did not provide\tthe image! [[A]]") == "'You did not provide the image'"


def test_the_beginning_and_the_end_of_a_long_reply_are_read() -> None:
    long = "A is better. " * 300
    assert no_picture(long + "Please provide the images.")
    assert no_picture("Please provide the images. " + long)
    assert no_picture(long + "Please provide the images. " + long) is None


WORDS = ["image", "no", "not", "provide", "please", "you", "the", "without", "see", "did", "图", "."]


@settings(max_examples=30, deadline=500)
@given(st.lists(st.sampled_from(WORDS), max_size=900))
def test_no_text_takes_long(words: list[str]) -> None:
    no_picture(" ".join(words))


@pytest.mark.parametrize("judge", ["gpt4o", "gemini-1.5-pro"])
def test_judges_that_were_shown_the_pictures_do_not_say_so(shared: Path, judge: str) -> None:
    file = shared / "genai_bench" / f"verdicts_{judge}.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        replies = [json.loads(line)["response"] for line in lines]
    assert len(replies) == 3723
    assert [reply for reply in replies if no_picture(reply)] == []
