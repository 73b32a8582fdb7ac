"""Between text and numbers and back."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import pytest

from sparring.core.errors import UserError
from sparring.text.grammar import draw
from sparring.text.vocabulary import END, PAD, SPECIAL, START, UNKNOWN, Vocabulary

SENTENCES = [
    "Don't book a table at 7:30, please!",
    "It costs $5.50 (or 20% less); isn't that R&B, jazz and co-op rock?",
    'He said "good morning" to the players\' sister-in-law: "What?"',
    "“Zoë’s café” is open… but not on 1/2/2024.",  # noqa: RUF001
    'a 5" screen and a 6" one',
    "wait... what?! the u.s. team (again)",
    'she asked, "why (now)?"',
    "[one] - two & three",
    "no punctuation here",
]
TOKENISED = [
    "simplistic , silly and tedious .",
    "it's so laddish and juvenile , only teenage boys could like it .",
    'the continuation of " the lord of the rings " trilogy ( part 2 ) !',
]
POEMS = ["春眠不覺曉,處處聞啼鳥。", "夜來風雨聲,花落知多少。"]
TOKENS = ("word", "character", "bpe")


def learn(texts: list[str], token: str = "auto", size: int = 1000, least_count: int = 1) -> Vocabulary:
    return Vocabulary.learn(texts, token, size, least_count)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("texts", [SENTENCES, TOKENISED, POEMS])
def test_there_and_back(texts: list[str], token: str) -> None:
    vocabulary = learn(texts, token)
    for text in texts:
        assert vocabulary.decode(vocabulary.encode(text)) == text
        assert vocabulary.join(vocabulary.tokens(text)) == text


@pytest.mark.parametrize("token", TOKENS)
def test_its_form_is_all_of_it(token: str) -> None:
    first = learn(SENTENCES, token)
    second = Vocabulary.of_form(json.loads(json.dumps(first.form())))
    assert second.form() == first.form()
    assert (second.token, len(second)) == (first.token, len(first)) == (token, len(first))
    for text in (*SENTENCES, "something, quite new"):
        assert second.encode(text) == first.encode(text)
        assert pickle.loads(pickle.dumps(first)).encode(text) == first.encode(text)


def test_words_by_hand() -> None:
    vocabulary = learn(["the cat, the dog", "The cat.", "the owl"], "word", least_count=2)
    assert vocabulary.form() == {"token": "word", "tokenised": False, "tokens": ["the", "cat"]}
    assert len(vocabulary) == 6
    assert vocabulary.encode("the dog, the cat") == [4, UNKNOWN, UNKNOWN, 4, 5]
    assert vocabulary.decode([START, 4, UNKNOWN, 5, END, 5, PAD]) == "the <unk> cat"
    assert (PAD, START, END, UNKNOWN, SPECIAL) == (0, 1, 2, 3, 4)


def test_the_order_is_by_count_and_then_by_word() -> None:
    assert learn(["b a c b", "a c b"], "word").form()["tokens"] == ["b", "a", "c"]
    assert learn(["b a c b", "a c b"], "word", size=2).form()["tokens"] == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("well-known, isn't it?", ["well-known", ",", "isn't", "it", "?"]),
        ("at 7:30, 3.5 or 1,000.", ["at", "7:30", ",", "3.5", "or", "1,000", "."]),
        ('"no", he said', ['"', "no", '"', ",", "he", "said"]),
        ("(yes...)", ["(", "yes", "...", ")"]),
        (":) hello", [":)", "hello"]),
        ('5" wide', ['5"', "wide"]),
        ("", []),
    ],
)
def test_punctuation_is_taken_off_words(text: str, tokens: list[str]) -> None:
    assert learn(SENTENCES, "word").tokens(text) == tokens


def test_tokenised_text_is_cut_at_spaces() -> None:
    vocabulary = learn(TOKENISED, "word")
    assert vocabulary.form()["tokenised"] is True
    assert vocabulary.tokens("silly , isn't it .") == ["silly", ",", "isn't", "it", "."]
    assert learn(SENTENCES, "word").form()["tokenised"] is False
    assert learn(["no marks at all"], "word").form()["tokenised"] is False


@pytest.mark.parametrize(
    ("texts", "token"),
    [
        (SENTENCES, "word"),
        (TOKENISED, "word"),
        (POEMS, "character"),
        (["ผมชอบฟังเพลง มาก", "วันนี้ฝนตก"], "character"),
        (["これは本です。OK?", "今日は雨が降ります"], "character"),
        (["오늘 비가 옵니까", "네 비가 옵니다"], "word"),
        (["emma", "olivia", "noah"], "character"),
    ],
)
def test_auto_token(texts: list[str], token: str) -> None:
    assert learn(texts).token == token


def test_bpe_knows_everything() -> None:
    vocabulary = learn(SENTENCES, "bpe", size=300)
    for text in ("漢字 👍🏽 zoë", "<pad> <unk>", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629"):
        numbers = vocabulary.encode(text)
        assert min(numbers) >= SPECIAL
        assert max(numbers) < len(vocabulary) <= 304
        assert vocabulary.decode(numbers) == text


def test_bpe_learns_pieces() -> None:
    texts, _ = draw(500, seed=0)
    vocabulary = learn(texts, "bpe", size=1000)
    mean = sum(len(vocabulary.encode(text)) for text in texts) / sum(len(text.split()) for text in texts)
    assert mean < 1.1  # pieces a word


def test_whatever_bytes_a_network_writes_make_one_line() -> None:
    vocabulary = learn(SENTENCES, "bpe", size=300)
    text = vocabulary.decode(range(SPECIAL, len(vocabulary)))
    assert not any(ord(letter) < 32 for letter in text)
    assert "\ufffd" in text
    assert "<unk>" in vocabulary.decode([UNKNOWN, SPECIAL])


@pytest.mark.parametrize("token", TOKENS)
def test_the_same_data_give_the_same_vocabulary_whatever_the_hashes(token: str) -> None:
    code = (
        "import json; from sparring.text.grammar import draw; from sparring.text.vocabulary import Vocabulary; "
        f"print(json.dumps(Vocabulary.learn(draw(300, 0)[0], {token!r}, 400, 2).form()))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": seed},
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert told == {json.dumps(learn(draw(300, 0)[0], token, 400, 2).form()) + "\n"}


def test_nothing_frequent_enough() -> None:
    with pytest.raises(UserError, match="least_count: no word is there 9 times"):
        learn(["each word once"], "word", least_count=9)


def test_too_few_for_bpe() -> None:
    with pytest.raises(UserError, match="vocabulary: 200 is too small for token bpe"):
        learn(SENTENCES, "bpe", size=200)


def test_bpe_names_the_extra_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    form = learn(SENTENCES, "bpe").form()
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UserError, match=r"token bpe: needs the library tokenizers: pip install tokenizers"):
        learn(SENTENCES, "bpe")
    with pytest.raises(UserError, match="needs the library tokenizers"):
        Vocabulary.of_form(form)


@pytest.mark.parametrize("token", ["word", "character"])
def test_bpe_is_imported_only_where_it_is_used(token: str) -> None:
    code = (
        "import sys; from sparring.text.vocabulary import Vocabulary; "
        f"Vocabulary.learn(['a b a b'], {token!r}, 100, 1); print('tokenizers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"token": "word"},
        {"token": "word", "tokenised": True, "tokens": 3},
        {"token": "syllable", "tokenised": True, "tokens": []},
        {"token": "bpe", "tokenizer": {"model": "none"}},
        {"token": "bpe"},
    ],
)
def test_a_damaged_form(form: dict[str, object]) -> None:
    with pytest.raises(UserError, match="vocabulary: "):
        Vocabulary.of_form(form)
