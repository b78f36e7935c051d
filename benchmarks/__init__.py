"""Speed, compared with rivals in the same run; started by ``make bench`` and never part of the tests."""
