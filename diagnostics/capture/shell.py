"""Finds curl commands in a text and splits each into words, as bash or Windows cmd would.

Only quoting is read here; what the words mean to curl is in `curl_options`. The rules of bash are
those of its manual (3.1.2 Quoting, 3.1.2.4 ANSI-C Quoting). For cmd.exe they are the inverse of
what the browsers write (DevTools `NetworkLogView.ts`, Firefox `devtools/client/shared/curl.js`):
every character of doubt carries a caret, `"` and `\\` inside an argument carry a backslash, `%` is
followed by a caret, a line break is written `^` and two line breaks; older copies wrap an argument
in plain quotation marks and double those inside. All scanning is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec


class Command(msgspec.Struct, frozen=True):
    """One command: its words after `curl`, and where it stands in the text.

    `closed` is False where a quotation never ends: the text was cut off. `unknowns` are shell
    variables and substitutions, whose values only the shell that ran it knew. `cut_by_ampersand`
    tells that an `&` amid an unquoted word ended the command, as a shell would.
    """

    words: tuple[str, ...]
    start: int
    end: int
    closed: bool = True
    unknowns: tuple[str, ...] = ()
    cut_by_ampersand: bool = False


_CURL = re.compile(r"(?<![\w./\\-])curl(?P<exe>\.exe)?(?=[ \t\u00a0^\\`])", re.IGNORECASE)
_ARGUMENT = re.compile(r"[ \t\u00a0]+(?:\^?\"|\$?'|[“‘]|--url\b|https?://)", re.IGNORECASE)
_BEFORE = re.compile(
    r"(?:^|[$#%>❯➜»;&|(`:~*]|--|\b(?:sudo|time|exec|command|watch|[A-Z_]+=\S+))[ \t\u00a0]*$"
)
_LONGEST_PROMPT = 200


def find_commands(text: str) -> Iterator[Command]:
    """Every curl command in `text`, in order; line breaks must be `\\n` alone."""
    at = line = 0
    while found := _CURL.search(text, at):
        line = text.rfind("\n", at, found.start()) + 1 or line
        before = text[max(line, found.start() - _LONGEST_PROMPT) : found.start()]
        if not (_BEFORE.search(before) or _ARGUMENT.match(text, found.end())):
            at = found.end()
            continue
        read = _read_cmd if _is_cmd(text, found, before) else _read_posix
        command = read(text, found.start(), found.end())
        yield command
        at = line = max(command.end, found.end())


_POSIX_WORD = re.compile(r"[ \t\u00a0=](?:\$?'|[“‘])")
_CARETS = re.compile(r"\^[\"&%^\\|<>!{}\[\]]|\^[ \t]*$")
_DRIVE = re.compile(r"[A-Za-z]:\\[^\n>]*>[ \t]*$")


def _is_cmd(text: str, found: re.Match[str], before: str) -> bool:
    """Whether the command was written for cmd.exe, judged by its first line."""
    stop = text.find("\n", found.end(), found.end() + 65536)
    line = text[found.end() : stop if stop >= 0 else found.end() + 65536]
    if re.match(r"[ \t]+(?:--url[ \t]+)?\^\"", line):
        return True
    if _POSIX_WORD.search(line) or line.endswith(("\\", "`")):
        return False
    return bool(found["exe"] or _CARETS.search(line) or _DRIVE.search(before))


class _Words:
    """Words as they are put together piece by piece; a redirection's target is dropped."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.unknowns: list[str] = []
        self._word: list[str] | None = None
        self._drop_next = False

    def add(self, piece: str) -> None:
        if self._word is None:
            self._word = []
        self._word.append(piece)

    def end(self) -> None:
        if self._word is None:
            return
        if self._drop_next:
            self._drop_next = False
        else:
            self.done.append(_whole("".join(self._word)))
        self._word = None

    def redirect(self) -> None:
        """A `>` or `<` stands here: `2>` takes its number along, the next word is a file."""
        if self._word is not None and "".join(self._word).isdigit():
            self._word = None
        self.end()
        self._drop_next = True

    @property
    def between(self) -> bool:
        return self._word is None

    def command(self, start: int, end: int, closed: bool = True, cut: bool = False) -> Command:
        self.end()
        unknowns = tuple(dict.fromkeys(self.unknowns))
        return Command(tuple(self.done), start, end, closed, unknowns, cut)


