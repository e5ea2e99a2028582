"""The tests of the service: `python -m unittest` in its folder, with the Python of its
environment. Real SQLite, real HTTP; Kafka as values."""
