"""Downloads, from a server of our own: good, damaged, missing, offline."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sparring.core.errors import UserError
from sparring.data.download import Remote, cache_folder, fetch

CONTENT = b"sixty thousand digits" * 1000
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Mirror(BaseHTTPRequestHandler):
    """``/good`` gives the content, ``/cut`` breaks off half way, ``/bad`` gives something else."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = {"/good": CONTENT, "/cut": CONTENT[: len(CONTENT) // 2], "/bad": b"a login page"}.get(self.path)
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(CONTENT if self.path == "/cut" else content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    for proxy in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.asked = []
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def remote(server, *paths: str, digest: str = DIGEST) -> Remote:
    return Remote("digits.gz", digest, tuple(f"http://127.0.0.1:{server.server_port}{path}" for path in paths))


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("digest", [DIGEST, f"md5:{hashlib.md5(CONTENT).hexdigest()}"])
def test_a_file_is_downloaded_once(server, digest):
    wanted = [remote(server, "/good", digest=digest)]
    folder = fetch("set", wanted)
    assert folder == cache_folder() / "set"
    assert (folder / "digits.gz").read_bytes() == CONTENT
    assert fetch("set", wanted) == folder
    assert server.asked == ["/good"]
    assert files_in(folder) == ["digits.gz"]


def test_mirrors_are_tried_in_turn(server):
    folder = fetch("set", [remote(server, "/missing", "/cut", "/bad", "/good")])
    assert server.asked == ["/missing", "/cut", "/bad", "/good"]
    assert (folder / "digits.gz").read_bytes() == CONTENT


def test_what_does_not_match_is_not_kept(server):
    with pytest.raises(UserError, match="wrong checksum") as error:
        fetch("set", [remote(server, "/bad", "/cut")])
    assert files_in(cache_folder() / "set") == []
    assert "digits.gz" in str(error.value)
    assert "\n" not in str(error.value)


def test_offline_says_which_files_to_put_where(server, capsys):
    port = server.server_port
    server.shutdown()
    server.server_close()
    absent = Remote("labels.gz", DIGEST, (f"http://127.0.0.1:{port}/labels",))
    with pytest.raises(UserError) as error:
        fetch("set", [remote(server, "/good"), absent])
    line = str(error.value)
    assert f"put digits.gz, labels.gz into {cache_folder() / 'set'}" in line
    assert "--data" in line
    assert "\n" not in line


def test_files_put_there_by_hand_are_taken(server):
    folder = cache_folder() / "set"
    folder.mkdir(parents=True)
    (folder / "digits.gz").write_bytes(b"packed again by someone else")
    assert fetch("set", [remote(server, "/good")]) == folder
    assert server.asked == []


def test_a_cache_that_cannot_be_written_is_named(server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="set SPARRING_CACHE"):
        fetch("set", [remote(server, "/good")])
