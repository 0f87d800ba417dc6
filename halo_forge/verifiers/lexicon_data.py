"""Words of the claim layer, as plain tables edited by hand: no rules here.

`LABELS`: one line per COCO-80 label, `label = equal forms < narrower forms`. Plurals are made by
`lexicon.plural` or listed in `IRREGULAR`. A narrower form ("puppy") needs its label to be there, but a
detected label only abstains on it.
`BROADER`: a word that any of several labels makes true ("animal"), and whose absence they make false.
`SIBLINGS`: labels a detector mixes up, so that a detected sibling makes an unmatched label abstain.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a table row."""
    return frozenset(text.split())


LABELS = """
person = man, woman, boy, girl, child, kid, lady, gentleman, guy, adult, pedestrian, human, toddler, \
baby, teenager, fellow, somebody, someone, rider, cyclist, skier, surfer, skateboarder, snowboarder, \
player, batter, pitcher, catcher, driver, chef, waiter, waitress, worker, nurse, policeman, officer, \
soldier, bride, groom, passenger, spectator, customer, shopper, visitor, student, teacher, walker, \
jogger, runner, commuter, bystander, biker, motorcyclist
bicycle = bike, pushbike, cycle < mountain bike, road bike
car = automobile, motorcar < sedan, suv, taxi, cab, convertible, minivan, hatchback, station wagon, \
police car, sports car
motorcycle = motorbike < scooter, moped, dirt bike
airplane = plane, aeroplane, aircraft, airliner, jetliner < jet, biplane, seaplane, fighter jet
bus = coach bus, autobus < school bus, double decker, minibus
train = railway train < locomotive, subway train, steam train, tram
truck = lorry < pickup, pickup truck, fire truck, tow truck, dump truck, garbage truck
boat = vessel < sailboat, rowboat, canoe, kayak, ferry, yacht, ship, motorboat, speedboat, dinghy
traffic light = traffic signal, stoplight, stop light, traffic lights
fire hydrant = hydrant
stop sign = stopsign
parking meter = parkingmeter
bench = park bench
bird = birdie < pigeon, seagull, gull, duck, goose, parrot, sparrow, crow, owl, swan, eagle, pelican, \
robin, flamingo
cat = feline, house cat, tomcat < kitten, kitty, tabby
dog = canine, hound < puppy, pup, poodle, labrador, beagle, bulldog, terrier, dalmatian, chihuahua, \
corgi, retriever
horse = stallion, mare < pony, foal, colt
sheep = ewe < lamb, ram
cow = cattle, bovine < bull, calf, ox, heifer
elephant = pachyderm
bear = grizzly, brown bear < polar bear, bear cub
zebra =
giraffe =
backpack = rucksack, knapsack, back pack
umbrella = brolly < parasol
handbag = purse, hand bag, pocketbook < tote bag, clutch bag
tie = necktie < bow tie, bowtie
suitcase = luggage, suit case < briefcase
frisbee = flying disc, flying disk
skis = ski
snowboard = snow board
sports ball = ball, football, soccer ball, basketball, baseball ball, tennis ball, volleyball
kite =
baseball bat =
baseball glove = baseball mitt, catcher's mitt
skateboard = skate board < longboard
surfboard = surf board
tennis racket = tennis racquet, racket, racquet
bottle = flask < wine bottle, water bottle, beer bottle
wine glass = wineglass, goblet, stemware < champagne glass, champagne flute
cup = mug, teacup, coffee cup, coffee mug, beaker, tumbler < paper cup
fork =
knife = < butter knife, steak knife
spoon = teaspoon, tablespoon
bowl = < soup bowl, cereal bowl
banana =
apple = < green apple
sandwich = < burger, hamburger, panini, sub sandwich
orange = < clementine, mandarin, tangerine
broccoli =
carrot =
hot dog = hotdog, frankfurter
pizza = < pizza slice
donut = doughnut
cake = < cupcake, birthday cake, cheesecake, wedding cake
chair = armchair, seat chair < rocking chair, office chair, highchair, stool
couch = sofa, settee < loveseat
potted plant = houseplant, pot plant, house plant, potted flower
bed = < bunk bed
dining table = dinner table, kitchen table
toilet = commode < urinal
tv = television, television set, tv set, telly, tvmonitor
laptop = laptop computer, notebook computer < macbook
mouse = computer mouse
remote = remote control, remote controller
keyboard = computer keyboard
cell phone = cellphone, mobile phone, smartphone, phone, mobile, iphone
microwave = microwave oven
oven = < stove
toaster =
sink = washbasin
refrigerator = fridge
book = < novel, textbook
clock = wall clock < alarm clock, grandfather clock
vase =
scissors = pair of scissors
teddy bear = teddy, stuffed bear, teddybear
hair drier = hair dryer, hairdryer, blow dryer
toothbrush =
"""

