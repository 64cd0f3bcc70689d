"""Metrics: the core's counters and gauges under the names of Prometheus.

The core counts; nothing is counted twice. A metric of the core named `journal_groups_total` is
shown as `coulisse_journal_groups_total`: stage, noun, unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class CoreCollector(Collector):
    """Reads the core at each scrape."""

    def __init__(self, read: Callable[[], Mapping[str, int]], labels: Mapping[str, str]) -> None:
        """Read with `read`; put `labels` on `coulisse_node_info`."""
        self._read = read
        self._labels = dict(labels)

    def collect(self) -> Iterator[Metric]:
        """Yield one family for each metric."""
        info = GaugeMetricFamily(
            "coulisse_node_info", "What this node is.", labels=list(self._labels)
        )
        info.add_metric(list(self._labels.values()), 1)
        yield info
        for name, value in sorted(self._read().items()):
            full = f"coulisse_{name}"
            doc = name.replace("_", " ") + "."
            if name.endswith("_total"):
                yield CounterMetricFamily(full, doc, value=value)
            else:
                yield GaugeMetricFamily(full, doc, value=value)


class Metrics:
    """The registry of one node: nothing global, so that two nodes fit in one process."""

    def __init__(self, read: Callable[[], Mapping[str, int]], labels: Mapping[str, str]) -> None:
        """Show what `read` gives."""
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(CoreCollector(read, labels))

    def text(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self._registry)
