"""Sentences for the demo model: a template grammar of lectures and hearings in Portuguese, English and Spanish.

A sentence is either a fixed phrase or *subject verb object [adverbial]*; `{n}` is a number up to 99 in words.
About one variable sentence in ten (by a checksum of its text) is held out: training never uses it.
"""

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass

LANGUAGES = ("pt", "en", "es")
_HELD_OUT_ONE_IN = 10
_PHRASE_SHARE = 0.25
_ADVERBIAL_SHARE = 0.6


@dataclass(frozen=True)
class Grammar:
    """The words of one language."""

    subjects: tuple[str, ...]
    verbs: tuple[str, ...]
    objects: tuple[str, ...]
    adverbials: tuple[str, ...]
    phrases: tuple[str, ...]
    number: Callable[[int], str]


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PT_SMALL = _words(
    "zero um dois três quatro cinco seis sete oito nove dez onze doze treze quatorze quinze dezesseis dezessete dezoito dezenove"
)
_PT_TENS = _words("- - vinte trinta quarenta cinquenta sessenta setenta oitenta noventa")
_EN_SMALL = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_EN_TENS = _words("- - twenty thirty forty fifty sixty seventy eighty ninety")
_ES_SMALL = _words(
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro "
    "veinticinco veintiséis veintisiete veintiocho veintinueve"
)
_ES_TENS = _words("- - - treinta cuarenta cincuenta sesenta setenta ochenta noventa")


def _number(n: int, small: tuple[str, ...], tens: tuple[str, ...], joint: str) -> str:
    if n < len(small):
        return small[n]
    return tens[n // 10] + (joint + small[n % 10] if n % 10 else "")


_PORTUGUESE = Grammar(
    subjects=_lines("""
        o professor
        a professora
        o aluno
        a aluna
        a turma
        o juiz
        a testemunha
        o advogado
        a escola
        o médico
        a diretora
        o grupo
        nosso colega
        minha irmã
        o governo
    """),
    verbs=_words("explica apresenta estuda descreve corrige mostra discute resume prepara revisa comenta escreve"),
    objects=_lines("""
        a história do brasil
        a lição de hoje
        o exercício de matemática
        o capítulo {n}
        a prova de física
        o mapa da cidade
        a carta da família
        o livro de português
        a música nova
        o problema de química
        o contrato de trabalho
        a reunião da semana
        o projeto de lei
        a aula de geografia
        o relatório final
        a pergunta {n}
        o texto da página {n}
        a equação do segundo grau
    """),
    adverbials=_lines("""
        agora
        hoje
        amanhã
        com calma
        em voz alta
        na sala de aula
        na segunda feira
        na sexta feira
        depois do almoço
        muito bem
        mais uma vez
        para todos
        em {n} minutos
        com cuidado
        antes da prova
    """),
    phrases=_lines("""
        Bom dia a todos.
        Boa tarde, turma.
        Vamos começar a aula.
        Alguma pergunta?
        Muito obrigado pela atenção.
        Abram o livro na página {n}.
        A audiência está aberta.
        Isso é muito importante.
        Vamos fazer um intervalo de {n} minutos.
        Até a próxima aula.
        Podem anotar no caderno.
        A resposta certa é {n}.
        Qual é a sua dúvida?
        Não esqueçam a tarefa de casa.
        O senhor pode repetir?
        Sim, senhora.
        Eu não concordo.
        Vamos voltar ao tema da aula.
        A água ferve a cem graus.
        O coração bombeia o sangue.
    """),
    number=lambda n: _number(n, _PT_SMALL, _PT_TENS, " e "),
)

_ENGLISH = Grammar(
    subjects=_lines("""
        the teacher
        the student
        the class
        the judge
        the witness
        the doctor
        the school
        our group
        my brother
        the city
    """),
    verbs=_words("explains presents studies describes reviews shows discusses prepares writes reads"),
    objects=_lines("""
        the lesson of today
        the history of the country
        the math exercise
        chapter {n}
        the map of the city
        the final report
        question {n}
        the new project
        the text on page {n}
        the answer
    """),
    adverbials=_lines("""
        now
        today
        tomorrow
        very slowly
        in the classroom
        on Monday
        after lunch
        once more
        for everyone
        in {n} minutes
    """),
    phrases=_lines("""
        Good morning, everyone.
        Let us start the lesson.
        Any questions?
        Thank you very much.
        Open the book on page {n}.
        This is very important.
        The right answer is {n}.
        See you next week.
        I do not agree.
        Please repeat that.
    """),
    number=lambda n: _number(n, _EN_SMALL, _EN_TENS, "-"),
)

_SPANISH = Grammar(
    subjects=_lines("""
        el profesor
        la maestra
        el alumno
        la clase
        el juez
        la escuela
        nuestro grupo
        el médico
    """),
    verbs=_words("explica presenta estudia describe muestra prepara escribe"),
    objects=_lines("""
        la lección de hoy
        el ejercicio
        la historia del país
        el libro nuevo
        la pregunta {n}
        el informe final
        el capítulo {n}
        el texto de la página {n}
    """),
    adverbials=_lines("""
        ahora
        mañana
        en la clase
        otra vez
        para todos
        después de comer
        en {n} minutos
    """),
    phrases=_lines("""
        Buenos días a todos.
        Vamos a empezar.
        Muchas gracias.
        Hasta la próxima semana.
        Esto es muy importante.
        ¿Alguna pregunta?
        Abran el libro en la página {n}.
        La respuesta correcta es {n}.
    """),
    number=lambda n: _number(n, _ES_SMALL, _ES_TENS, " y "),
)

GRAMMARS = {"pt": _PORTUGUESE, "en": _ENGLISH, "es": _SPANISH}


def sentence(language: str, rng: random.Random, held_out: bool = False) -> str:
    """A random sentence of `language`: a held-out one if `held_out`, otherwise one for training.

    Fixed phrases without a number are in both sets, because their words occur nowhere else.
    """
    while True:
        text, variable = _draw(GRAMMARS[language], rng)
        if not variable or is_held_out(text) == held_out:
            return text


def is_held_out(text: str) -> bool:
    """Whether a variable sentence is held out from training."""
    return zlib.crc32(text.encode()) % _HELD_OUT_ONE_IN == 0


def _draw(grammar: Grammar, rng: random.Random) -> tuple[str, bool]:
    """Return a sentence and whether it has variable parts."""
    if rng.random() < _PHRASE_SHARE:
        text = rng.choice(grammar.phrases)
        variable = "{n}" in text
    else:
        parts = [rng.choice(grammar.subjects), rng.choice(grammar.verbs), rng.choice(grammar.objects)]
        if rng.random() < _ADVERBIAL_SHARE:
            parts.append(rng.choice(grammar.adverbials))
        text = " ".join(parts)
        text, variable = text[0].upper() + text[1:] + ".", True
    while "{n}" in text:
        text = text.replace("{n}", grammar.number(rng.randint(1, 99)), 1)
    return text, variable