IRREGULAR = {
    "person": "people, persons",
    "man": "men",
    "woman": "women",
    "child": "children",
    "gentleman": "gentlemen",
    "policeman": "policemen",
    "human": "humans",
    "sheep": "sheep",
    "cattle": "cattle",
    "aircraft": "aircraft",
    "luggage": "luggage",
    "goose": "geese",
    "ox": "oxen",
    "calf": "calves",
    "knife": "knives",
    "mouse": "mice",
    "computer mouse": "computer mice",
    "butter knife": "butter knives",
    "steak knife": "steak knives",
    "skis": "skis",
    "scissors": "scissors",
    "pair of scissors": "pairs of scissors",
    "broccoli": "broccoli",
    "stemware": "stemware",
}

BROADER = {
    "animal": "bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe",
    "pet": "cat, dog, bird",
    "vehicle": "bicycle, car, motorcycle, airplane, bus, train, truck, boat",
    "fruit": "banana, apple, orange",
    "food": "banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake",
    "vegetable": "broccoli, carrot",
    "furniture": "bench, chair, couch, bed, dining table",
    "utensil": "fork, knife, spoon",
    "cutlery": "fork, knife, spoon",
    "silverware": "fork, knife, spoon",
    "bag": "handbag, backpack, suitcase",
    "glass": "wine glass, cup",
    "computer": "laptop, tv, keyboard",
    "monitor": "tv, laptop",
    "screen": "tv, laptop, cell phone",
    "table": "dining table",
    "desk": "dining table",
    "plant": "potted plant",
    "telephone": "cell phone",
    "bat": "baseball bat",
    "glove": "baseball glove",
    "light": "traffic light",
    "seat": "chair, bench, couch",
    "dryer": "hair drier",
    "appliance": "microwave, oven, toaster, refrigerator",
    "crowd": "person",
}

SIBLINGS = """
car|truck|bus
bicycle|motorcycle
cup|bowl|wine glass|bottle
couch|chair|bench
cow|horse|sheep
fork|knife|spoon
laptop|tv
handbag|backpack|suitcase
remote|cell phone
oven|microwave
"""

NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100,
    "both": 2, "single": 1, "lone": 1, "sole": 1, "trio": 3, "dozen": 12, "half a dozen": 6, "half-dozen": 6,
    "a dozen": 12, "a couple of": 2, "a couple": 2, "couple of": 2, "a pair of": 2, "pair of": 2,
    "a trio of": 3,
    "a single": 1, "only one": 1, "just one": 1, "half a dozen of": 6, "two dozen": 24,
    "a pair": 2, "quartet": 4, "a quartet of": 4, "quintet": 5, "a quintet of": 5, "duo": 2, "a duo of": 2,
}  # fmt: skip
"""Exact quantities. Tens and units are joined by the reader ("twenty-one")."""

RANGES = {
    "several": (3, None), "a few": (2, None), "few": (2, None), "many": (5, None), "numerous": (5, None),
    "lots of": (4, None), "a lot of": (4, None), "plenty of": (4, None), "dozens of": (24, None),
    "multiple": (2, None), "various": (2, None), "hundreds of": (100, None), "thousands of": (1000, None),
    "tens of": (20, None), "scores of": (20, None),
    "countless": (5, None), "an array of": (2, None), "a number of": (2, None), "a handful of": (3, None),
    "a row of": (2, None), "a line of": (2, None), "a queue of": (2, None), "a swarm of": (5, None),
    "a flock of": (3, None),
    "a group of": (3, None), "a bunch of": (3, None), "a crowd of": (3, None), "a herd of": (3, None),
    "some": None, "more": None, "fewer": None, "other": None, "another": None,
}  # fmt: skip
"""Inclusive lower and upper bound; None as a whole: a quantity word that claims nothing about a total."""

