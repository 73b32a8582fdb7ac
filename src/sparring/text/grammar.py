"""The bundled set ``topics``: requests and statements on six topics, from a grammar whose probabilities are known.

Every sentence of a topic can be made in one way only, and on no other topic. So what a trained generator writes can
be measured exactly: whether it is a sentence at all, of which topic and style, and how likely it should have been.

What makes it hard: a verb has the number of a noun that stands some words before it, with nouns of another number
between them; the words of time at the end fit a verb at the beginning; a question asked within a question has the
order of words of a statement.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

# A table gives each slot its choices, parted by strokes; the first is the most likely (WEIGHT). In a choice {slot} is
# filled in turn, and one|two is the first word where the number is singular, the second where it is plural. A slot
# has the number of the choice that it stands in, but {slot*} either one, {slot+} the plural; {slot?} may be left out.
# What a topic says of a slot comes before what all have in common.
COMMON = {
    "sentence": "{plain} / {polite}",
    "plain": "{command} / {question} / {statement*} / i want {wish}",
    "polite": """
        could you {command} / {asking} {indirect} / please {command} / i would like {wish} / i fear {statement*}""",
    "asking": "do you know / may i ask / i wonder",
    "command": "{verb} {thing*} {service}",
    "service": "for me / for us / again / at once / for my {person+}",
    "wish": "to {verb} {thing*} {future?}",
    "question": "{about*} / how many {noun+} do we {use} {now?} / how much {mass} do we {use} {now?}",
    "about": """
        is|are {thing} {state} {now?} / when does|do {thing} {act+} / will {thing} be {state} {future?}
        / did {thing} {act+} {past?} / why is|are {thing} {state} {now?} / was|were {thing} {state} {past?}""",
    "indirect": "{whether*} / how many {noun+} we {use} {now?} / how much {mass} we {use} {now?}",
    "whether": """
        whether {thing} is|are {state} {now?} / when {thing} {act} / whether {thing} will be {state} {future?}
        / why {thing} is|are {state} {now?} / whether {thing} was|were {state} {past?}""",
    "statement": """
        {thing} is|are {state} {now?} / my {person} wants|want to {verb} {thing*} / {thing} {act} {now}
        / {thing} will {act+} {future} / {thing} was|were {state} {past?}""",
    "thing": "{the} {noun} {which} / {the} {kind} {noun} / {the} {noun}",
    "the": "the / this|these / that|those / my",
    "person": "friend|friends / sister|sisters / neighbour|neighbours",
    "now": "today / now / this week",
    "past": "yesterday / last night / last week",
    "future": "tomorrow / next week / on monday / later",
    "city": "london / paris / rome / oslo",
}
TOPICS = {
    "food": {
        "noun": "pizza|pizzas / soup|soups / salad|salads / cake|cakes",
        "kind": "hot / fresh / spicy / sweet",
        "which": "with {filling*} / from {shop*}",
        "filling": "{the} mushroom|mushrooms / {the} lemon|lemons",
        "shop": "{the} bakery|bakeries / {the} market|markets",
        "state": "ready / good / salty / healthy",
        "act": "tastes|taste good / needs|need salt / smells|smell burnt",
        "verb": "order / cook / try / share",
        "mass": "rice / bread / butter",
        "use": "eat / buy / need",
    },
    "home": {
        "noun": "lamp|lamps / heater|heaters / door|doors / alarm|alarms",
        "kind": "old / new / white / broken",
        "which": "in {room*} / behind {piece*}",
        "room": "{the} kitchen|kitchens / {the} bedroom|bedrooms",
        "piece": "{the} sofa|sofas / {the} curtain|curtains",
        "state": "safe / clean / broken / dirty",
        "act": "works|work / makes|make noise / uses|use power",
        "verb": "check / repair / replace / clean",
        "mass": "power / water / heat",
        "use": "use / waste / need",
    },
    "music": {
        "noun": "song|songs / album|albums / concert|concerts / ballad|ballads",
        "kind": "slow / famous / loud / new",
        "which": "by {artist*} / about {theme*}",
        "artist": "{the} singer|singers / {the} band|bands",
        "theme": "{the} river|rivers / {the} dream|dreams",
        "state": "popular / sad / famous / beautiful",
        "act": "sounds|sound good / starts|start / wins|win prizes",
        "verb": "play / find / download / recommend",
        "mass": "jazz / folk / opera",
        "use": "play / hear / like",
    },
    "sport": {
        "noun": "match|matches / game|games / race|races / final|finals",
        "kind": "first / local / national / second",
        "which": "against {team*} / in {place*}",
        "team": "{the} champion|champions / {the} rival|rivals",
        "place": "{the} stadium|stadiums / {the} park|parks",
        "state": "over / exciting / fair / important",
        "act": "begins|begin / ends|end / takes|take place",
        "verb": "watch / follow / film / miss",
        "mass": "training / practice / luck",
        "use": "need / have / miss",
    },
    "travel": {
        "noun": "train|trains / bus|buses / flight|flights / ferry|ferries",
        "kind": "early / late / direct / cheap",
        "which": "to {stop*} / from {city} / near {sight*}",
        "stop": "{the} airport|airports / {the} harbour|harbours",
        "sight": "{the} museum|museums / {the} castle|castles",
        "state": "full / late / delayed / comfortable",
        "act": "leaves|leave / arrives|arrive / turns|turn back",
        "verb": "book / catch / take / cancel",
        "mass": "luggage / time / money",
        "use": "need / take / have",
    },
    "weather": {
        "the": "the / this|these / that|those / every|all",
        "noun": "storm|storms / shower|showers / cloud|clouds / flood|floods",
        "kind": "heavy / dark / sudden / strong",
        "which": "over {land*} / near {city} / along {water*}",
        "land": "{the} mountain|mountains / {the} valley|valleys",
        "water": "{the} coast|coasts / {the} lake|lakes",
        "state": "dangerous / close / unusual / harmless",
        "act": "arrives|arrive / moves|move south / brings|bring rain",
        "verb": "report / show / describe / follow",
        "mass": "rain / snow / fog",
        "use": "get / expect / measure",
    },
}

NAMES = tuple(TOPICS)
STYLES = ("plain", "polite")
WEIGHT = -0.5  # a slot's n-th choice is taken with probability proportional to n to this power


def draw(count: int, seed: int) -> tuple[list[str], list[int]]:
    """``count`` sentences and their topics, indices into ``NAMES``, each topic as likely as another."""
    random = Random(seed)
    labels = random.choices(range(len(NAMES)), k=count)
    return [" ".join(of_topic(label).draw(START, random)) for label in labels], labels


def log_probability(text: str, label: int) -> float:
    """The log-probability of a sentence among all of topic ``label``, in nats; minus infinity for what is none of
    them."""
    probability = of_topic(label).probability(START, text.split())
    return math.log(probability) if probability else -math.inf


def entropy(label: int) -> float:
    """The entropy of a sentence of topic ``label``, in nats: the least mean of ``-log_probability`` that a model can
    reach."""
    return of_topic(label).entropy(START)


def size(label: int) -> int:
    """How many different sentences topic ``label`` has."""
    return of_topic(label).size(START)


def topic_of(text: str) -> int | None:
    """The only topic that has this sentence, or None where no topic has it."""
    words = text.split()
    return next((label for label in range(len(NAMES)) if of_topic(label).probability(START, words)), None)


def style_of(text: str) -> int | None:
    """The only style of this sentence, an index into ``STYLES``; None for what is no sentence."""
    words, label = text.split(), topic_of(text)
    if label is None:
        return None
    return next(index for index, style in enumerate(STYLES) if of_topic(label).probability(Symbol(style, 0), words))


class Symbol(NamedTuple):
    """A slot, with what is written behind its name, and the number of what fills it: 0 singular, 1 plural."""

    slot: str
    number: int


Item = str | Symbol


class Rule(NamedTuple):
    """One choice for a slot: words and further slots, and how probable it is."""

    probability: float
    items: tuple[Item, ...]


START = Symbol("sentence", 0)


class Grammar:
    """The sentences that a table makes. No slot may lead to itself, and none that may be left out may begin a
    choice."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self.table = table
        self.rules = cache(self._rules)
        self.beginning_with = cache(self._beginning_with)

    def _rules(self, symbol: Symbol) -> list[Rule]:
        """A slot's choices; their probabilities add up to 1."""
        slot, behind = symbol.slot[:-1], symbol.slot[-1]
        if behind == "?":
            return [Rule(0.5, ()), Rule(0.5, (Symbol(slot, symbol.number),))]
        if behind == "*":
            return [Rule(0.5, (Symbol(slot, number),)) for number in (0, 1)]
        if behind == "+":
            return [Rule(1.0, (Symbol(slot, 1),))]
        choices = self.table[symbol.slot].split("/")
        weights = [rank**WEIGHT for rank in range(1, len(choices) + 1)]
        return [
            Rule(weight / sum(weights), tuple(_item(word, symbol.number) for word in choice.split()))
            for weight, choice in zip(weights, choices, strict=True)
        ]

    def _beginning_with(self, symbol: Symbol) -> dict[str, list[Rule]]:
        """The rules of a slot that can begin with a word, by word: a parser need not try the others."""
        table: dict[str, list[Rule]] = {}
        for rule in self.rules(symbol):
            first = rule.items[0] if rule.items else None
            for word in self.beginning_with(first) if isinstance(first, Symbol) else [first] if first else []:
                table.setdefault(word, []).append(rule)
        return table

    def draw(self, item: Item, random: Random) -> list[str]:
        """Words that fill a slot."""
        if isinstance(item, str):
            return [item]
        rules = self.rules(item)
        rule = random.choices(rules, [rule.probability for rule in rules])[0]
        return [word for one in rule.items for word in self.draw(one, random)]

    def entropy(self, symbol: Symbol) -> float:
        """The entropy of how a slot is filled, in nats: of its choice, and of all that the choice leaves open."""
        total = 0.0
        for probability, items in self.rules(symbol):
            inner = sum(self.entropy(item) for item in items if isinstance(item, Symbol))
            total += probability * (inner - math.log(probability))
        return total

    def size(self, symbol: Symbol) -> int:
        """How many ways there are to fill a slot."""
        return sum(
            math.prod(self.size(item) for item in items if isinstance(item, Symbol)) for _, items in self.rules(symbol)
        )

    def probability(self, symbol: Symbol, words: Sequence[str]) -> float:
        """The probability that a slot is filled by ``words``, summed over all ways to do it; 0 where there is none."""
        return _Chart(self, words).ends(symbol, 0).get(len(words), 0.0)


