"""Databases for recorders: files, or those of a server whose address `--dburl` is."""

import os
from pathlib import Path

from pytest_homeassistant_custom_component.patch_time import HAFakeDatetime
import sqlalchemy as sa


def new_database(server: str, name: str, folder: Path) -> str:
    """Return the address of an empty database; its server may have none."""
    url = sa.make_url(server)
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{folder / name}.db"
    name += os.environ.get("PYTEST_XDIST_WORKER", "")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in ("DROP DATABASE IF EXISTS", "CREATE DATABASE"):
            connection.execute(sa.text(f"{statement} {name}"))
    return url.set(database=name).render_as_string(hide_password=False)


def know_frozen_time() -> None:
    """Let PyMySQL write times of tests, which are of a class that it does not know."""
    # Only those who test on MariaDB have it.
    from pymysql import converters

    for known in (converters.encoders, converters.conversions):
        known[HAFakeDatetime] = converters.escape_datetime
