"""Published benchmarks, run end to end: collisions → network → hardware → report."""

from nanosieve.studies.registry import STUDIES, StudyEntry, find_study
from nanosieve.studies.study import Size, StudyOptions, StudyResult

__all__ = ["STUDIES", "Size", "StudyEntry", "StudyOptions", "StudyResult", "find_study"]