LEAST = ("at least", "no fewer than", "not less than", "no less than", "a minimum of")
MORE = ("more than", "over")
MOST = ("at most", "no more than", "up to", "not more than", "a maximum of")
LESS = ("fewer than", "less than", "under")
ABOUT = ("about", "around", "approximately", "roughly", "nearly", "almost", "some", "circa")

COLOURS = {
    "red": "red", "crimson": "red", "scarlet": "red", "maroon": "red", "blue": "blue", "navy": "blue",
    "green": "green", "olive": "green", "yellow": "yellow", "golden": "yellow", "gold": "yellow",
    "orange": "orange",
    "purple": "purple", "violet": "purple", "pink": "pink", "brown": "brown", "tan": "brown",
    "beige": "beige",
    "black": "black", "white": "white", "grey": "grey", "gray": "grey", "silver": "silver",
    "turquoise": "turquoise",
    "teal": "turquoise", "cyan": "cyan", "magenta": "magenta",
}  # fmt: skip

RELATIONS = {
    "left of": "left", "to the left of": "left", "on the left of": "left", "left from": "left",
    "right of": "right", "to the right of": "right", "on the right of": "right",
    "above": "above", "higher than": "above", "over": "over",
    "below": "below", "lower than": "below", "under": "under", "underneath": "under", "beneath": "under",
    "on top of": "on top of", "atop": "on top of", "on": "on", "upon": "on", "onto": "on",
    "in": "in", "inside": "in", "inside of": "in", "within": "in", "into": "in",
    "behind": "behind", "in back of": "behind", "in front of": "in front of",
    "touching": "touching", "leaning against": "touching", "leaning on": "touching",
    "near": "near", "next to": "near", "beside": "near", "close to": "near", "by": "near",
    "alongside": "near",
    "adjacent to": "near", "nearby": "near",
    "far from": "far", "far away from": "far",
    "between": "none", "among": "none", "around": "none", "facing": "none", "across from": "none",
    "along": "none",
    "holding": "none", "holds": "none", "riding": "none", "rides": "none", "wearing": "none",
    "carrying": "none",
    "with": "none", "against": "none",
}  # fmt: skip
"""Surface words to the rule that judges them; "none": a relation no box can judge."""
RELATIONS |= {
    f"{more} {where} than": name
    for more in ("further", "farther", "more")
    for where, name in (
        ("left", "left"), ("to the left", "left"), ("right", "right"), ("to the right", "right"),
        ("up", "above"), ("down", "below"),
    )
} | {"higher up than": "above", "lower down than": "below"}  # fmt: skip

CONVERSE = {"right": "left", "below": "above", "under": "above", "in front of": "behind"}
"""relation(A, B) is the converse's relation(B, A)."""

SIDES = {
    "left": ("x", "left"), "leftmost": ("x", "left"), "right": ("x", "right"), "rightmost": ("x", "right"),
    "top": ("y", "top"), "upper": ("y", "top"), "bottom": ("y", "bottom"), "lower": ("y", "bottom"),
    "middle": ("xy", "middle"), "center": ("xy", "middle"), "centre": ("xy", "middle"),
    "lefthand": ("x", "left"), "righthand": ("x", "right"), "topmost": ("y", "top"),
}  # fmt: skip
EXTREMES = words("leftmost rightmost topmost")
ORDERS = {
    "left to right": "left", "from left to right": "left", "from the left to the right": "left",
    "right to left": "right", "from right to left": "right", "top to bottom": "above",
    "from top to bottom": "above", "bottom to top": "below", "from bottom to top": "below",
}  # fmt: skip
"""A list in this order: the relation of each thing to the next."""
COUNTING = words("is are was were there see count has have had with of contains shows just well for in i'd be")
"""Words before "over" and "under" a number that make them bounds."""
SIDE_PREFIX = words("on at in to toward towards near along from")
SIDE_SUFFIX = words("side hand corner half edge part portion area region third quarter section")
FRAME = frozenset(
    [
        "image",
        "picture",
        "photo",
        "photograph",
        "scene",
        "frame",
        "view",
        "shot",
        "screenshot",
        "snapshot",
        "figure",
        "canvas",
        "page",
        "img",
        "pic",
        "street",
        "road",
        "room",
        "field",
        "kitchen",
        "park",
        "yard",
        "garden",
        "beach",
        "court",
        "hall",
        "hallway",
        "office",
        "bathroom",
        "bedroom",
        *words(
            "pitch slope playground stadium classroom restaurant shop store house building area place harbour harbor"
        ),
    ]
)
"""What fills the image: "in the park" says no more than "in the picture"."""

