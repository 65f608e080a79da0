import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.capture.shell import Command, find_commands


def words(text: str) -> list[list[str]]:
    return [list(command.words) for command in find_commands(text)]


POSIX = [
    ("curl a.example", [["a.example"]]),
    ("curl 'a b' c", [["a b", "c"]]),
    (r"curl 'it'\''s'", [["it's"]]),
    ("curl ''", [[""]]),
    ("curl 'a''b'", [["ab"]]),
    ("curl 'one\ntwo'", [["one\ntwo"]]),
    (r"curl 'back\slash'", [["back\\slash"]]),
    (r'curl "a \"b\" \\ \x \` \$"', [['a "b" \\ \\x ` $']]),
    ('curl "a\\\nb"', [["ab"]]),
    (r"curl a\ b", [["a b"]]),
    ("curl 'a' \\\n  -H 'b'", [["a", "-H", "b"]]),
    ("curl 'a' \\   \n  -H 'b'", [["a", "-H", "b"]]),
    ("curl 'a' \\\n> -H 'b'", [["a", "-H", "b"]]),
    ("curl 'a' `\n -H 'b'", [["a", "-H", "b"]]),
    ("curl 'a'\n  -H 'b' -H 'c'\n  --compressed", [["a", "-H", "b", "-H", "c", "--compressed"]]),
    ("curl 'a'\nfine -H 'b'", [["a"]]),
    (r"curl $'\u0027\u0021'", [["'!"]]),
    (r"curl $'it\'s \041\n\r\t\\'", [["it's !\n\r\t\\"]]),
    (r"curl $'caf\xe9'", [["café"]]),
    (r"curl $'caf\xc3\xa9'", [["café"]]),
    (r"curl $'caf\u00e9'", [["café"]]),
    (r"curl $'\ud83d\ude00'", [["😀"]]),
    (r"curl $'\ud83d!'", [["\ufffd!"]]),
    (r"curl $'\U0001F600'", [["😀"]]),
    (r"curl $'\UFFFFFFFF'", [["\ufffd"]]),
    (r"curl $'\q\ca'", [["\\q\x01"]]),
    ('curl $"a"', [["a"]]),
    ("curl a # a remark\ncurl b", [["a"], ["b"]]),
    ("curl a#b", [["a#b"]]),
    ("curl a ; curl b", [["a"], ["b"]]),
    ("curl a ;\ncurl b", [["a"], ["b"]]),
    ("curl a && curl b", [["a"], ["b"]]),
    ("curl a | jq .x", [["a"]]),
    ("curl a > out.json 2>/dev/null -s", [["a", "-s"]]),
    ("curl a 2>&1 -s", [["a", "-s"]]),
    ("$ curl a", [["a"]]),
    ("me@host:~/x$ curl a", [["a"]]),
    ("# curl a", [["a"]]),
    ("➜  site git:(main) curl 'a'", [["a"]]),
    ("> curl 'a'", [["a"]]),
    ("```bash\ncurl 'a'\n```", [["a"]]),
    ("sudo curl a", [["a"]]),
    ("TOKEN=pk.x curl a", [["a"]]),
    ("x=$(curl -s a)", [["-s", "a"]]),
    ("Please run curl 'https://a.example/' again", [["https://a.example/", "again"]]),
    ("We use curl and wget", []),
    ("curl: (6) Could not resolve host", []),
    ("curl/8.4.0", []),
    ("libcurl a, /usr/bin/curl-config b", []),
    ("curl “a b” -H ‘c’", [["a b", "-H", "c"]]),
    ("curl\u00a0'a'\u00a0-H 'b'", [["a", "-H", "b"]]),
    ("CURL 'a'", [["a"]]),
]
CMD = [
    ('curl.exe ^"a b^" ^\n  -H ^"c^"', [["a b", "-H", "c"]]),
    ('curl ^"a^"', [["a"]]),
    ('curl --url ^"a^"', [["--url", "a"]]),
    ('curl ^"x: ^\\^"y^\\^"^"', [['x: "y"']]),
    ('curl "x: ^\\^"y^\\^"" ^\n -k', [['x: "y"', "-k"]]),
    ('curl "x: ""y""" ^\n -k', [['x: "y"', "-k"]]),
    ('curl "a=1^&b=2"', [["a=1&b=2"]]),
    ('curl ^"a=1^&b=^%^20^"', [["a=1&b=%20"]]),
    ('curl "50"%"25" ^\n -k', [["50%25", "-k"]]),
    ('curl ^"a%^20b^"', [["a%20b"]]),
    ('curl ^"one^\n\ntwo^"', [["one\ntwo"]]),
    ('curl ^"a^\\\\b^"', [["a\\b"]]),
    ('curl ^"^^^"', [["^"]]),
    ('curl.exe "a^b"', [["a^b"]]),
    ('C:\\Users\\me>curl "a"', [["a"]]),
    ('curl ^"a^" &\ncurl ^"b^"', [["a"], ["b"]]),
    ("curl.exe a^&b", [["a&b"]]),
    ('curl.exe "a" > out.txt', [["a"]]),
    ('curl.exe "a" | more', [["a"]]),
    ("curl.exe 'a' -H 'b'", [["a", "-H", "b"]]),
]


