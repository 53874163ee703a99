"""A self-hosted security graph that speaks the Microsoft Graph Security API."""

__version__ = "0.1.0"