NEGATORS = frozenset(
    [
        "no",
        "not",
        "never",
        "without",
        "neither",
        "nor",
        "none",
        "cannot",
        "nobody",
        "zero",
        "absent",
        "missing",
        "lacks",
        "lacking",
        "lack",
        "n't",
        "free",
    ]
)
NEGATIVE_PHRASES = (
    "instead of",
    "rather than",
    "free of",
    "absence of",
    "lack of",
    "empty of",
    "void of",
    "bare of",
    "hardly any",
    "barely any",
    "scarcely any",
    "next to no",
    "almost no",
    "virtually no",
    "rule out",
    "rules out",
    "ruled out",
    "ruling out",
    "anything but",
    "everything but",
    "false that",
    "untrue that",
    "incorrect that",
    "wrong that",
    "wrong to say",
    "not true that",
    "not correct that",
    "not the case that",
    "no such thing as",
    "no trace of",
    "no evidence of",
    "no indication of",
    "no hint of",
    "no sign of",
    "devoid of",
)
CONTRASTS = frozenset(["instead of", "rather than"])
"""Denials of a thing in one place only."""
NOT_NEGATION = (
    "raining cats and dogs", "each other", "one another",
    "no doubt", "not only", "not just", "not missing", "not empty", "not absent", "nobody else",
    "no one else",
    "no wonder", "no problem", "not merely", "no longer only", "no matter", "not without", "no fewer than",
    "never mind", "not to mention",
)  # fmt: skip

HEDGES = frozenset(
    [
        "might",
        "perhaps",
        "possibly",
        "probably",
        "appears",
        "appear",
        "seems",
        "seem",
        "seemingly",
        "apparently",
        "likely",
        "maybe",
        "could",
        "presumably",
        "potentially",
        "looks",
        "may be",
        "may have",
        "arguably",
        "conceivably",
        "supposedly",
        "i think",
        "i believe",
        "i guess",
        "i suspect",
    ]
)
ESCAPES = (
    "may or may not", "might or might not", "hard to say", "hard to tell", "cannot tell", "can't tell",
    "cannot say",
    "not sure", "unclear", "cannot rule out", "can't rule out", "impossible to say", "impossible to tell",
    "difficult to say", "difficult to tell", "maybe not", "i don't know", "i do not know",
    "could be anything",
    "unsure", "uncertain", "cannot be determined", "not possible to",
)  # fmt: skip
HYPOTHETICAL = words("if whether suppose supposing assuming imagine unless would hypothetically")

SAYS = frozenset(
    [
        "reads",
        "read",
        "says",
        "say",
        "said",
        "shows",
        "showing",
        "displays",
        "displaying",
        "labelled",
        "labeled",
        "written",
        "printed",
        "marked",
        "spells",
        "states",
        "stating",
        "reading",
        "saying",
        "titled",
        "named",
        "called",
        "dit",
        "dice",
        "sagt",
    ]
)
SAYS_STRONG = frozenset(
    [
        "reads",
        "read",
        "says",
        "say",
        "labelled",
        "labeled",
        "written",
        "printed",
        "spells",
        "reading",
        "saying",
        "dit",
        "dice",
        "sagt",
    ]
)

