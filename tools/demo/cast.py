"""Who lives in the stories: names, animals, homes and pastimes, and how a hero, a friend and a relative
are drawn."""

GIRLS = (
    "Lily Mia Anna Rose Lucy Emma Sara Nora Ella Ruby Zoe Clara Molly Amy Maya Ivy Alice Julia "
    "Hannah Tina Eva Sophie Grace Jane Mary Olivia"
).split()
BOYS = (
    "Tom Ben Max Sam Leo Jack Tim Finn Noah Oliver Henry Jacob Theo Eli Owen Peter Luke Adam "
    "Daniel Oscar Paul Alex Billy Charlie David George"
).split()
PETS_SHE = (
    "Daisy Coco Bella Poppy Hazel Ginger Willow Clover Honey Molly Pepper Penny Lulu Luna Dolly "
    "Tilly"
).split()
PETS_HE = (
    "Pip Max Biscuit Rusty Buddy Patch Toby Milo Teddy Button Bruno Chip Oscar Benny Sunny "
    "Rocky"
).split()
SYLLABLES = (
    "ba be bo da do fi ga ka ki ko la le li lo lu ma mi mo na ni no pa po ra ri ro sa si ta ti "
    "to va vi za zu"
).split()

CHILD_HOMES = [
    "a small house near the forest", "a little town by the sea", "a cozy house on a hill", "a quiet village",
    "a yellow house at the end of the road", "a small house with a blue door", "a village by the river",
    "a tall house in a busy town", "a white cottage with a big garden",
]
FARM_HOMES = ["a sunny farmhouse", "a cozy cottage with a garden", "a little red barn", "a farmhouse by the river"]
WOOD_HOMES = [
    "a green forest", "the woods behind the hill", "a quiet forest", "a sunny valley", "a forest near the river",
]
POND_HOMES = ["a quiet pond", "a pond full of lilies", "the reeds by the river", "a pond behind the old mill"]

# Each kind of animal: where it lives and what it calls its hands.
ANIMALS = {
    "dog": (FARM_HOMES, "paw"), "puppy": (FARM_HOMES, "paw"), "cat": (FARM_HOMES, "paw"),
    "kitten": (FARM_HOMES, "paw"), "rabbit": (WOOD_HOMES, "paw"), "bear": (WOOD_HOMES, "paw"),
    "fox": (WOOD_HOMES, "paw"), "mouse": (FARM_HOMES, "paw"), "squirrel": (WOOD_HOMES, "paw"),
    "hedgehog": (WOOD_HOMES, "paw"), "frog": (POND_HOMES, "hand"), "duck": (POND_HOMES, "wing"),
    "turtle": (POND_HOMES, "hand"), "monkey": (WOOD_HOMES, "hand"),
}
HANDS = {"hand": "hands", "paw": "paws", "wing": "wings"}

SIZES = ["little", "little", "little", "small", "young"]
CHILD_TRAITS = ["kind", "brave", "clever", "cheerful", "curious", "gentle", "happy", "quiet"]
ANIMAL_LOOKS = ["brown", "gray", "white", "fluffy", "playful", "curious", "friendly", "cheerful", "brave", "gentle"]

CHILD_HOBBIES = [
    "sing songs", "paint pictures", "read books", "chase butterflies", "dance in the rain", "pick flowers",
    "count the stars", "look at the clouds", "ride a bike", "play hide and seek", "build sand castles",
    "listen to stories", "jump in puddles", "feed the birds",
]
ANIMAL_HOBBIES = [
    "chase butterflies", "play in the grass", "sing songs", "look at the clouds", "sleep in the sun",
    "jump in puddles", "play hide and seek", "count the stars", "smell the flowers", "explore new places",
    "roll down the hill", "listen to stories",
]

# A relative: what the story says, what the hero calls, and the pronoun.
KIN = [
    ("mother", "Mom", "she"), ("father", "Dad", "he"), ("grandma", "Grandma", "she"), ("grandpa", "Grandpa", "he"),
]
PRONOUNS = {"she": ("she", "her", "her", "herself"), "he": ("he", "him", "his", "himself")}


def pronoun_slots(prefix, subject):
    """Slots for one person's pronouns: {he} {him} {his} {himself} and their capitalised forms,
    each after `prefix`."""
    slots = {}
    for key, word in zip(("he", "him", "his", "himself"), PRONOUNS[subject]):
        slots[prefix + key] = word
        slots[prefix + key.capitalize()] = word.capitalize()
    return slots


def draw_name(rng, girls, boys, taken):
    """A (name, subject pronoun) that is not in `taken`; one in twelve is made of syllables, so that a model
    learns to copy a name it has never seen."""
    while True:
        subject = rng.choice(("she", "he"))
        if rng.random() < 1 / 12:
            name = "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 2, 3)))).capitalize()
        else:
            name = rng.choice(girls if subject == "she" else boys)
        if name not in taken:
            return name, subject


def draw_child(rng, taken):
    """A child as a dict: name, subject, kind, intro noun phrase, home, hobby, hand."""
    name, subject = draw_name(rng, GIRLS, BOYS, taken)
    kind = "girl" if subject == "she" else "boy"
    trait = rng.choice(CHILD_TRAITS)
    noun = rng.choice([f"little {kind}", f"little {kind}", f"{trait} little {kind}", f"{trait} {kind}",
                       f"young {kind}"])
    return dict(name=name, subject=subject, kind=kind, noun=noun, home=rng.choice(CHILD_HOMES), hand="hand",
                hobby=rng.choice(CHILD_HOBBIES), full=name)


def draw_animal(rng, taken, other_than=None):
    """An animal as a dict with the same keys as a child; its kind differs from `other_than`."""
    name, subject = draw_name(rng, PETS_SHE, PETS_HE, taken)
    kind = rng.choice([kind for kind in ANIMALS if kind != other_than])
    homes, hand = ANIMALS[kind]
    look = rng.choice(ANIMAL_LOOKS)
    noun = rng.choice([f"{rng.choice(SIZES)} {kind}", f"{look} {kind}", f"{look} little {kind}"])
    return dict(name=name, subject=subject, kind=kind, noun=noun, home=rng.choice(homes), hand=hand,
                hobby=rng.choice(ANIMAL_HOBBIES), full=f"{name} the {kind}")


def draw_cast(rng):
    """The slots that name everyone in one story: the hero (plain pronouns), a friend ({fhe}...) and a
    relative ({khe}...)."""
    if rng.random() < 0.5:
        hero = draw_child(rng, ())
        friend = draw_child(rng, (hero["name"],))
    else:
        hero = draw_animal(rng, ())
        friend = draw_animal(rng, (hero["name"],), other_than=hero["kind"])
    kin, kin_call, kin_subject = rng.choice(KIN)
    slots = dict(hero=hero["name"], kind=hero["kind"], noun=hero["noun"], home=hero["home"], hobby=hero["hobby"],
                 hand=hero["hand"], hands=HANDS[hero["hand"]], friend=friend["name"], friend_full=friend["full"],
                 fhands=HANDS[friend["hand"]], kin=kin, call=kin_call)
    for prefix, subject in (("", hero["subject"]), ("f", friend["subject"]), ("k", kin_subject)):
        slots |= pronoun_slots(prefix, subject)
    return slots
