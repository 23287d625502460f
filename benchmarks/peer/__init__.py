"""The peer: Django's admin over the same tables, read by introspection and through a read-only connection.

Sessions and people are in a database of its own. Django is a dependency of the benchmark alone (``requirements-bench.in``);
it always runs in processes of its own.
"""
