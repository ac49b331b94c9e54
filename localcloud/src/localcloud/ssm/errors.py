"""The errors of Systems Manager's API, with the codes of the real service."""

from __future__ import annotations


class ServiceError(Exception):
    """An error that the API answers with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def no_document(name: str) -> ServiceError:
    """Returns the error for a document that does not exist."""
    return ServiceError("InvalidDocument", f"Document with name {name} does not exist.")


def no_version(name: str, version: str) -> ServiceError:
    """Returns the error for a version that the document does not have."""
    return ServiceError("InvalidDocumentVersion", f"Document {name} has no version {version}.")


def bad_content(reason: str) -> ServiceError:
    """Returns the error for the content of a document that is not valid or not supported here."""
    return ServiceError("InvalidDocumentContent", reason)


def unsupported(what: str) -> ServiceError:
    """Returns the error for a request that AWS accepts and the local cloud does not."""
    return ServiceError("ValidationException", f"The local cloud's Systems Manager does not support {what}")
