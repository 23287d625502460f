"""``diwan import …`` on an association of its own: what is shown, what is refused, what is applied."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from core import work
from core.cli import main
from core.commands import operator
from core.customers import entry
from core.opening import opened
from core.organisation.models import City, Department
from core.settings import Association
from core.testing import NOON, actor_with, new_association, test_deployment
from tests.acceptance.register import approved_form, register_people

CITIES = "code,name_ar,region_ar\n1,مدينة أ,الشرقية\n2,,الغربية\n1,مدينة أ,الشرقية\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    new_association(test_deployment(tmp_path), "albalad")
    monkeypatch.setenv("DIWAN_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "cities.csv"
    path.write_text(CITIES, encoding="utf-8")
    return str(path)


def regions(home: Path) -> list[str | None]:
    deployment = test_deployment(home)
    with opened(Association.load(deployment.associations / "albalad"), deployment, actor=actor_with()) as (_app, session):
        return list(session.scalars(sa.select(City.region_ar).where(City.name_ar == "مدينة أ")))


def test_every_line_that_is_not_taken_is_listed_with_its_reason(home: Path, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "organisation.cities", file, "--refused", str(home / "refused.csv")]) == 0

    out, err = capsys.readouterr()
    assert "create: 1  update: 0  duplicate: 1  refused: 1" in out and "Nothing was applied" in out
    assert "line 4: duplicate: " in err and "line 3: name_ar: " in err
    assert len((home / "refused.csv").read_text(encoding="utf-8-sig").splitlines()) == 2
    assert regions(home) == []


def test_good_lines_are_applied_only_on_the_explicit_choice(home: Path, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "organisation.cities", file, "--apply"]) == 1
    assert "--leave-out-refused" in capsys.readouterr().err and regions(home) == []

    assert main(["import", "organisation.cities", file, "--apply", "--leave-out-refused"]) == 0
    assert "1 lines applied." in capsys.readouterr().out and regions(home) == ["الشرقية"]


@pytest.mark.parametrize(("option", "named"), [("same_nam=create", ("same_nam", "customer_class, same_name")), ("same_name=yes", ("yes", "skip, create"))])
def test_an_option_that_does_not_exist_is_refused_with_those_there_are(
    home: Path, capsys: pytest.CaptureFixture[str], option: str, named: tuple[str, str],
) -> None:
    path = home / "people.csv"
    path.write_text("name,mobile\nأحمد علي,0551112233\n", encoding="utf-8")

    assert main(["import", "customers.customers", str(path), "--option", option]) == 1

    err = capsys.readouterr().err
    assert all(words in err for words in named)


def test_the_operator_reaches_customers_of_every_department(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deployment = test_deployment(home)
    with opened(Association.load(deployment.associations / "albalad"), deployment, actor=operator()) as (_app, session), work.unit_of_work(session) as own:
        own.info["actor"] = operator()
        department = own.scalars(sa.select(Department.id)).first()
        people = register_people(own, NOON)
        form = approved_form(own, people, NOON, department_id=department)
        entry.enter(own, form, actor=people.officer, now=NOON)
        number = form.line.customer.number
    gifts = home / "gifts.csv"
    gifts.write_text(f"customer,day,amount,reference\n{number},2019-05-01,250.50,OLD-1\n", encoding="utf-8")

    assert main(["import", "finance.contributions", str(gifts), "--date-order", "ymd", "--apply"]) == 0

    assert "1 lines applied." in capsys.readouterr().out


def test_the_file_of_refused_lines_overwrites_nothing(home: Path, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path(file).read_bytes()

    assert main(["import", "organisation.cities", file, "--refused", file]) == 1
    assert "exists already" in capsys.readouterr().err and Path(file).read_bytes() == before
    assert main(["import", "organisation.cities", file, "--refused", str(home / "nowhere" / "r.csv"), "--apply", "--leave-out-refused"]) == 1
    assert "There is no folder" in capsys.readouterr().err and regions(home) == []


def test_a_decimal_comma_is_declared(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gifts = home / "gifts.csv"
    gifts.write_text("customer,day,amount\n1,2019-05-01,\"1.250,00\"\n", encoding="utf-8")

    main(["import", "finance.contributions", str(gifts), "--date-order", "ymd"])
    assert "line 2: amount" in capsys.readouterr().err
    main(["import", "finance.contributions", str(gifts), "--date-order", "ymd", "--decimal", ","])
    assert "line 2: amount" not in capsys.readouterr().err
