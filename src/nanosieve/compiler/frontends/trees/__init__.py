"""Boosted decision trees and forests: files of XGBoost, LightGBM and scikit-learn."""