_BLANKS = " \t\u00a0\r"
_POSIX_PLAIN = re.compile(r"[^\s\u00a0'\"\\$`;&|<>()#“”‘’]+")
_CONTINUED = re.compile(r"[\\`][ \t]*(?:\n(?:>[ \t]*(?=[-'\"$]|https?:))?|\Z)")
#: A line break that lost its backslash on the way through a mail or a ticket: options go on.
_LOST = re.compile(
    r"\n[ \t\u00a0]{0,64}(?=--?[A-Za-z][\w-]{0,40}[ \t]{1,8}[\"'$^“‘]|--(?:compressed|insecure)\b)"
)
_VARIABLE = re.compile(r"\$(?:\w+|[$?!@*#-]|\{[^}\n]{0,256}\}|\([^)\n]{0,256}\))|`[^`\n]{0,256}`")
_REDIRECTION = re.compile(r"[<>]+[&|]?[ \t]*")
_CURLY = {"“": '“”"', "”": '“”"', "‘": "‘’'", "’": "‘’'"}


def _read_posix(text: str, start: int, at: int) -> Command:
    words = _Words()
    while at < len(text):
        char = text[at]
        if char in _BLANKS:
            words.end()
            at += 1
        elif char == "\n":
            lost = _LOST.match(text, at)
            if not lost:
                break
            words.end()
            at = lost.end()
        elif char in "\\`" and (more := _CONTINUED.match(text, at)):
            at = more.end()
        elif char == "\\":
            words.add(text[at + 1 : at + 2])
            at += 2
        elif char == "'" or char in _CURLY:
            close = _find_any(text, _CURLY.get(char, char), at + 1)
            words.add(text[at + 1 : close if close >= 0 else len(text)])
            if close < 0:
                return words.command(start, len(text), closed=False)
            at = close + 1
        elif char == '"' or text.startswith('$"', at):
            at, closed = _double_quoted(text, at + (2 if char == "$" else 1), words)
            if not closed:
                return words.command(start, len(text), closed=False)
        elif text.startswith("$'", at):
            at, closed = _ansi_c_quoted(text, at + 2, words)
            if not closed:
                return words.command(start, len(text), closed=False)
        elif char in "$`":
            at = _variable(text, at, words)
        elif char in "<>":
            words.redirect()
            redirection = _REDIRECTION.match(text, at)
            at = redirection.end() if redirection else at + 1
        elif char in ";&|()":
            cut = char == "&" and not words.between and text[at + 1 : at + 2].strip(" \t\n&") != ""
            return words.command(start, at, cut=cut)
        elif char == "#" and words.between:
            stop = text.find("\n", at)
            at = stop if stop >= 0 else len(text)
        else:
            plain = _POSIX_PLAIN.match(text, at)
            words.add(plain[0] if plain else char)
            at = plain.end() if plain else at + 1
    return words.command(start, at)


def _find_any(text: str, marks: str, at: int) -> int:
    if len(marks) == 1:
        return text.find(marks, at)
    found = re.compile(f"[{re.escape(marks)}]").search(text, at)
    return found.start() if found else -1


_DOUBLE = re.compile(r"[^\"\\$`]+|\\(?:\n|[$`\"\\])?|[$`]")


def _double_quoted(text: str, at: int, words: _Words) -> tuple[int, bool]:
    words.add("")
    while at < len(text):
        if text[at] == '"':
            return at + 1, True
        if text[at] in "$`":
            at = _variable(text, at, words)
            continue
        piece = _DOUBLE.match(text, at)
        assert piece is not None  # its branches cover every character but the closing mark
        at = piece.end()
        said = piece[0]
        if said[0] == "\\" and len(said) == 2:
            said = "" if said[1] == "\n" else said[1]
        words.add(said)
    return at, False


def _variable(text: str, at: int, words: _Words) -> int:
    """A variable or substitution stays as it is written, and is noted as unknown."""
    found = _VARIABLE.match(text, at)
    if not found:
        words.add(text[at])
        return at + 1
    words.unknowns.append(found[0])
    words.add(found[0])
    return found.end()