@pytest.mark.parametrize(("text", "expected"), POSIX + CMD)
def test_words(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "text", ["curl 'a", 'curl "a', "curl $'a", "curl “a", 'curl ^"a', "curl 'a' -H 'b\n\nThanks"]
)
def test_an_open_quotation_is_said(text: str) -> None:
    assert [command.closed for command in find_commands(text)] == [False]


def test_variables_stay_and_are_noted() -> None:
    [command] = find_commands("curl \"https://a.example/?t=$TOKEN&u=${U}\" $(x y) `z` '$NOT' $ 5$")
    assert command.words == (
        *("https://a.example/?t=$TOKEN&u=${U}", "$(x y)", "`z`", "$NOT", "$", "5$"),
    )
    assert command.unknowns == ("$TOKEN", "${U}", "$(x y)", "`z`")


def test_an_ampersand_outside_quotation_marks_cuts_the_url() -> None:
    [command] = find_commands("curl https://a.example/?a=1&access_token=pk.x")
    assert command.words == ("https://a.example/?a=1",)
    assert command.cut_by_ampersand
    assert not next(find_commands("curl a & curl b")).cut_by_ampersand
    assert not next(find_commands("curl a&& curl b")).cut_by_ampersand


def posix_single(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def posix_ansi(word: str) -> str:
    escaped = "".join(
        char if " " <= char <= "~" and char not in "\\'!" else f"\\u{ord(char):04x}"
        for char in word
        if ord(char) < 0x10000
    )
    return f"$'{escaped}'"


def cmd_caret(word: str) -> str:
    word = word.replace("\\", "\\\\").replace('"', '\\"')
    word = "".join(
        char if char.isalnum() or char in " \n_-:=+~'/.,?;*" else "^" + char for char in word
    )
    return '^"' + word.replace("\n", "^\n\n") + '^"'


TEXTS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r")), min_size=1)


@given(TEXTS)
def test_what_is_quoted_for_bash_is_read_back(texts: list[str]) -> None:
    assert words("curl " + " ".join(map(posix_single, texts))) == [texts]


@given(st.lists(st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF)), min_size=1))
def test_what_is_escaped_for_bash_is_read_back(texts: list[str]) -> None:
    assert words("curl " + " \\\n ".join(map(posix_ansi, texts))) == [texts]


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126)), min_size=1))
def test_what_is_quoted_for_cmd_is_read_back(texts: list[str]) -> None:
    assert words("curl.exe " + " ^\n  ".join(map(cmd_caret, texts))) == [texts]


@given(st.text(alphabet="curl .exe'\"\\$^`\n &;|<>()#{}-H[“’%u0x", max_size=80))
@settings(max_examples=400)
def test_any_text_is_read_without_an_error(text: str) -> None:
    for command in find_commands("curl " + text):
        assert isinstance(command, Command)
        assert 0 <= command.start < command.end <= len(text) + 5


@given(st.text(alphabet="ab'\"\\ $\n#", max_size=24))
@settings(max_examples=60, deadline=None)
def test_bash_splits_the_same_words(text: str) -> None:
    line = "curl " + text
    commands = list(find_commands(line))
    if any(not command.closed or command.unknowns for command in commands) or "`" in text:
        return
    if "\n" in line.replace("\\\n", "").strip("\n") or '$"' in text:
        return  # only whole lines compare; $"..." depends on the locale
    if text.rstrip().endswith("\\"):
        return  # a continuation whose next line was not copied
    try:
        said = subprocess.run(
            ["bash", "--norc", "-c", 'curl() { printf "%s\\0" x "$@"; }\n' + line],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("bash is not installed")
    if said.returncode == 0 and not said.stderr:
        assert [list(command.words) for command in commands] == [
            said.stdout.decode().split("\0")[1:-1]
        ]


@pytest.mark.parametrize(
    "piece",
    [
        *("curl ", "curl '", 'curl "', "curl $'", 'curl ^"', "curl \\\n", "^ ", "\\ ", "$(", "`"),
        *("curl a\n", "\n -H ", '"', "^\n", "<", "curl curl", "curl 'a' \\\n> ", "“", "${"),
        "curl.exe ^\\",
    ],
)
def test_time_is_linear(piece: str) -> None:
    text = "curl " + piece * (400_000 // len(piece))
    began = time.perf_counter()
    for _ in find_commands(text):
        pass
    assert time.perf_counter() - began < 5
