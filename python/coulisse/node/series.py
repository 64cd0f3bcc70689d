"""The node's end of its time series: the process that fills them, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from coulisse.config import Config
from coulisse.log.file import data_dir
from coulisse.node.child import Program
from coulisse.node.follower import PLACE_FILE
from coulisse.node.series_process import SERIES_VARIABLE, Settings, Status
from coulisse.node.series_reader import StoredSeries
from coulisse.node.side import Side
from coulisse.store.timeseries.address import SeriesAddress, parse_series_address

MODULE: Final = "coulisse.node.series_process"


class Series(Side[Status]):
    """The time series of a node; it takes orders however they are."""

    def __init__(self, config: Config, processors: tuple[int, ...]) -> None:
        """Prepare them; `processors` is where their process may run. Raises `ConfigError`."""
        database, directory = config.series_database, data_dir(config)
        self.address: SeriesAddress | None = None
        self.stored: StoredSeries | None = None
        """Reads them."""
        program: Program | None = None
        if database is None:
            # Nothing of a journal is kept for what is not filled any more.
            (directory / PLACE_FILE).unlink(missing_ok=True)
        else:
            self.address = parse_series_address(database, directory)
            self.stored = StoredSeries(self.address)
            program = _program(config, directory, database, processors)
        super().__init__("series", "writing", Status(), program)

    async def end(self) -> None:
        """End the process and wait for it."""
        if self.stored is not None:
            self.stored.close()
        await super().end()

    def counts(self, status: Status, done: int) -> Mapping[str, int]:
        """Return what else is counted."""
        return {"rows_total": done}

    def note(self, before: Status, now: Status) -> None:
        """Tell where the file was made anew."""
        if now.rebuilt and now.rebuilt != before.rebuilt:
            self._log.warning("series_rebuilt", reason=now.rebuilt)


def _program(
    config: Config, directory: Path, database: str, processors: tuple[int, ...]
) -> Program:
    settings = Settings(
        data_dir=str(directory),
        keep_days={str(name): days for name, days in config.series.keep_days.items()},
    )
    nice, secret = config.projector.nice, {SERIES_VARIABLE: database}
    return Program("series", MODULE, settings.to_json(), secret, nice, processors)
