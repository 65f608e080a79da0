from tests.journey.conftest import Tape, verdict_of


def test_x() -> None:
    print(verdict_of(Tape().page(policy="no-referrer").ask(referer=None)))