CORRECTIONS = (
    "wait", "actually", "on closer look", "on closer inspection", "looking closer", "looking again",
    "correction",
    "on second thought", "scratch that", "let me correct", "i was wrong", "i made a mistake", "initially",
    "i first thought", "my first thought", "on recount",
    "recounting", "counting again", "looking more closely", "looking more carefully", "let me recheck",
    "let me recount",
    "checking again", "on reflection", "my bad", "i misspoke", "i was mistaken", "i take that back", "strike that",
    "at a glance", "double checking",
    "at first glance",
    "at first", "i misread", "i miscounted", "my mistake", "no wait", "upon closer",
)  # fmt: skip
INFERENCE = words("so therefore thus hence consequently accordingly")

FILLER = frozenset(
    [
        "the",
        "a",
        "an",
        "this",
        "that",
        "these",
        "those",
        "it",
        "its",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "am",
        "i",
        "we",
        "you",
        "they",
        "he",
        "she",
        "my",
        "our",
        "your",
        "their",
        "to",
        "of",
        "in",
        "on",
        "at",
        "by",
        "for",
        "from",
        "with",
        "and",
        "or",
        "but",
        "as",
        "so",
        "if",
        "then",
        "than",
        "there",
        "here",
        "what",
        "which",
        "who",
        "how",
        "why",
        "when",
        "where",
        "do",
        "does",
        "did",
        "done",
        "have",
        "has",
        "had",
        "having",
        "will",
        "would",
        "can",
        "could",
        "should",
        "may",
        "might",
        "must",
        "because",
        "therefore",
        "thus",
        "hence",
        "step",
        "steps",
        "first",
        "second",
        "third",
        "next",
        "finally",
        "lastly",
        "observe",
        "observed",
        "observation",
        "conclude",
        "conclusion",
        "verified",
        "verify",
        "grounded",
        "ground",
        "evidence",
        "based",
        "image",
        "picture",
        "photo",
        "scene",
        "question",
        "answer",
        "answers",
        "answered",
        "think",
        "thinking",
        "thought",
        "reason",
        "reasoning",
        "reasoned",
        "analyse",
        "analyze",
        "analysis",
        "analysing",
        "analyzing",
        "carefully",
        "careful",
        "look",
        "looking",
        "looked",
        "see",
        "seen",
        "clearly",
        "clear",
        "obvious",
        "obviously",
        "consider",
        "considering",
        "considered",
        "given",
        "know",
        "find",
        "found",
        "let",
        "me",
        "about",
        "now",
        "all",
        "also",
        "just",
        "very",
        "well",
        "result",
        "correct",
        "right",
        "final",
        "confirm",
        "confirmed",
        "determine",
        "determined",
        "visual",
        "visually",
        "detail",
        "details",
        "examine",
        "examining",
        "examined",
        "check",
        "checked",
        "checking",
        "according",
        "shown",
        "show",
        "shows",
        "ok",
        "okay",
        "sure",
        "yes",
        "no",
        "not",
        "let's",
        "lets",
        "us",
        "need",
        "asks",
        "asked",
        "asking",
        "information",
        "understand",
        "understanding",
        "context",
        "consequently",
        "accordingly",
        "since",
        "due",
        "process",
        "solution",
        "solve",
        "problem",
        "everything",
        "something",
        "anything",
        "it's",
        "i'm",
        "i've",
        "made",
        "make",
        "makes",
        "sense",
        "logically",
        "logical",
        "logic",
        "deduce",
        "deduced",
        "infer",
        "inferred",
        "inference",
        "indeed",
        "certainly",
        "appears",
        "seems",
        "appear",
        "seem",
        "like",
        "one",
        "two",
        "provided",
        "provide",
        "key",
        "elements",
        "element",
        "various",
        "aspects",
        "aspect",
    ]
)
"""Words that carry no statement about an image: a clause made only of these is not informative."""

