"""Words whose value, not spelling, decides: polarity, directions, colours, units, months, opposites.

Plain tables edited by hand: each line is `canonical: forms`. Forms are normalised and without accents.
"""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _list(words: str) -> list[str]:
    return words.split()


def _rows(table: str) -> list[str]:
    return table.split("|")


def _table(lines: str) -> dict[str, str]:
    """form -> canonical; a canonical name is a form of itself."""
    out: dict[str, str] = {}
    for line in lines.strip().splitlines():
        name, _, forms = line.partition(":")
        for form in (name, *forms.split(",")):
            if form.strip():
                out[form.strip()] = name.strip()
    return out


YES = _set("yes yep yeah yup true correct affirmative oui si ja sim hai 是 はい indeed certainly definitely")
NO = _set("no nope nah false incorrect negative non nein nao not 否 いいえ never")
NEGATIONS = _set(
    "no not never none nobody nothing neither nor without cannot can't isn't aren't wasn't weren't doesn't "
    "don't didn't hasn't haven't won't couldn't nicht kein keine pas aucun aucune ningun ninguna nadie sin "
    "nessun nessuna sem"
)

DIRECTIONS = _table(
    """
left: leftmost, lefthand, leftside, left-hand, links, linke, linken, linker, gauche, izquierda, \
izquierdo, sinistra, esquerda, leftward, leftwards, 左
right: rightmost, righthand, rightside, right-hand, rechts, rechte, rechten, rechter, droite, \
derecha, derecho, destra, direita, rightward, rightwards, 右
top: above, over, up, upper, upward, upwards, atop, topmost, overhead, oben, uber, haut, dessus, \
arriba, encima, sopra, acima, higher, 上
bottom: below, under, beneath, underneath, down, lower, downward, downwards, bottommost, unten, \
unter, bas, dessous, sous, abajo, debajo, sotto, abaixo, 下
middle: center, centre, central, mitte, milieu, centro, medio, mezzo, meio, 中
behind: back, rear, rearward, backward, backwards, hinten, hinter, derriere, detras, dietro, atras
front: forward, forwards, ahead, vorne, vor, devant, delante, davanti, frente
inside: in, within, inner, interior, innen, dedans, dentro
outside: out, outer, exterior, aussen, dehors, fuera, fuori, fora, outdoors
north: norden, nord, norte
south: suden, sud, sul
east: osten, este, leste
west: westen, ouest, oeste, ovest
straight: straight-ahead
clockwise:
counterclockwise: anticlockwise, counter-clockwise, anti-clockwise
uphill:
downhill:
near: close, nearby, nearer, closer
far: away, distant, farther, further
"""
)
OPPOSITES = (
    ("left", "right"), ("top", "bottom"), ("behind", "front"), ("inside", "outside"), ("north", "south"),
    ("east", "west"), ("clockwise", "counterclockwise"), ("uphill", "downhill"), ("near", "far"),
)  # fmt: skip

COLOURS = _table(
    """
red: reddish, rojo, roja, rouge, rot, rosso, rossa, vermelho, vermelha, crimson, scarlet, rote, roter, rotes
blue: bluish, blueish, azul, bleu, bleue, blau, blu, blaue, blauer, azure
green: greenish, verde, vert, verte, grun, grune, gruner
yellow: yellowish, amarillo, amarilla, jaune, gelb, giallo, gialla, amarelo, amarela, gelbe
black: blackish, negro, negra, noir, noire, schwarz, nero, nera, preto, preta, schwarze
white: whitish, blanco, blanca, blanc, blanche, weiss, bianco, bianca, branco, branca, weisse
grey: gray, gris, grau, grigio, grigia, cinza, graue, greyish, grayish
orange: orangish, naranja, arancione, laranja
brown: brownish, marron, braun, marrone, brun, cafe, castanho, braune
pink: pinkish, rosa, rose
purple: purplish, morado, morada, violet, violett, viola, lila, roxo
silver: argent, silber, plata, silvery
gold: golden, dore
beige: tan, cream
turquoise: teal, cyan, aqua
navy:
maroon: burgundy
"""
)
SHADES = _set(
    "dark light bright pale deep navy sky royal baby hot neon lime olive forest mint "
    "vivid dull dunkel hell claro oscuro clair fonce"
)

ANTONYMS = tuple(
    frozenset(pair.split("/"))
    for pair in sorted(
        _set(
            "open/closed open/shut on/off up/down big/small large/small tall/short long/short "
            "full/empty high/low hot/cold "
            "wet/dry old/new old/young male/female man/woman boy/girl day/night indoor/outdoor "
            "indoors/outdoors heavy/light "
            "entrance/exit enter/exit push/pull start/stop start/end go/stop first/last more/less "
            "more/fewer most/least "
            "before/after early/late fast/slow wide/narrow thick/thin buy/sell arrive/depart "
            "arrivals/departures sitting/standing "
            "inside/outside larger/smaller bigger/smaller longer/shorter taller/shorter higher/lower "
            "increase/decrease "
            "increasing/decreasing rising/falling maximum/minimum max/min odd/even win/lose "
            "winning/losing north/south east/west "
            "left/right top/bottom above/below front/back light/dark round/square safe/dangerous "
            "occupied/vacant clean/dirty "
            "asleep/awake same/different parallel/perpendicular positive/negative summer/winter "
            "sunny/cloudy sunny/rainy home/away winner/loser win/loss won/lost present/absent"
        )
    )
)

