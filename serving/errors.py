"""Errors that a request ends with: a status code, and one sentence that says what to do."""

from __future__ import annotations


class RequestError(Exception):
    """A request that is not answered; it becomes `{"error": message}` with the status code.

    Args:
        status: 4xx or 5xx
        message: one sentence without a path of the server
        retry_after: seconds after which the same request may be answered; None if it will not be
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after


class BusyError(RequestError):
    """Too much waits already."""

    def __init__(self, seconds: int = 1) -> None:
        seconds = min(max(seconds, 1), 3600)
        super().__init__(429, f"the server is busy; try again in {seconds} s", seconds)