class _Chart:
    """The parses of one line, each part of it parsed once."""

    def __init__(self, grammar: Grammar, words: Sequence[str]) -> None:
        self.grammar = grammar
        self.words = words
        self.known: dict[tuple[Symbol, int], dict[int, float]] = {}

    def ends(self, item: Item, begin: int) -> dict[int, float]:
        """The ends of all that can fill ``item`` from word ``begin`` on, each with its probability."""
        word = self.words[begin] if begin < len(self.words) else ""
        if isinstance(item, str):
            return {begin + 1: 1.0} if word == item else {}
        if (item, begin) not in self.known:
            rules = self.grammar.beginning_with(item).get(word, [])
            empty = [rule for rule in self.grammar.rules(item) if not rule.items]
            self.known[item, begin] = _total(self._through(rule, begin) for rule in (*empty, *rules))
        return self.known[item, begin]

    def _through(self, rule: Rule, begin: int) -> dict[int, float]:
        reached = {begin: rule.probability}
        for item in rule.items:
            reached = _total(
                {end: probability * factor for end, factor in self.ends(item, start).items()}
                for start, probability in reached.items()
            )
        return reached


def _total(parts: Iterable[Mapping[int, float]]) -> dict[int, float]:
    total: dict[int, float] = {}
    for part in parts:
        for end, probability in part.items():
            total[end] = total.get(end, 0.0) + probability
    return total


def _item(word: str, number: int) -> Item:
    if word.startswith("{"):
        return Symbol(word[1:-1], number)
    return word.split("|")[number] if "|" in word else word


@cache
def of_topic(label: int) -> Grammar:
    """The grammar of topic ``NAMES[label]``."""
    return Grammar({**COMMON, **TOPICS[NAMES[label]]})
