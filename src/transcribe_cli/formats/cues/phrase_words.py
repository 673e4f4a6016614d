"""Closed classes of words, which show where phrases begin and end: Portuguese, English, Spanish, French, Italian, German.

Articles, prepositions, conjunctions, pronouns and auxiliaries are few and do not change, so lists suffice: no tagger is needed. Adjectives
are found by the few that often precede nouns, and by their endings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# Costs of a break: after a sentence; after a clause; before a conjunction; before a preposition; before an article, pronoun or verb; before
# a degree or `of`, which continue a phrase; between other words; before an adjective that follows its noun, or after a short word of a
# language without lists; inside a name, or between adjective or number and noun; after an article.
SENTENCE, CLAUSE, BEFORE_CLAUSE, BEFORE_PHRASE, BEFORE_GROUP, CONTINUES = 0.0, 1.5, 3.0, 3.5, 4.0, 6.0
ANYWHERE, SHORT_WORD, INSIDE_PHRASE, NEVER = 7.0, 8.0, 10.0, 14.0


@dataclass(frozen=True)
class PhraseWords:
    """Word lists of one language, in lower case.

    Attributes:
        binding: words that never end a line or a cue.
        costs_before: cost of a break before a word of the closed classes.
        sentence_starts: closed classes whose words have a capital only at the beginning of a sentence, or of a name.
        prepositions: without genitives.
        genitives: `of`.
        auxiliaries: forms of be, have, go, modals; negation.
        strong_pronouns: they may also follow a preposition, and then end a phrase.
        adjectives: often before nouns; also numerals.
        before_noun: the ends of other adjectives that precede nouns.
        after_noun: the ends of adjectives and participles that follow nouns.
        verb: the ends of verbs, and of no other words.
        of_heads: words that bind if `of` or `to` follows, such as `because of`.
        nouns_capitalized: as in German, where a word with the end of an adjective before a capital precedes a noun.
    """

    binding: frozenset[str]
    costs_before: Mapping[str, float]
    sentence_starts: frozenset[str]
    prepositions: frozenset[str]
    genitives: frozenset[str]
    auxiliaries: frozenset[str]
    strong_pronouns: frozenset[str]
    adjectives: frozenset[str]
    before_noun: re.Pattern[str] | None
    after_noun: re.Pattern[str] | None
    verb: re.Pattern[str] | None
    of_heads: frozenset[str]
    nouns_capitalized: bool


def _phrase_words(
    *,
    clause_starts: str,
    prepositions: str,
    genitives: str,
    determiners: str,
    pronouns: str,
    auxiliaries: str,
    degrees: str,
    adjectives: str,
    before_noun: str = "",
    after_noun: str = "",
    verb: str = "",
    of_heads: str = "",
    nouns_capitalized: bool = False,
) -> PhraseWords:
    """Each class as words separated by spaces. A word of several classes counts as the first of them before which it stands.

    Args:
        clause_starts: conjunctions and relative pronouns.
        prepositions: also contracted with articles.
        genitives: `of`: they continue the noun phrase before them.
        determiners: articles, possessives, demonstratives, quantifiers.
        pronouns: subjects and objects, before verbs.
        auxiliaries: as in `PhraseWords`.
        degrees: they modify the next word, and usually continue the phrase before.
        adjectives: as in `PhraseWords`.
        before_noun: alternatives of a regular expression; `after_noun` and `verb` as well.
        after_noun: as in `PhraseWords`.
        verb: as in `PhraseWords`.
        of_heads: as in `PhraseWords`.
        nouns_capitalized: as in `PhraseWords`.
    """
    by_cost = (
        (degrees, CONTINUES),
        (auxiliaries, BEFORE_GROUP),
        (pronouns, BEFORE_GROUP),
        (determiners, BEFORE_GROUP),
        (prepositions, BEFORE_PHRASE),
        (clause_starts, BEFORE_CLAUSE),
        (genitives, CONTINUES),
    )
    starts = frozenset(f"{clause_starts} {prepositions} {determiners}".split())
    others = f"{determiners} {prepositions} {genitives} {clause_starts}".split()
    costs_before = {word: cost for group, cost in by_cost for word in group.split()}
    return PhraseWords(
        binding=frozenset(costs_before),
        costs_before=MappingProxyType(costs_before),
        sentence_starts=starts,
        prepositions=frozenset(prepositions.split()),
        genitives=frozenset(genitives.split()),
        auxiliaries=frozenset(auxiliaries.split()),
        strong_pronouns=frozenset(pronouns.split()).difference(others),
        adjectives=frozenset(adjectives.split()),
        before_noun=_endings(before_noun),
        after_noun=_endings(after_noun),
        verb=_endings(verb),
        of_heads=frozenset(of_heads.split()),
        nouns_capitalized=nouns_capitalized,
    )


def _endings(alternatives: str) -> re.Pattern[str] | None:
    return re.compile(rf".{{2,}}(?:{alternatives})") if alternatives else None


PORTUGUESE = _phrase_words(
    clause_starts="""e ou mas nem que se porque pois quando enquanto embora como onde quem qual quais cujo cuja cujos cujas porém portanto