UNITS: dict[str, tuple[str, str]] = {}
"""form -> (kind, factor to the kind's base unit, as a decimal text)."""
for _line in """
mass: g 1 gram grams gramme grammes|kg 1000 kilo kilos kilogram kilograms|mg 0.001 milligram \
milligrams|t 1000000 tonne tonnes ton tons|lb 453.59237 lbs pound pounds|oz 28.349523125 ounce \
ounces
length: m 1 meter meters metre metres|km 1000 kilometer kilometers kilometre kilometres|cm 0.01 \
centimeter centimeters centimetre centimetres|mm 0.001 millimeter millimeters millimetre \
millimetres|ft 0.3048 foot feet|inch 0.0254 inches|mi 1609.344 mile miles|yd 0.9144 yard yards
volume: l 1 liter liters litre litres|ml 0.001 milliliter milliliters millilitre millilitres|cl \
0.01 centiliter|gal 3.785411784 gallon gallons
duration: s 1 sec secs second seconds|min 60 mins minute minutes|h 3600 hr hrs hour hours|day 86400 \
days|week 604800 weeks|year 31536000 years yr yrs
speed: km/h 1 kmh kph|mph 1.609344
money$: $ 1 dollar dollars usd bucks|cent 0.01 cents
money€: € 1 euro euros eur
money£: £ 1 gbp
money¥: ¥ 1 yen jpy
percent: % 0.01 percent pct prozent porcentaje pourcent percentage
angle: ° 1 degree degrees deg
""".strip().splitlines():
    _kind, _, _rest = _line.partition(": ")
    for _unit in _rest.split("|"):
        _first, _factor, *_same = _unit.split()
        for _form in (_first, *_same):
            UNITS[_form] = (_kind, _factor)
AMBIGUOUS_UNITS = frozenset({"pound", "pounds", "second"})

MONTHS = {
    form: i + 1
    for i, same in enumerate(
        _rows(
            "january jan januar enero janvier|february feb februar febrero fevrier|march mar marz "
            "marzo mars|april apr abril avril"
            "|may mai mayo|june jun juni junio juin|july jul juli julio juillet|august aug agosto "
            "aout|september sep sept septiembre septembre"
            "|october oct oktober octubre octobre|november nov noviembre novembre|december dec "
            "dezember diciembre decembre"
        )
    )
    for form in same.split()
}
WEEKDAYS = {
    form: day
    for day, forms in (
        ("monday", "mon"), ("tuesday", "tue tues"), ("wednesday", "wed"), ("thursday", "thu thur thurs"),
        ("friday", "fri"), ("saturday", "sat"), ("sunday", "sun"),
    )
    for form in forms.split()
}  # fmt: skip
"""Short forms, where the whole answer is one."""

STOP = _set(
    "a an the it its is are was were be been being am this that these those there here of in on at "
    "to by with from for and as "
    "has have had do does did his her their i you we they he she one some image picture photo "
    "photograph scene shown visible "
    "seen can see which what who just only also very so then le la les el los las un une una "
    "der die das den dem ein eine il lo "
    "de du des del es est ist sont son hay dit dice sagt says say reads read written word text "
    "sign panneau letrero called named "
    "appears looks like kind type looking displayed show shows side"
)
ARTICLES = _set("a an the le la les el los las un une una der die das ein eine il lo um uma os gli een het")
HEDGES = _set(
    "maybe perhaps possibly either unsure unclear unknown guess alternatively alternative vielleicht quizas peut-etre "
    "quiza forse talvez"
)
ORS = _set("or oder ou o oder either")
VERBS = _set(
    "is are was were has have had does do did can there's it's isn't aren't doesn't don't "
    "wasn't hasn't can't "
    "appears looks hay est ist es sind hat tiene"
)

