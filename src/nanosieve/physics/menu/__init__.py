"""Trigger menus: schema, decisions, rates, turn-ons; the ATLAS menu of 2018 as data."""

from nanosieve.physics.menu.adjust import MenuFit, Threshold, fit_menu, threshold_for_rate
from nanosieve.physics.menu.conditions import Conditions, conditions_of
from nanosieve.physics.menu.evaluate import Decisions, Evaluator, Scorer
from nanosieve.physics.menu.load import known_menus, load_menu, parse_menu, write_menu
from nanosieve.physics.menu.prescales import enhanced_bias_weights
from nanosieve.physics.menu.rate import Rate
from nanosieve.physics.menu.rates import MenuRates, RateTable, menu_rates
from nanosieve.physics.menu.reference import decide
from nanosieve.physics.menu.schema import Item, Leg, Line, Menu, PairCut, Score, Selection, Window
from nanosieve.physics.menu.turn_on import TurnOn, turn_on

__all__ = [
    "Conditions",
    "Decisions",
    "Evaluator",
    "Item",
    "Leg",
    "Line",
    "Menu",
    "MenuFit",
    "MenuRates",
    "PairCut",
    "Rate",
    "RateTable",
    "Score",
    "Scorer",
    "Selection",
    "Threshold",
    "TurnOn",
    "Window",
    "conditions_of",
    "decide",
    "enhanced_bias_weights",
    "fit_menu",
    "known_menus",
    "load_menu",
    "menu_rates",
    "parse_menu",
    "threshold_for_rate",
    "turn_on",
    "write_menu",
]
