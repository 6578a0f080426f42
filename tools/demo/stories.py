#!/usr/bin/env python3
"""Tell simple stories from a grammar: the training text of the demo model.

    stories.py [--seed N] [--count N]     print stories, each followed by a line of dashes

A story is an opening that presents the hero, and a plot (plots.txt) told beat by beat with one cast (cast.py).
Everything is drawn from one seeded generator, so a seed and a count name a corpus exactly.
"""

import argparse
import random
import re
from pathlib import Path

from cast import draw_cast

# Openings that leave the day open, and openings that have begun it already.
OPENINGS = [
    "Once upon a time, there was a {noun} named {hero}. [{He} lived in {home}.|{He} loved to {hobby}.]",
    "Once upon a time, there was a {noun} named {hero} who lived in {home}. [{He} loved to {hobby}.|]",
    "Once upon a time, in {home}, there lived a {noun} named {hero}.",
    "Once upon a time, a {noun} named {hero} lived in {home}. [Every day, {he} liked to {hobby}.|]",
    "Once there was a {noun} named {hero}. {He} [lived in {home}|loved to {hobby}].",
    "There once was a {noun} named {hero} who loved to {hobby}.",
    "{hero} was a {noun} who [lived in {home}|loved to {hobby}].",
    "{hero} was a {noun}. {He} lived in {home} and loved to {hobby}.",
    "A {noun} named {hero} lived in {home}.",
    "In {home}, there lived a {noun} named {hero}. [{He} loved to {hobby}.|]",
    "Long ago, in {home}, there lived a {noun}. {His} name was {hero}.",
]
BEGUN_OPENINGS = [
    "One day, a {noun} named {hero} was [sitting in the grass|playing in the sun|looking for something to do].",
    "One day, a {noun} named {hero} woke up early. [{He} was very happy.|The sun was shining.]",
    "It was a [beautiful|sunny|warm|bright] [day|morning]. "
    "A {noun} named {hero} was [playing outside|sitting in the sun].",
    "One [sunny|warm|bright|cold] morning, a {noun} named {hero} [looked out of the window|went outside to play].",
]
WHEN = ["One day", "One day", "One morning", "One sunny day", "One [sunny|warm|quiet] [morning|afternoon]",
        "One [spring|summer|autumn] day"]
WHEN_BEGUN = ["[Later that|That same] day", "A little later", "Soon", "After a while", "That afternoon"]
FAREWELLS = ["The end.", "", "", ""]

CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")
ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou])")


def expand(template, slots, rng):
    """The text of `template`: [a|b] choices drawn innermost first, {slots} replaced until none is left."""
    while CHOICE.search(template) or SLOT.search(template):
        template = CHOICE.sub(lambda match: rng.choice(match[1].split("|")), template)
        template = SLOT.sub(lambda match: slots[match[1]], template)
    return template


def parse_slots(line):
    """A line of a scene, "a, b = one ; two / three ; four", as [{a: one, b: two}, {a: three, b: four}]."""
    names, values = line.split(" = ", 1)
    names = names.strip().split(", ")
    return [dict(zip(names, value.split(" ; "), strict=True)) for value in values.split(" / ")]


def parse_plot(text):
    """One plot as (scenes, beats): a scene is a list of draws, each a list of slot dicts to choose from; a beat is a
    (may be left out, list of tellings)."""
    scenes, beats = text.split("\nbeats\n")
    lines = re.sub(r"\\\n *", "", scenes).split("\n")[1:]
    parsed = []
    for line in lines:
        if line == "scene":
            parsed.append([])
        else:
            parsed[-1].append(parse_slots(line))
    paragraphs = [beat.split("\n") for beat in beats.strip().split("\n\n")]
    return parsed, [(lines[0] == "?", lines[lines[0] == "?":]) for lines in paragraphs]


def read_plots(path):
    """All plots of a file in the form that plots.txt explains."""
    text = re.sub(r"(?m)^#.*\n", "", path.read_text())
    return [parse_plot(plot) for plot in re.split(r"(?m)^plot ", text)[1:]]


PLOTS = read_plots(Path(__file__).with_name("plots.txt"))


def draw_scene(scene, rng):
    """The slots of one scene."""
    slots = {}
    for draws in scene:
        slots |= rng.choice(draws)
    return slots


def draw_tellings(beats, rng):
    """One telling of each beat, with about half of those that may be left out."""
    return [rng.choice(tellings) for optional, tellings in beats if not optional or rng.random() < 0.45]


def has_day(beats):
    """Whether a plot says {when} it happens, so that it can follow an opening that has begun the day."""
    return any(all("{when}" in telling for telling in tellings) for _, tellings in beats)


def tell_story(rng):
    """One story as a string; paragraphs are parted by blank lines."""
    scenes, beats = rng.choice(PLOTS)
    begun = has_day(beats) and rng.random() < 0.25
    slots = draw_cast(rng) | draw_scene(rng.choice(scenes), rng)
    slots["when"] = rng.choice(WHEN_BEGUN if begun else WHEN)
    told = [rng.choice(BEGUN_OPENINGS if begun else OPENINGS)] + draw_tellings(beats, rng) + [rng.choice(FAREWELLS)]
    text = ARTICLE.sub(r"\1n ", expand(" ".join(told), slots, rng))
    return re.sub(r" *--- *", "\n\n", re.sub(r"  +", " ", text)).strip()


def tell_stories(seed, count):
    """`count` stories of the corpus named by `seed`."""
    rng = random.Random(seed)
    return [tell_story(rng) for _ in range(count)]


def main():
    """Print stories."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=5)
    options = parser.parse_args()
    for story in tell_stories(options.seed, options.count):
        print(story, "-" * 72, sep="\n")


if __name__ == "__main__":
    main()
