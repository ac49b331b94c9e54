"""Replaces `python -m release`: names the new command. Will be removed in 0.2.0."""

from slipway_cli.moved import module

module("release")
