"""Dashboards for Grafana, made of what a node shows at /metrics."""