ENGLISH = frozenset(
    [
        "the",
        "a",
        "an",
        "is",
        "are",
        "of",
        "and",
        "to",
        "in",
        "on",
        "there",
        "it",
        "this",
        "that",
        "at",
        "with",
        "no",
        "not",
        "what",
        "which",
        "so",
        "i",
        "two",
        "one",
        "three",
        "for",
    ]
)
FOREIGN = frozenset(
    [
        "le",
        "la",
        "les",
        "un",
        "une",
        "des",
        "est",
        "sont",
        "du",
        "au",
        "aux",
        "et",
        "dans",
        "il",
        "elle",
        "sur",
        "que",
        "qui",
        "pas",
        "il",
        "y",
        "de",
        "el",
        "los",
        "las",
        "una",
        "es",
        "son",
        "hay",
        "en",
        "por",
        "con",
        "del",
        "y",
        "está",
        "están",
        "al",
        "no",
        "der",
        "die",
        "das",
        "ein",
        "eine",
        "ist",
        "sind",
        "und",
        "von",
        "auf",
        "im",
        "den",
        "dem",
        "nicht",
        "links",
        "rechts",
        "es",
        "gibt",
        "il",
        "lo",
        "gli",
        "uno",
        "sono",
        "nel",
        "nella",
        "di",
        "che",
        "un'",
        "ci",
        "o",
        "os",
        "as",
        "um",
        "uma",
        "são",
        "na",
        "da",
        "do",
        "em",
        "não",
        "há",
    ]
) - words("no as do la")

VERBS = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "be",
        "has",
        "have",
        "had",
        "sits",
        "sit",
        "stands",
        "stand",
        "lies",
        "lie",
        "hangs",
        "hang",
        "rests",
        "rest",
        "waits",
        "wait",
        "walks",
        "walk",
        "runs",
        "run",
        "flies",
        "fly",
        "grazes",
        "graze",
        "sleeps",
        "sleep",
        "appears",
        "appear",
        "seems",
        "seem",
        "looks",
        "look",
        "remains",
        "there's",
        "there",
        "sitting",
        "standing",
        "lying",
        "hanging",
        "parked",
        "visible",
        "located",
        "positioned",
        "placed",
        "can",
        "stood",
        "hold",
        "holds",
        "ride",
        "rides",
        "wear",
        "wears",
        "carry",
        "carries",
    ]
)
PRONOUNS = words("it they them which who that he she him her this these")
DETERMINERS = frozenset(
    [
        "a",
        "an",
        "the",
        "this",
        "that",
        "these",
        "those",
        "his",
        "her",
        "its",
        "their",
        "my",
        "your",
        "our",
        "another",
        "each",
        "every",
        "some",
        "any",
    ]
)
DEFINITE = words("the this that these those his her its their my your our")
GONE = words("absent missing nowhere invisible gone")
SEEN = words("present visible there seen pictured shown depicted detected here")
EACH = words("each every per apiece")
FRONTED = frozenset(
    [
        "person",
        "car",
        "truck",
        "bus",
        "bicycle",
        "motorcycle",
        "chair",
        "couch",
        "airplane",
        "train",
        "boat",
        "horse",
        "dog",
        "cat",
        "cow",
        "sheep",
        "bird",
        "elephant",
        "bear",
        "zebra",
        "giraffe",
        "laptop",
        "tv",
    ]
)
"""Ground objects with a front of their own: "left of the car" may be meant from the car's side."""
CAPS_NOISE = frozenset(
    [
        "I",
        "A",
        "OK",
        "TV",
        "OCR",
        "AI",
        "US",
        "UK",
        "USA",
        "SUV",
        "LED",
        "LCD",
        "DVD",
        "PC",
        "CD",
        "ID",
        "AM",
        "PM",
        "NOT",
        "NO",
        "YES",
        "AND",
        "OR",
        "THE",
        "JSON",
        "RGB",
        "VERY",
        "ONLY",
        "IS",
        "ARE",
        "ALL",
        "NBA",
        "ANSWER",
        "FINAL",
        "STEP",
        "THINK",
        "NOTE",
        "IMPORTANT",
        "UP",
    ]
)

