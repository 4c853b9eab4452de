"""Whether a reply says that there was no picture to look at, be there a verdict in it or not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mllm_judge.judging.parsing.problems import EDGE, GIVEN, PICTURE
from pytest_mllm_judge.judging.parsing.readings import quoted

_WORDS = r"(?:(?!(?:in|on|of|if|whether|between|how|what|code|prompts?|generate)\b)[\w'\"-]+\s+){0,8}?"
"""What may stand between "see" and "images": not "artifacts in either"."""
_SEEN = rf"(?:{PICTURE}|visual\s+(?:data|content|information|input)s?)"
_ISN_T = r"(?:(?:is|are|was|were|has|have)\s+(?:not|never)|(?:is|are|was|were|has|have)n't)"
_CAN_T = (
    r"(?:cannot|can\s+not|can't|could\s+not|couldn't|do\s+not|don't|did\s+not|didn't|unable\s+to|not\s+able\s+to|"
    r"without\s+being\s+able\s+to|(?:ability|capability|capacity|functionality|capable)\s+(?:to|of))"
)
_LOOK = r"(?:see|view|access|receive|open|perceive|process|interpret|have\s+access\s+to)(?:ing)?"
_DID_N_T = r"(?:have\s+not|haven't|did\s+not|didn't)"
_GIVE = r"(?:provided?|included?|attach(?:ed)?|upload(?:ed)?|shared?|suppl(?:y|ied)|give|given|sent|send)"
_THEM_ALONE = (  # "I can't see the images", and not "I can't see the image quality"
    r"(?=\s*(?:[),;:\"]|$)|\s+(?:links?|you|that\s+you|from|by|of|generated|produced|edited|provided|attached|here|so|to|"
    r"or|and|as|because|since|directly|in\s+(?:this|our|your|the)\s+(?:conversation|chat|message|prompt|request))\b)"
)
_NO_PICTURE = re.compile(
    "|".join(
        (
            rf"\b{PICTURE}\s+{_WORDS}{_ISN_T}\s+(?:been\s+)?(?:actually\s+)?{GIVEN}\b",
            rf"\b{PICTURE}\s+not\s+{GIVEN}\b",
            r"(?<!in\sthe\s)(?<!of\sthe\s)\b(?:images?|pictures?|photos?)\s+"
            r"(?:(?:for|from|by)\s+[\w ]{1,40}?\s)?(?:is|are)\s+missing"
            r"(?=\s*(?:[),;:]|$)|\s+from\s+the\s+(?:context|prompt|request))",
            rf"\b(?:no|without(?:\s+the)?)\s+(?:\w+\s+)?{PICTURE}\s+(?:\w+\s+){{0,6}}{GIVEN}\b",
            r"\b(?:context|prompt|request|message|input)\b[^\n]{0,60}?\b(?:does\s+not|doesn't)\s+"
            rf"(?:contain|include|provide)\s+(?:(?:the|any|an?|actual|edited|generated|source)\s+){{0,3}}{PICTURE}\b",
            rf"\byou\s+{_DID_N_T}\s+{_GIVE}\b[^\n]{{0,60}}?\b{PICTURE}\b",
            rf"\bplease\s+(?:provide|share|upload|attach|send|supply)\s+{_WORDS}{PICTURE}\b(?!\s+\w+ion\b)",
            rf"\bneed\s+(?:to\s+(?:see|view|have|be\s+(?:shown|given))|access\s+to)\s+{_WORDS}{PICTURE}\b",
            rf"\b{_CAN_T}\s+(?:\w+ly\s+|actually\s+)?{_LOOK}(?:\s+(?:or|and)\s+\w+)?\s+"
            rf"(?:any\s+of\s+)?{_WORDS}{_SEEN}\b{_THEM_ALONE}",
            rf"\b(?:without\s+(?:access\s+to|seeing|viewing)|no\s+access\s+to(?:\s+view)?)\s+{_WORDS}{_SEEN}\b",
            rf"\bwithout\s+(?:the\s+)?actual\s+{_WORDS}{PICTURE}\b",
            r"\bI(?:\s+am|'m)\s+(?:only\s+)?an?\s+text-(?:based|only)\b|\bI\s+can\s+only\s+(?:process|read)\s+text\b",
            r"(?:没有|未)(?:提供|看到|收到)[^。\n]{0,10}图|无法(?:看到|查看)[^。\n]{0,10}图",
        )
    ),
    re.I,
)
_LACKS = re.compile(
    r"not\b|n't|\bno\b|please|need|without|unable|ability|capa|missing|text-|only|[没未无]", re.I
)
_SHOWN = re.compile(r"image|picture|photo|figure|video|visual|text|图", re.I)
"""One of each stands in every sentence that says so: most sentences need no second look."""
_SENTENCE = re.compile(r"[^.!?。\n]+")


def no_picture(text: str) -> str | None:
    """The sentence, in quotes, in which a reply says that it was given no picture, or can't see one."""
    for sentence in _sentences(text.replace("’", "'")):
        if _LACKS.search(sentence) and _SHOWN.search(sentence) and _NO_PICTURE.search(sentence):
            return quoted(sentence.strip(), limit=120)
    return None


def _sentences(text: str) -> Iterator[str]:
    """The sentences at a reply's beginning and its end, where a judge says what it lacks."""
    edges = (text,) if len(text) <= 2 * EDGE else (text[:EDGE], text[-EDGE:])
    for edge in edges:
        yield from _SENTENCE.findall(edge)
