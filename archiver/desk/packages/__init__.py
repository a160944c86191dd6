"""Exports requested in the desk: the orders, and their creation and removal.

Imports the desk's file; the packing function is passed in, since `export` is above the desk.
"""
