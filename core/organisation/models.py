"""Tables of the organisation: where it works, in which departments, with which programmes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database import Base
from core.i18n import Bilingual


class Named:
    """A name in both languages; the reader's is shown."""

    name_ar: Mapped[str]
    name_en: Mapped[str]

    @property
    def name(self) -> Bilingual:
        return Bilingual.of({"ar": self.name_ar, "en": self.name_en})


class City(Named, Base):
    """A city or governorate. Cities of one name are told apart by region, and by the code of the list they came from."""

    __tablename__ = "core_city"
    __table_args__ = (sa.Index("ix_core_city_name_key", "name_key"), sa.Index("ix_core_city_active_name_ar", "active", "name_ar"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name_ar: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200), default="")
    region_ar: Mapped[str] = mapped_column(sa.String(200), default="")
    region_en: Mapped[str] = mapped_column(sa.String(200), default="")
    name_key: Mapped[str] = mapped_column(sa.String(420), default="")
    """Folded names between bars (``|جده|jeddah|``), for finding; ``region_key`` likewise."""
    region_key: Mapped[str] = mapped_column(sa.String(420), default="")
    external_code: Mapped[str | None] = mapped_column(sa.String(60), unique=True)
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def region(self) -> Bilingual:
        return Bilingual.of({"ar": self.region_ar, "en": self.region_en})

    @property
    def title(self) -> Bilingual:
        """Name with region, as a choice needs it when a name occurs twice."""
        return with_region(self.name, self.region)


def with_region(name: Bilingual, region: Bilingual) -> Bilingual:
    return Bilingual(f"{name.ar}، {region.ar}", f"{name.en}, {region.en}") if region.ar else name


class Centre(Named, Base):
    """A neighbourhood centre in a city (ORG-04)."""

    __tablename__ = "core_centre"
    __table_args__ = (sa.UniqueConstraint("city_id", "name_ar"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    city_id: Mapped[int] = mapped_column(sa.ForeignKey("core_city.id"), index=True)
    name_ar: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200), default="")
    external_code: Mapped[str | None] = mapped_column(sa.String(60), unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    city: Mapped[City] = relationship()


class Branch(Named, Base):
    """An office of the association in another city or country."""

    __tablename__ = "core_branch"

    id: Mapped[int] = mapped_column(primary_key=True)
    city_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_city.id"), index=True)
    name_ar: Mapped[str] = mapped_column(sa.String(200), unique=True)
    name_en: Mapped[str] = mapped_column(sa.String(200), default="")
    active: Mapped[bool] = mapped_column(default=True)
    city: Mapped[City | None] = relationship()


class Department(Named, Base):
    """A department; those that the manual names are seeded, others are added (ORG-03)."""

    __tablename__ = "core_department"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(60), unique=True)
    name_ar: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200), default="")
    active: Mapped[bool] = mapped_column(default=True)


class Programme(Named, Base):
    """A programme or activity that is supported; of one centre, or of the whole association when ``centre_id`` is empty."""

    __tablename__ = "core_programme"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(sa.String(60), unique=True)
    name_ar: Mapped[str] = mapped_column(sa.String(300))
    name_en: Mapped[str] = mapped_column(sa.String(300), default="")
    centre_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_centre.id"), index=True)
    fund: Mapped[str | None] = mapped_column(sa.String(60))
    """Code of the fund in the finance system whose accounts this programme's money goes to."""
    active: Mapped[bool] = mapped_column(default=True)
    centre: Mapped[Centre | None] = relationship()