_ANSI_C = re.compile(
    r"(?P<plain>[^'\\]+)|(?P<bytes>(?:\\x[0-9A-Fa-f]{1,2}|\\[0-7]{1,3})+)"
    r"|\\u(?P<short>[0-9A-Fa-f]{1,4})|\\U(?P<long>[0-9A-Fa-f]{1,8})"
    r"|\\c(?P<control>.)|(?P<other>\\.?)",
    re.DOTALL,
)
_ANSI_C_BYTE = re.compile(r"\\x([0-9A-Fa-f]+)|\\([0-7]+)")
_ANSI_C_LETTERS = dict(zip("abeEfnrtv\\'\"?", "\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))


def _ansi_c_quoted(text: str, at: int, words: _Words) -> tuple[int, bool]:
    words.add("")
    while at < len(text):
        if text[at] == "'":
            return at + 1, True
        piece = _ANSI_C.match(text, at)
        assert piece is not None
        at = piece.end()
        if piece["plain"] is not None:
            words.add(piece["plain"])
        elif piece["bytes"] is not None:
            words.add(_bytes_as_text(piece["bytes"]))
        elif (digits := piece["short"] or piece["long"]) is not None:
            code = int(digits, 16)
            words.add(chr(code) if code <= 0x10FFFF else "\ufffd")
        elif piece["control"] is not None:
            words.add(chr(ord(piece["control"][0]) & 0x1F))
        else:
            letter = piece["other"][1:]
            words.add(_ANSI_C_LETTERS.get(letter, "\\" + letter))
    return at, False


def _bytes_as_text(escapes: str) -> str:
    r"""`\x..` and octal escapes: UTF-8 bytes when a person wrote them, code points below 256
    when Firefox or Safari did."""
    values = [
        int(match[1], 16) if match[1] else int(match[2], 8) & 0xFF
        for match in _ANSI_C_BYTE.finditer(escapes)
    ]
    raw = bytes(values)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _whole(word: str) -> str:
    r"""Joins surrogate pairs (Firefox escapes `\ud83d\ude00`) and replaces halves of one."""
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        return word.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return word


_CMD_PLAIN = re.compile(r"[^\s\u00a0\"^\\&|<>]+")
_CMD_QUOTED = re.compile(r"[^\"^\\]+")
#: How the oldest copies wrote line breaks of a body: outside the marks, which then open again.
_KEPT_LINE_BREAKS = re.compile(r"\^(\n+)(?=\")")
_CARET_AND_LINE_BREAK = re.compile(r"\^[ \t]*(?:\n|\Z)")


def _read_cmd(text: str, start: int, at: int) -> Command:
    words = _Words()
    quoted = ""  # the mark that opened the argument: nothing, `"` or `^"`
    previous = ""
    while at < len(text):
        char = text[at]
        step, said = 1, ""
        if not quoted and text[at - 1] == '"' and (kept := _KEPT_LINE_BREAKS.match(text, at)):
            step, said = len(kept[0]), kept[1]
        elif char == "^" and (line_break := _CARET_AND_LINE_BREAK.match(text, at)):
            step = len(line_break[0])
            if not quoted:
                words.end()
            elif text.startswith("\n", at + step):  # two line breaks inside an argument say one
                step, said = step + 1, "\n"
        elif char == '"' or text.startswith('^"', at):
            mark = '"' if char == '"' else '^"'
            step = len(mark)
            if quoted == mark == '"' and text.startswith('""', at):
                step, said = 2, '"'
            else:
                quoted = "" if quoted else mark
                words.add("")
        elif char == "\\" or text.startswith("^\\", at):
            step, said = _backslash(text, at, quoted)
        elif char == "^":
            step, said = _caret(text, at, quoted, previous)
        elif quoted or char not in " \t\u00a0\r\n&|<>":
            plain = (_CMD_QUOTED if quoted else _CMD_PLAIN).match(text, at)
            said = plain[0] if plain else char
            step = len(said)
        elif char == "\n":
            lost = _LOST.match(text, at)
            if not lost:
                break
            words.end()
            step = len(lost[0])
        elif char in "&|":
            break
        elif char in "<>":
            words.redirect()
            redirection = _REDIRECTION.match(text, at)
            step = len(redirection[0]) if redirection else 1
        else:
            words.end()
        if said:
            words.add(said)
        previous = said[-1:]
        at += step
    return words.command(start, at, closed=not quoted)


def _caret(text: str, at: int, quoted: str, previous: str) -> tuple[int, str]:
    """How many characters a caret takes and what they say.

    Inside plain quotation marks cmd takes a caret literally; older copies put one there all the
    same before every character of doubt, and after a percent sign before a letter.
    """
    escaped = text[at + 1 : at + 2]
    if quoted == '"' and (escaped.isalnum() or escaped.isspace()) and previous != "%":
        return 1, "^"
    return 2, escaped


def _backslash(text: str, at: int, quoted: str) -> tuple[int, str]:
    r"""`\\` says `\` and `\"` says `"`; each of the characters may carry a caret."""
    first = 2 if text[at] == "^" else 1
    second = 2 if text.startswith("^", at + first) else 1
    escaped = text[at + first + second - 1 : at + first + second]
    if escaped == '"' or (escaped == "\\" and quoted):
        return first + second, escaped
    return first, "\\"