COMPOUND = frozenset(
    [
        "park",
        "stop",
        "station",
        "food",
        "lift",
        "shelf",
        "shelves",
        "lane",
        "rack",
        "dock",
        "house",
        "number",
        "booth",
        "juice",
        "pie",
        "bread",
        "race",
        "track",
        "tracks",
        "store",
        "shop",
        "collar",
        "route",
        "ticket",
        "sauce",
        "lot",
        "door",
        "doors",
        "window",
        "windows",
        "leg",
        "legs",
        "tail",
        "head",
        "handle",
        "wheel",
        "wheels",
        "tire",
        "tires",
        "name",
        "owner",
        "cover",
        "page",
        "crossing",
        "case",
        "holder",
        "stand",
        "hat",
        "hair",
        "team",
        "league",
        "brand",
        "charger",
        "pad",
        "mat",
        "tray",
        "paper",
        "pole",
        "post",
        "show",
        "stall",
        "ride",
        "cream",
        "soup",
        "tree",
        "drawer",
        "frame",
        "bell",
        *words(
            "statue statues sculpture figurine trailer cafe box boxes feeder timetable schedule sign signs peel "
            "peels rug opener festival museum poster posters rental repair wash dealer dealership garage keys key "
            "carrier basket pump helmet path paths trail lanes racks stations shops stores houses cage kennel "
            "leash treats biscuit toy print costume mask shape logo emblem symbol icon badge drawing painting "
            "picture photo sticker magnet shirt t-shirt sweater market farm farmer stable barn saddle trainer "
            "owner show breed breeder club shelter ramp deck harbour harbor yard ticket tickets fare conductor "
            "depot terminal accident theft insurance loan engine motor battery hood roof mirror radio alarm horn "
            "tyre tyres parts part cabin crew wing wings nest nests bath baths song songs food seed seeds milk "
            "cheese chips chip tart cake crust crumbs crumb dough delivery parlour parlor counter bar bun buns "
            "stick sticks topper tier shade shades stem rim lid cap caps cork label labels neck stickers app plan "
            "tower towers card cards number numbers bill cable cord line lines brush paste roll cleaner tap "
            "plumber room rooms clubs patch corner nook spine mark end binder fair racing jockey hoof meat chop "
            "wool skin fur bone bones paw paws droppings trap hole repellent video videos"
        ),
    ]
)
"""A label's word before one of these names another thing ("car park", "orange juice")."""
DEPICTION = words(
    "painting drawing statue logo poster sculpture cartoon sketch print toy figurine picture photo photograph mural "
    "sticker emblem symbol icon silhouette mosaic carving illustration plush inflatable ornament"
)
SHAPED = words("shaped like themed sized free patterned style styled print printed less friendly")
""" "A boat-shaped mark"."""
LIKENESS = words("considered suspected mistaken mistake confused resembles resemble resembling")
""" "It could be mistaken for a truck"."""
SEEKING = words("looking look looked search searched searching checked checking check hunting scanning scanned")
CONTAINERS = frozenset(
    ["bowl", "cup", "wine glass", "vase", "sink", "handbag", "backpack", "suitcase", "boat", "chair", "couch", "bed",
     "truck", "car", "bottle", "potted plant"]
)  # fmt: skip
"""What a thing can be in and still stick out of."""
SCREENS = words("tv screen monitor laptop computer") | {"cell phone"}
SHOWING = words("shows show showing displays displaying depicts")
LOOKING = frozenset(
    [
        "see",
        "find",
        "spot",
        "notice",
        "have",
        "be",
        "contain",
        "any",
        "a",
        "an",
        "visible",
        "really",
        "actually",
        "even",
        "there",
        "is",
        "are",
        "was",
        "were",
        "include",
        "show",
    ]
)
BRIDGES = frozenset(
    [
        "and",
        "or",
        "but",
        "of",
        "in",
        "on",
        "at",
        "with",
        "while",
        "there",
        "we",
        "i",
        "you",
        "one",
        "as",
        "because",
        "so",
        "for",
        "by",
        "from",
        "under",
        "over",
    ]
)
"""Words that may follow "on the left" when it is a place and not an adjective of the next noun."""
ANYONE = words("person people persons human humans somebody someone nobody no")
"""Words whose denial means that no person is there; "no driver" does not."""