""",
    prepositions="""em no na nos nas num numa nuns numas por pelo pela pelos pelas para pra pro pras pros com sem sob sobre entre até após
        desde contra ao à aos às perante durante mediante devido através apesar além graças nesse nessa nesses nessas neste
        nesta nestes nestas naquele naquela naqueles naquelas segundo conforme""",
    genitives="de do da dos das dum duma deste desta destes destas desse dessa desses dessas daquele daquela daqueles daquelas",
    determiners="""o a os as um uma uns umas meu minha meus minhas teu tua teus tuas seu sua seus suas nosso nossa nossos nossas este esta
        estes estas esse essa esses essas aquele aquela aqueles aquelas cada todo toda todos todas outro outra outros outras
        algum alguma alguns algumas nenhum nenhuma vários várias qualquer quaisquer ambos ambas muitos muitas poucos poucas
        tanto tanta tantos tantas quanto quanta quantos quantas certos certas diversos diversas""",
    pronouns="eu tu ele ela nós eles elas você vocês me te lhe lhes nos vos isto isso aquilo",
    auxiliaries="""não é são era eram foi foram fui ser está estão estava estavam estou estamos esteve estiveram estar estando seria seriam
        será serão seja sejam fosse fossem sendo sido somos sou tem têm tinha tinham tenho temos teve tiveram ter terá terão
        teria teriam tenha tenham há havia houve haver haverá vai vão vou vamos ia iam vem vêm pode podem podia podiam posso
        podemos poderá poderão poderia poderiam poder deve devem devia deviam devo devemos deverá deverão deveria deveriam dever
        quer querem costuma costumam precisa precisam consegue conseguem começou começaram continua continuam""",
    degrees="mais menos muito muita pouco tão já só também ainda sempre nunca bem apenas bastante quase cerca",
    adjectives="""grande grandes novo nova novos novas velho velha velhos velhas bom boa bons boas mau má maus más maior maiores menor
        menores melhor melhores pior piores primeiro primeira primeiros primeiras segunda terceiro terceira quarto último última
        últimos últimas próximo próxima próximos próximas pequeno pequena pequenos pequenas único única únicos únicas mesmo
        mesma mesmos mesmas próprio própria próprios próprias atual atuais antigo antiga antigos antigas alto alta altos altas
        longo longa longos longas curto curta curtos curtas baixo baixa baixos baixas pleno plena mero mera verdadeiro
        verdadeira simples dois duas três quatro cinco seis sete oito nove dez vinte trinta quarenta cinquenta cem cento mil
        enorme enormes grave graves são santo santa dona seu dom""",
    after_noun="ais|al|ic[oa]s?|os[oa]s?|vel|veis|iv[oa]s?|[áó]ri[oa]s?|an[oa]s?|eir[oa]s?|[aeiíu]d[oa]s?|ês|es[ae]s?|in[oa]s?|ens[oa]s?|ntes?|ar(?:es)?",
    verb="ou|iu|[aei]ram|[aei]riam|avam|iam|[aei]r(?:á|ão)|[aei]ndo",
    of_heads="antes depois dentro fora perto longe acima abaixo atrás vez causa partir fim respeito cerca acordo virtude espécie",
)
SPANISH = _phrase_words(
    clause_starts="y e o u pero ni sino que si porque pues cuando mientras aunque como donde quien quienes cual cuales cuyo cuya",
    prepositions="en por para con sin sobre entre hasta desde hacia contra según tras a al ante bajo durante mediante",
    genitives="de del",
    determiners="""el la los las un una unos unas lo mi mis tu tus su sus nuestro nuestra nuestros nuestras este esta estos estas ese esa
        esos esas aquel aquella aquellos aquellas cada todo toda todos todas otro otra otros otras algún alguna algunos algunas
        ningún ninguna varios varias cualquier ambos ambas muchos muchas pocos pocas tanto tanta tantos tantas cuánto cuánta
        cuántos cuántas""",
    pronouns="yo tú él ella usted nosotros ellos ellas ustedes me te se le les nos os esto eso aquello",
    auxiliaries="""no es son era eran fue fueron ser está están estaba estaban estoy estamos estuvo estar sería serían será serán sea sean
        fuera fueran siendo sido somos soy ha han he hemos había habían hay hubo haber habrá habría tiene tienen tenía tenían
        tengo tenemos tuvo va van voy vamos iba iban puede pueden podía podían puedo podemos podrá podrán podría podrían debe
        deben debía debería deberían quiere quieren suele suelen""",
    degrees="más menos muy tan ya también aún siempre nunca bien apenas bastante casi solo sólo",
    adjectives="""gran grande grandes nuevo nueva nuevos nuevas viejo vieja viejos viejas buen bueno buena buenos buenas mal malo mala
        malos malas mayor mayores menor menores mejor mejores peor peores primer primero primera primeros primeras segundo
        segunda tercer tercera último última últimos últimas próximo próxima próximos próximas pequeño pequeña pequeños pequeñas
        único única únicos únicas mismo misma mismos mismas propio propia propios propias actual actuales antiguo antigua
        antiguos antiguas alto alta altos altas largo larga largos largas corto corta verdadero verdadera dos tres cuatro cinco
        seis siete ocho nueve diez veinte treinta cien mil san santa don doña""",
    after_noun="ales|al|ic[oa]s?|os[oa]s?|bles?|iv[oa]s?|ari[oa]s?|ori[oa]s?|an[oa]s?|er[oa]s?|[aií]d[oa]s?|és|es[ae]s?|in[oa]s?|ens[oa]s?|ntes?|ar(?:es)?",
    verb="ó|[ae]ron|aban|ían|[aei]rán?|(?:a|ie)ndo",
    of_heads="antes después dentro fuera cerca lejos encima debajo detrás delante vez causa partir fin través acuerdo especie",
)
ENGLISH = _phrase_words(
    clause_starts="""and or but nor so yet that which who whom whose what if because when where while though although since unless whether
        how why""",
    prepositions="""to in on at by for with from into onto about as than over under between through without within after before during
        against among across behind beyond towards toward until upon near like""",
    genitives="of",
    determiners="""the a an my your his her its our their this these those each every some any all both another no other many few several
        either neither""",
    pronouns="i you he she it we they me him them us",
    auxiliaries="""am is are was were be been being have has had do does did will would shall should can could may might must cannot not
        i'm you're we're they're it's he's she's that's there's i've you've we've they've i'd you'd he'd she'd we'd they'd i'll
        you'll he'll she'll it'll we'll they'll don't doesn't didn't won't wouldn't can't couldn't shouldn't isn't aren't wasn't
        weren't haven't hasn't hadn't let's gonna""",
    degrees="very more most less too quite rather almost only just even",
    adjectives="""new old good great big small long high large little young early late bad same first second third last next own right
        left different whole main real true best better worst worse own certain one two three four five six seven eight nine ten
        eleven twelve twenty thirty forty fifty hundred thousand million billion such red blue green black white dark deep low
        short strong free full former recent common single entire public human""",
    before_noun="al|ic|ous|ful|ive|able|ible|less|ish|ary|ant|(?<!m)ent|'s|s'",
    of_heads="because out instead ahead kind kinds sort sorts lot lots number couple part front terms spite according due thanks",
)
FRENCH = _phrase_words(
    clause_starts="et ou mais ni que qui qu' dont où si parce car donc quand lorsque lorsqu' puisque puisqu' comme quoique tandis",
    prepositions="""à au aux en dans par pour avec sans sous sur entre vers contre chez depuis pendant jusque jusqu' après avant selon
        malgré dès parmi""",
    genitives="de du d' des",
    determiners="""le la les l' un une ce cet cette ces mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs chaque tout toute
        tous toutes autre autres quel quelle quels quelles quelque quelques plusieurs aucun aucune certains certaines""",
    pronouns="je j' tu il elle on nous vous ils elles me m' te t' se s' lui y ce c' cela ça",
    auxiliaries="""ne n' est sont était étaient suis sommes êtes être sera seront serait seraient soit soient fut furent été étant ai as a
        avons avez ont avait avaient avoir aura auront aurait auraient ait eu va vais vas vont allons allez peut peuvent peux
        pouvait pourra pourrait doit doivent dois devait devra devrait veut veulent faut fait font""",
    degrees="plus moins très trop si aussi assez bien encore déjà toujours jamais peu presque pas",
    adjectives="""grand grande grands grandes nouveau nouvel nouvelle nouveaux nouvelles vieux vieil vieille vieilles bon bonne bons
        bonnes mauvais mauvaise petit petite petits petites beau bel belle beaux belles jeune jeunes premier première premiers
        premières deuxième troisième dernier dernière derniers dernières prochain prochaine même mêmes seul seule seuls seules
        propre propres ancien ancienne anciens anciennes haut haute long longue gros grosse vrai vraie meilleur meilleure
        meilleurs meilleures deux trois quatre cinq six sept huit neuf dix vingt trente cent cents mille saint sainte""",
    after_noun="ales?|als?|aux|elles?|els?|iques?|eux|euses?|ables?|ibles?|ifs?|ives?|aires?|oires?|iens?|iennes?|ais|aises?|ée?s?|ants?|antes?|ents?|entes?",
    verb="aient|èrent|eront|ait",
    of_heads="cause lieu partir loin près hors autour lors beaucoup espèce sorte nombre",
)
ITALIAN = _phrase_words(
    clause_starts="e ed o oppure ma né che chi se perché poiché quando mentre sebbene come dove cui quale quali anche",
    prepositions="""a ad al allo alla ai agli alle all' in nel nello nella nei negli nelle nell' da dal dallo dalla dai dagli dalle dall'
        con col su sul sullo sulla sui sugli sulle sull' per tra fra senza sotto sopra verso contro dopo prima durante fino""",
    genitives="di del dello della dei degli delle dell' d'",
    determiners="""il lo la i gli le l' un uno una un' mio mia miei mie tuo tua suo sua suoi sue nostro nostra nostri nostre loro questo
        questa questi queste quest' quello quella quelli quelle quel quei quegli quell' ogni tutto tutta tutti tutte altro altra
        altri altre qualche alcuni alcune nessun nessuna molti molte pochi poche tanto tanta tanti tante""",
    pronouns="io tu lui lei noi voi essi esse mi ti si ci vi ne c' m' s' t' v' ciò",
    auxiliaries="""non è sono sei siamo siete era erano fu furono essere sarà saranno sarebbe sarebbero sia siano stato stata stati state
        sta stanno stava stavano ho hai ha abbiamo avete hanno aveva avevano avere avrà avranno avrebbe abbia va vanno vado
        andiamo può possono poteva potrà potrebbe posso deve devono doveva dovrà dovrebbe vuole vogliono""",
    degrees="più meno molto troppo così già ancora sempre mai bene quasi solo poco",
    adjectives="""grande gran grandi nuovo nuova nuovi nuove vecchio vecchia vecchi vecchie buono buon buona buoni buone cattivo piccolo
        piccola piccoli piccole bello bel bella belli belle primo prima primi prime secondo seconda terzo terza ultimo ultima
        ultimi ultime prossimo prossima stesso stessa stessi stesse unico unica proprio propria antico antica alto alta lungo
        lunga vero vera maggiore maggiori minore minori migliore migliori peggiore due tre quattro cinque sei sette otto nove
        dieci venti trenta cento mille san santa""",
    after_noun="al[ei]|ic[oaie]|ich[ei]|os[oaie]|bil[ei]|iv[oaie]|ari[oae]?|ori[oae]?|an[oaie]|at[oaie]|ut[oaie]|it[oaie]|es[ei]|in[oaie]|nt[ei]|ar[ei]",
    verb="ò|[aei]rono|[aei]vano|[aei]ranno|[ae]ndo",
    of_heads="prima causa fuori parte invece specie numero meno",
)
GERMAN = _phrase_words(
    clause_starts="""und oder aber sondern denn doch dass daß weil wenn als ob obwohl während bis damit sodass wo wie wer was warum welcher
        welche welches bevor nachdem""",
    prepositions="""in im ins an am ans auf aus bei beim mit nach seit zu zum zur für durch gegen ohne um über unter vor hinter neben
        zwischen wegen trotz statt ab""",
    genitives="von vom des der",
    determiners="""die das den dem ein eine einen einem einer eines kein keine keinen keinem keiner mein meine meinen meinem meiner dein
        deine sein seine seinen seinem seiner ihr ihre ihren ihrem ihrer unser unsere unseren unserem unserer euer eure dieser
        diese dieses diesen diesem jeder jede jedes jeden jedem jener jene alle allen aller viele vielen einige mehrere andere
        anderen manche solche""",
    pronouns="ich du er sie es wir man mich dich sich uns euch ihn ihm ihnen mir dir",
    auxiliaries="""nicht ist sind war waren bin bist sei wäre wären hat haben habe hatte hatten hätte hätten wird werden wurde wurden würde
        würden kann können konnte könnte muss müssen musste soll sollen sollte will wollen wollte darf dürfen mag möchte""",
    degrees="sehr mehr weniger ganz so zu nur auch noch schon immer nie fast etwa sogar",
    adjectives="""zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig hundert tausend millionen erste ersten zweite
        zweiten""",
    before_noun="e|en|er|es|em",
    nouns_capitalized=True,
)
PHRASE_WORDS: Mapping[str, PhraseWords] = MappingProxyType(
    {
        "pt": PORTUGUESE,
        "en": ENGLISH,
        "es": SPANISH,
        "fr": FRENCH,
        "it": ITALIAN,
        "de": GERMAN,
    }
)