MODIFIERS = _set(
    "big small large little tiny huge tall short long old young new single one lone open closed whole entire "
    "plain simple regular common adult other main just only exactly"
)
"""Words that describe a thing without making it another one."""
FRAMING = _set(
    "seems seem seemed appears appear looks look like probably likely think believe i'd say would can simply "
    "clearly definitely certainly currently called known as me my answer correct best option choice turned "
    "switched set made kind type sort piece written printed labelled labeled titled holds holding sits sitting "
    "stands standing lies lying resting rests sees visible image picture tel telephone tel: it's depicts depicting "
    "showing given being been playing plays works work doing wears wearing points pointing contains reads based upon "
    "lot apparently evidently obviously presumably supposedly seemingly surely basically simply honestly indeed "
    "fairly pretty quite confident sure certain positive convinced reckon suppose assume bet guess would game "
    "round sport"
)
"""Words that lead up to an answer and are none."""
TRAILING = _set(
    "is are was sits sitting stands standing lies lying sleeping resting hangs hanging parked placed located "
    "visible seen shown present here there too line well day weather match game colour color brand logo inc ltd co "
    "corp company llc word letter please right now currently today clearly alone only thanks him her it them him "
    "me itself"
)
"""Words that may follow an answer without changing it."""
TWINS = _table(
    """
street: st
road: rd
avenue: ave
boulevard: blvd
and: &
wood: wooden, timber, holz
metal: metallic
male: man, boy, gentleman
female: woman, girl, lady
day: daytime
night: nighttime
winter: wintertime
summer: summertime
spring: springtime
sleeping: asleep, sleeps
versus: vs
ok: okay
bigger: larger
biggest: largest
circle: circular, round
triangle: triangular
rectangle: rectangular
oval: elliptical, ellipse
sofa: couch
doctor: dr
television: telly
"""
)
"""Spellings of one word in answers; applied to both sides."""

PHRASES = _table(
    """
beside: next to, adjacent to, alongside, right beside, right next to, by the side of, to the side of, right by
under: underneath, beneath, below, directly under, right under
behind: in back of, at the back of
in front of: right in front of, directly in front of
on: on top of, atop, upon
above: directly above, right above
riding bicycle: riding a bicycle, riding a bike, riding his bike, riding her bike, riding bikes, riding bicycles, \
cycling, biking, bicycling
walking: strolling
running: jogging
sleeping: napping, snoozing, dozing
eating: having a meal, having lunch, having dinner, dining
sitting: seated
big: large
small: little
fast: quick
happy: cheerful, joyful
grass: lawn
man: guy
certainly: without a doubt, without any doubt, without doubt, no doubt, undoubtedly, doubtless
"""
)
"""Phrases of one meaning in answers; applied to both sides."""
PLACES = _set("beside under behind front above between inside outside")
"""Two answers that name different ones of these are different, however alike they are spelt."""
ABROAD = _table(
    """
person: persona, personne, mensch, pessoa
man: hombre, homme, mann, uomo, homem
woman: mujer, femme, frau, donna, mulher
child: nino, enfant, kind, bambino, crianca
dog: perro, chien, hund, cachorro, cao
cat: gato, chat, katze, gatto
horse: caballo, cheval, pferd, cavallo, cavalo
cow: vaca, vache, kuh, mucca
sheep: oveja, mouton, schaf, pecora, ovelha
bird: pajaro, ave, oiseau, vogel, uccello, passaro
bear: oso, ours, bar, orso, urso
elephant: elefante, elefant
car: coche, carro, voiture, auto, macchina
bus: autobus, omnibus, onibus
train: tren, zug, treno, trem
truck: camion, lastwagen, lkw, caminhao
boat: barco, bateau, boot, barca
bicycle: bicicleta, velo, fahrrad, bicicletta
motorcycle: motocicleta, moto, motorrad
airplane: avion, flugzeug, aereo, aviao
apple: manzana, pomme, apfel, mela, maca
banana: platano, banane
orange: naranja, apfelsine, arancia, laranja
bread: pan, pain, brot, pane, pao
cake: pastel, gateau, kuchen, torta, bolo
chair: silla, chaise, stuhl, sedia, cadeira
table: mesa, tisch, tavolo
bed: cama, lit, bett, letto
book: libro, livre, buch, livro
bottle: botella, bouteille, flasche, bottiglia, garrafa
cup: taza, tasse, tazza, xicara
knife: cuchillo, couteau, messer, coltello, faca
fork: tenedor, fourchette, gabel, forchetta, garfo
spoon: cuchara, cuillere, loffel, cucchiaio, colher
umbrella: paraguas, parapluie, regenschirm, ombrello, guarda-chuva
clock: reloj, horloge, uhr, orologio, relogio
tree: arbol, arbre, baum, albero, arvore
house: casa, maison, haus
door: puerta, porte, tur, porta
window: ventana, fenetre, fenster, finestra, janela
flower: flor, fleur, blume, fiore
water: agua, eau, wasser, acqua
sun: sol, soleil, sonne, sole
school: escuela, ecole, schule, scuola, escola
"""
)
"""Common nouns of other languages, for an answer that is one word; forms without accents."""

RESULTS = _set(
    "add adds adding sums comes amounts totals totalling makes making gives giving equals = so thus hence therefore "
    "i.e i.e. ie"
)
"""Words after which a calculation states its result."""
SMALL = _list("zero one two three four five six seven eight nine ten")
ORDINALS = _list(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth "
    "twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
)
