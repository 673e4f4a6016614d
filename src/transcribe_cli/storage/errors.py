"""Maps the errors of storage libraries to ours, with a hint. Messages never contain a library's text, which may hold signatures or keys.

The libraries raise the errors of their transports: a 403 may be a PermissionError, a FileNotFoundError (fsspec's HTTP), an
HttpResponseError (Azure) or a ClientError (botocore). The codes and class names along the chain of causes identify the error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from transcribe_cli.errors import StorageNotReady, StorageUnreachable
from transcribe_cli.interrupts import cause_chain

_CREDENTIAL_HINTS = {
    "s3": "AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or anon = true in [storage.s3] for a public bucket",
    "gcs": 'GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, or token = "anon" in [storage.gcs]',
    "azure": "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "sftp": "an SSH agent, a key in ~/.ssh, or username and key_filename in [storage.sftp]",
    "http": 'client_kwargs.headers in [storage.http."https://HOST"] of a configuration file',
}
_ENDPOINT_HINTS = {
    "s3": "Check endpoint_url in [storage.s3] or AWS_ENDPOINT_URL, and the network.",
    "gcs": "Check endpoint_url in [storage.gcs] or STORAGE_EMULATOR_HOST, and the network.",
    "azure": "Check the account name or the connection string, and the network.",
}
_REJECTED_CREDENTIALS = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "AuthenticationFailed",
    "InvalidAuthenticationInfo",
    "AuthorizationFailure",
    "AUTHORIZATION_FAILURE",
    "AuthenticationException",
    "AzureSigningError",
    "RefreshError",
    "ClientAuthenticationError",
    "401",
]
_NO_CREDENTIALS = [
    "NoCredentialsError",
    "PartialCredentialsError",
    "DefaultCredentialsError",
    "NoAuthMethod",
    "SSOTokenLoadError",
    "UnauthorizedSSOTokenError",
    "PasswordRequiredException",
]
# Failed conditional requests of botocore, Azure and gcsfs.
_CONDITION_NOT_MET = [
    "PreconditionFailed",
    "412",
    "ConditionNotMet",
    "BlobAlreadyExists",
    "ResourceExistsError",
    "ResourceModifiedError",
    "FileExistsError",
]
_RANGE_NOT_SATISFIABLE = ["InvalidRange", "416"]
_NO_BUCKET = ["NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"]
_NOT_FOUND = ["NoSuchKey", "BlobNotFound", "NotFound", "404", "410", "FileNotFoundError", "ResourceNotFoundError"]
_DENIED = ["AccessDenied", "Forbidden", "AuthorizationPermissionMismatch", "AllAccessDisabled", "403", "PermissionError"]
_WRONG_REGION = ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"]
_UNKNOWN_HOST = ["BadHostKeyException"]
_UNREACHABLE = [
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ServiceRequestError",
    "gaierror",
    "NoValidConnectionsError",
    "ConnectionRefusedError",
    "SSLError",
    "ConnectionClosedError",
    "ProxyConnectionError",
    "TransportError",
]
_BUSY = [
    "SlowDown",
    "ConditionalRequestConflict",
    "OperationAborted",
    "ServerBusy",
    "RequestLimitExceeded",
    "TooManyRequests",
    "InternalError",
    "ServiceUnavailable",
    "408",
    "429",
    "500",
    "502",
    "503",
    "504",
]
_CONNECTION_LOST = [
    "ClientPayloadError",
    "ServerDisconnectedError",
    "HTTPClientError",
    "IncompleteReadError",
    "ConnectionResetError",
    "BrokenPipeError",
    "ClientOSError",
    "ResponseStreamingError",
    "ServiceResponseError",
    "IncompleteRead",
    "ContentLengthError",
    "EOFError",
    "SSHException",
    "IndexError",
    "ReadTimeoutError",
    "FSTimeoutError",
    "TimeoutError",
    "SocketTimeoutError",
    "ServerTimeoutError",
    "socket.timeout",
]
_TIMED_OUT = ("FSTimeoutError", "TimeoutError", "SocketTimeoutError", "ServerTimeoutError", "ReadTimeoutError")
_CODE = re.compile(r"[A-Za-z0-9_.]{1,60}")


@dataclass(frozen=True)
class Diagnosis:
    """The meaning of an error.

    Attributes:
        reason: the predicate of the message, after the URL: "does not exist".
        hint: a sentence, or "".
        missing: the file does not exist.
        transient: a retry may help.
        condition_not_met: another process changed the file; see `conditional`.
        range_not_satisfiable: the file ends before the requested range.
    """

    reason: str
    hint: str = ""
    missing: bool = False
    transient: bool = False
    condition_not_met: bool = False
    range_not_satisfiable: bool = False


def diagnose(error: BaseException, family: str, handled: BaseException | None = None) -> Diagnosis:
    """Diagnose an error of a storage library. `handled`, which was being handled during the call, is not one of its causes."""
    codes = list(dict.fromkeys(_codes(error, handled)))
    credentials = f"Set {_CREDENTIAL_HINTS[family]}." if family in _CREDENTIAL_HINTS else ""
    endpoint = _ENDPOINT_HINTS.get(family, "Check its name and the network.")
    table: Sequence[tuple[Sequence[str], Callable[[str], Diagnosis]]] = (
        (["AnswerTooLarge"], lambda _: Diagnosis("cannot be used: the server sends too much", endpoint)),
        (_CONDITION_NOT_MET, lambda _: Diagnosis("was changed by another process", condition_not_met=True)),
        (_RANGE_NOT_SATISFIABLE, lambda _: Diagnosis("became shorter", range_not_satisfiable=True)),
        (
            _NO_BUCKET,
            lambda code: Diagnosis(f"cannot be used: the bucket does not exist ({code})", "Check its name and the endpoint."),
        ),
        (["ParamValidationError"], lambda _: Diagnosis("has an invalid bucket name", "Check its name.")),
        (
            ["ProfileNotFound"],
            lambda _: Diagnosis("cannot be used: the profile does not exist", "Check AWS_PROFILE and ~/.aws/config."),
        ),
        (
            _UNKNOWN_HOST,
            lambda _: Diagnosis("is not in known_hosts, or its key there differs", "Connect once with `ssh` and check its key."),
        ),
        (_NO_CREDENTIALS, lambda _: Diagnosis("cannot be used: no credentials were found", credentials)),
        (_REJECTED_CREDENTIALS, lambda code: Diagnosis(f"cannot be used: the credentials were rejected ({code})", credentials)),
        (
            _WRONG_REGION,
            lambda code: Diagnosis(
                f"is in another region ({code})", "Set AWS_REGION, or client_kwargs.region_name in [storage.s3]."
            ),
        ),
        (_UNREACHABLE, lambda code: Diagnosis(f"cannot be reached ({code})", endpoint, transient=True)),
        (_BUSY, lambda code: Diagnosis(f"is overloaded or failing ({code})", "Try again later.", transient=True)),
        (_DENIED, lambda code: Diagnosis(f"denies access ({code})", f"Grant access to these credentials. {credentials}".strip())),
        (_TIMED_OUT, lambda _: Diagnosis("did not answer in time", endpoint, transient=True)),
        (_CONNECTION_LOST, lambda code: Diagnosis(f"lost the connection ({code})", "Try again.", transient=True)),
        (_NOT_FOUND, lambda _: Diagnosis("does not exist", missing=True)),
    )
    for known, make_diagnosis in table:
        if code := next((code for code in codes if code in known), None):
            return make_diagnosis(code)
    return Diagnosis(f"cannot be used ({codes[0]})", "Set TRANSCRIBE_DEBUG=1 for details.", transient=isinstance(error, OSError))


def map_error(
    error: BaseException, uri: str, family: str, handled: BaseException | None = None
) -> StorageNotReady | FileNotFoundError:
    """Map a library's error to FileNotFoundError for a missing file, or StorageNotReady.

    It is StorageUnreachable if a retry may help.
    """
    diagnosis = diagnose(error, family, handled)
    if diagnosis.missing:
        return FileNotFoundError(2, "No such file or directory", uri)
    kind = StorageUnreachable if diagnosis.transient else StorageNotReady
    return kind(f"{uri} {diagnosis.reason}.", diagnosis.hint)


def _codes(error: BaseException, handled: BaseException | None) -> Iterator[str]:
    """The codes of an error and its causes, then their class names."""
    names = []
    for cause in cause_chain(error, handled):
        response = getattr(cause, "response", None)
        if isinstance(response, Mapping):  # botocore
            yield str(response.get("Error", {}).get("Code", ""))
            yield str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
        # Azure, aiohttp, gcsfs; aiohttp's `code` is deprecated.
        for attribute in (
            ("error_code", "status", "status_code") if hasattr(cause, "status") else ("error_code", "status_code", "code")
        ):
            value = getattr(cause, attribute, None)
            if isinstance(value, int | str) and _CODE.fullmatch(code := str(getattr(value, "value", value))):
                yield code
        if "No authentication methods available" in str(cause):  # paramiko has no class for it
            yield "NoAuthMethod"
        names.append(type(cause).__name__)
    yield from names
