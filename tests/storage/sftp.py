"""An SFTP server on 127.0.0.1 for a folder, built with paramiko's server classes."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface

USER, PASSWORD = "aluna", "segredo-do-sftp"


class SftpServer:
    """Serves a folder until closed.

    Attributes:
        key: the host key, for known_hosts.
    """

    def __init__(self, folder: Path) -> None:
        self.key = paramiko.ECDSAKey.generate()
        self.folder = folder
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._transports: list[paramiko.Transport] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def known_hosts(self, path: Path) -> Path:
        """A known_hosts file with this server in it."""
        path.write_text(f"[127.0.0.1]:{self.port} {self.key.get_name()} {self.key.get_base64()}\n")
        return path

    def drop(self) -> None:
        """Break all connections."""
        for transport in self._transports:
            transport.sock.close()

    def close(self) -> None:
        """Stop serving."""
        self._socket.close()
        for transport in self._transports:
            transport.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", SFTPServer, _Folder, self.folder)
            self._transports.append(transport)
            try:
                transport.start_server(server=_Login())
            except (paramiko.SSHException, EOFError):
                transport.close()


class _Login(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL if (username, password) == (USER, PASSWORD) else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Handle(SFTPHandle):
    def stat(self) -> SFTPAttributes:
        return SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class _Folder(SFTPServerInterface):
    def __init__(self, server: paramiko.ServerInterface, folder: Path) -> None:
        super().__init__(server)
        self._folder = folder

    def _real(self, path: str) -> str:
        return str(self._folder) + self.canonicalize(path)

    def list_folder(self, path: str) -> list[SFTPAttributes] | int:
        try:
            real = self._real(path)
            return [SFTPAttributes.from_stat(path.lstat(), path.name) for path in Path(real).iterdir()]
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)

    def stat(self, path: str) -> SFTPAttributes | int:
        try:
            return SFTPAttributes.from_stat(Path(self._real(path)).stat())
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)

    def lstat(self, path: str) -> SFTPAttributes | int:
        try:
            return SFTPAttributes.from_stat(os.lstat(self._real(path)))
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)

    def open(self, path: str, flags: int, attr: SFTPAttributes) -> SFTPHandle | int:
        try:
            file = os.fdopen(os.open(self._real(path), flags, 0o666), "r+b" if flags & (os.O_WRONLY | os.O_RDWR) else "rb")
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)
        handle = _Handle(flags)
        handle.readfile = handle.writefile = file
        return handle

    def readlink(self, path: str) -> str | int:
        try:
            return str(Path(self._real(path)).readlink())
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)

    def remove(self, path: str) -> int:
        return self._done(os.remove, self._real(path))

    def rename(self, oldpath: str, newpath: str) -> int:
        return self._done(os.rename, self._real(oldpath), self._real(newpath))

    posix_rename = rename

    def mkdir(self, path: str, attr: SFTPAttributes) -> int:
        return self._done(os.mkdir, self._real(path))

    def _done(self, act, *paths: str) -> int:
        try:
            act(*paths)
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)
        return paramiko.SFTP_OK
