"""What can go wrong with a store, in words and with its cure. No text of a library is repeated: some hold signatures and keys.

The libraries raise what their transports raise: an error of 403 may be a PermissionError, a FileNotFoundError (fsspec's HTTP), an
HttpResponseError (Azure) or a ClientError (botocore). What they have in common is found by walking along their causes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from transcribe_cli.errors import StorageNotReady, StorageUnreachable
from transcribe_cli.interrupts import cause_chain

_HOWTO = {
    "s3": "AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or anon = true in [storage.s3] for a public bucket",
    "gcs": 'GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, or token = "anon" in [storage.gcs]',
    "azure": "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "sftp": "an SSH agent, a key in ~/.ssh, or username and key_filename in [storage.sftp]",
    "http": "client_kwargs.headers in [storage.http]",
}
_ENDPOINT = {
    "s3": "Check endpoint_url in [storage.s3] or AWS_ENDPOINT_URL, and the network.",
    "gcs": "Check endpoint_url in [storage.gcs] or STORAGE_EMULATOR_HOST, and the network.",
    "azure": "Check the account's name, or the connection string, and the network.",
}
_CREDENTIALS = [
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
# What conditional requests end in: botocore, Azure, gcsfs; 409 is S3's for two at the same instant.
_UNMET = [
    "PreconditionFailed",
    "412",
    "ConditionNotMet",
    "BlobAlreadyExists",
    "ResourceExistsError",
    "ResourceModifiedError",
    "FileExistsError",
]
_BEYOND = ["InvalidRange", "416"]
_NO_BUCKET = ["NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"]
_MISSING = ["NoSuchKey", "BlobNotFound", "NotFound", "404", "410", "FileNotFoundError", "ResourceNotFoundError"]
_DENIED = ["AccessDenied", "Forbidden", "AuthorizationPermissionMismatch", "AllAccessDisabled", "403", "PermissionError"]
_REGION = ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"]
_HOST_KEY = ["BadHostKeyException"]
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
_BROKEN = [
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
_SLOW = ("FSTimeoutError", "TimeoutError", "SocketTimeoutError", "ServerTimeoutError", "ReadTimeoutError")
_WORD = re.compile(r"[A-Za-z0-9_.]{1,60}")


@dataclass(frozen=True)
class Trouble:
    """What an error means.

    Attributes:
        reason: to follow the name of what it happened to: "is not there".
        cure: a sentence, or "".
        missing: the file is not there; nothing else is wrong.
        passing: trying again may help.
        unmet: somebody else changed it meanwhile; see `conditional`.
        beyond: the file ends before the range that was asked for.
    """

    reason: str
    cure: str = ""
    missing: bool = False
    passing: bool = False
    unmet: bool = False
    beyond: bool = False


def diagnose(error: BaseException, family: str, around: BaseException | None = None) -> Trouble:
    """What an error of a storage library means. What was handled `around` the call that raised it is none of its causes."""
    codes = list(dict.fromkeys(_codes(error, around)))
    howto = f"Set {_HOWTO[family]}." if family in _HOWTO else ""
    endpoint = _ENDPOINT.get(family, "Check its name and the network.")
    table: Sequence[tuple[Sequence[str], Callable[[str], Trouble]]] = (
        (_UNMET, lambda _: Trouble("was changed meanwhile", unmet=True)),
        (_BEYOND, lambda _: Trouble("is shorter than it was", beyond=True)),
        (
            _NO_BUCKET,
            lambda code: Trouble(f"cannot be used: there is no such bucket ({code})", "Check its name, and the endpoint."),
        ),
        (["ParamValidationError"], lambda _: Trouble("has a name that no bucket can have", "Check its name.")),
        (
            ["ProfileNotFound"],
            lambda _: Trouble("cannot be used: there is no such profile", "Check AWS_PROFILE and ~/.aws/config."),
        ),
        (
            _HOST_KEY,
            lambda _: Trouble("is not in known_hosts, or has another key there", "Connect with `ssh` once and check its key."),
        ),
        (_NO_CREDENTIALS, lambda _: Trouble("cannot be used: no credentials were found", howto)),
        (_CREDENTIALS, lambda code: Trouble(f"cannot be used: the credentials are not accepted ({code})", howto)),
        (
            _REGION,
            lambda code: Trouble(
                f"is in another region ({code})", "Set AWS_REGION, or client_kwargs.region_name in [storage.s3]."
            ),
        ),
        (_UNREACHABLE, lambda code: Trouble(f"cannot be reached ({code})", endpoint, passing=True)),
        (_BUSY, lambda code: Trouble(f"is overloaded or broken ({code})", "Try again later.", passing=True)),
        (_DENIED, lambda code: Trouble(f"may not be used ({code})", f"Allow it for these credentials. {howto}".strip())),
        (_SLOW, lambda _: Trouble("did not answer in time", endpoint, passing=True)),
        (_BROKEN, lambda code: Trouble(f"broke off ({code})", "Try again.", passing=True)),
        (_MISSING, lambda _: Trouble("is not there", missing=True)),
    )
    for known, trouble in table:
        if code := next((code for code in codes if code in known), None):
            return trouble(code)
    return Trouble(f"cannot be used ({codes[0]})", "TRANSCRIBE_DEBUG=1 says more.", passing=isinstance(error, OSError))


def mapped(
    error: BaseException, uri: str, family: str, around: BaseException | None = None
) -> StorageNotReady | FileNotFoundError:
    """Our error for one of a library's: FileNotFoundError for a file that is not there, otherwise StorageNotReady.

    It is StorageUnreachable when trying again may help.
    """
    trouble = diagnose(error, family, around)
    if trouble.missing:
        return FileNotFoundError(2, "No such file or directory", uri)
    kind = StorageUnreachable if trouble.passing else StorageNotReady
    return kind(f"{uri} {trouble.reason}.", trouble.cure)


def _codes(error: BaseException, around: BaseException | None) -> Iterator[str]:
    """The names and numbers of an error and its causes, those of the services first."""
    names = []
    for cause in cause_chain(error, around):
        response = getattr(cause, "response", None)
        if isinstance(response, Mapping):  # botocore
            yield str(response.get("Error", {}).get("Code", ""))
            yield str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
        # Azure, aiohttp, gcsfs; aiohttp's `code` is deprecated.
        for attribute in (
            ("error_code", "status", "status_code") if hasattr(cause, "status") else ("error_code", "status_code", "code")
        ):
            value = getattr(cause, attribute, None)
            if isinstance(value, int | str) and _WORD.fullmatch(word := str(getattr(value, "value", value))):
                yield word
        if "No authentication methods available" in str(cause):  # paramiko has no class of its own for it
            yield "NoAuthMethod"
        names.append(type(cause).__name__)
    yield from names
